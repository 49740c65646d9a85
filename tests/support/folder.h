/* A folder of its own for each test program. */
#ifndef TESTS_SUPPORT_FOLDER_H
#define TESTS_SUPPORT_FOLDER_H

/* Made below TMPDIR when it is first asked for, removed with what is in it when the
 * program ends. */
const char *folder(void);

#endif
