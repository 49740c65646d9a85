/* The closed form (wudi.h) on a device with memory of its own, for many preferences:
 * what each task vector gives to the system and the right side of each linear layer is
 * kept there, ridge and all, so that a preference is their weighted sum, systems that
 * are solved, and nothing that travels. */
#ifndef PWEMOE_MERGE_WUDI_DEVICE_H
#define PWEMOE_MERGE_WUDI_DEVICE_H

#include "merge/method.h"

struct wudi_device;

/* *device is NULL where this is none of the device's business: it has the host's
 * memory, too little of its own, or not the libraries; or a layer's task vector is 0
 * for some tasks and not for others, whose weights then count for nothing. The pool
 * outlives it.
 */
int wudi_device_new(const struct merge_input *input, double ridge,
                    struct wudi_device **device, struct error *error);
void wudi_device_free(struct wudi_device *device); /* NULL is fine */
double wudi_device_ridge(const struct wudi_device *device);

/* out (layout size) on the device, the merged task vector, by weights [tasks] that sum
 * to 1. *done is false where the device cannot solve systems, as is known then. */
int wudi_device_merge(struct wudi_device *device, const double *weights, real *out,
                      bool *done, struct error *error);

#endif
