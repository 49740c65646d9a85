/* A folder for a model that is there for a while: in memory where it fits. */
#ifndef PWEMOE_EVAL_MODEL_PLACE_H
#define PWEMOE_EVAL_MODEL_PLACE_H

#include <stdint.h>

#include "base/error.h"
#include "base/sha256.h"

struct model_place {
    char *path; /* NULL: there is none */
    int held;   /* -1, or what tells others that somebody is still there */
};

/* A new folder for about so many bytes, in /dev/shm where that has as many and half of
 * them again, else in TMPDIR or /tmp. What killed processes of this user left there is
 * removed. -1 with error. */
int model_place_new(uint64_t bytes, struct model_place *place, struct error *error);
/* Removes it with all that is in it; there is none afterwards. */
void model_place_remove(struct model_place *place);

/* What tells whether somebody has changed the files of a folder: their names, sizes and
 * times. Fails where it cannot be read. */
int model_place_stamp(const char *path, char stamp[SHA256_HEX], struct error *error);

#endif
