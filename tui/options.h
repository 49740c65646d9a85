/* The explorer's command line, by the table that --help and completion are written
 * from. */
#ifndef PWEMOE_TUI_OPTIONS_H
#define PWEMOE_TUI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct explore_options {
    const char *file;
    int width, height; /* of the snapshot, 0: none */
    const char *device;
    unsigned precision; /* enum precision of the backend */
    uint64_t threads, limit, jobs;
    const char *job_devices;     /* or NULL */
    const char *spill;           /* a folder, or NULL */
    const char *replay, *record; /* scripts of keys, or NULL */
    unsigned space;              /* enum space */
    bool space_given;            /* it was typed */
    unsigned sandbox;            /* enum sandbox */
    bool allow_commands, polygon, ascii, no_mouse, no_colour;
};

enum explore_parsed { EXPLORE_GO_ON, EXPLORE_DONE, EXPLORE_WRONG };

/* EXPLORE_DONE: help, the version or a completion was printed to stdout, which is not
 * flushed. EXPLORE_WRONG: wrong usage, told in error's one line. Texts point into
 * argv. */
enum explore_parsed explore_options_parse(int argc, char **argv,
                                          struct explore_options *options,
                                          struct error *error);

#endif
