/* What has not ended by then goes on for ever: a test does not judge times, the
 * compiler may not have optimised, the machine may be emulated or have other work. Less
 * than the 900 s after which a test's command is killed (command/run.h). */
#ifndef PWEMOE_TESTS_PATIENCE_H
#define PWEMOE_TESTS_PATIENCE_H

#define PATIENCE_TEXT "600"
enum { PATIENCE = 600 }; /* seconds */

#endif
