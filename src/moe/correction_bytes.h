/* A correction (correction.h) as bytes: what training keeps in results.db. */
#ifndef PWEMOE_MOE_CORRECTION_BYTES_H
#define PWEMOE_MOE_CORRECTION_BYTES_H

#include "model/heads.h"
#include "moe/correction.h"

/* On the host. */
struct correction_parts {
    enum correction_form form;
    float *vectors;          /* [correction_count, layout size] */
    struct routers *routers; /* NULL: none */
    double ridge;            /* of the form wudi: that of its closed form */
    struct head *heads; /* changes [tasks] (correction_heads.h); NULL: the tasks' own */
    size_t tasks;       /* of heads */
};
void correction_parts_clear(struct correction_parts *parts);

/* As safetensors bytes (freed with free()): a tensor for each vector and parameter but
 * a text tower's, by its checkpoint's name, behind the vector's number where there are
 * several, in BF16, the heads' changes in F32, and the routers. And back, into fresh
 * memory, for correction_parts_clear: every name and shape is checked on the way in;
 * label names the bytes in errors. */
int correction_to_memory(const struct layout *layout, size_t tasks,
                         const struct correction_parts *parts, void **bytes,
                         size_t *size, struct error *error);
int correction_from_memory(const void *bytes, size_t size, const char *label,
                           const struct layout *layout, size_t tasks,
                           struct correction_parts *parts, struct error *error);
/* Whether bytes say of themselves that they are one (and not routers). */
bool correction_is(const void *bytes, size_t size);
/* An error where so many vectors are more than a results.db can keep in one value. */
int correction_fits(const struct layout *layout, size_t vectors, struct error *error);

#endif
