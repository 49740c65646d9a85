/* Weight unloading: the upscaled model at given routing weights as one plain model, on
 * the device (the paper's section 3.3). */
#ifndef PWEMOE_MOE_UNLOADER_H
#define PWEMOE_MOE_UNLOADER_H

#include "backend/backend.h"
#include "base/error.h"
#include "moe/pool.h"
#include "moe/routers.h"
#include "moe/upscaling.h"

/* What a merge needs besides the pool: segments and room for routing weights on the
 * device, and perhaps routers there. */
struct unloader;

/* pool and upscaling are the caller's; the former must outlive the unloader. */
int unloader_new(struct pool *pool, const struct upscaling *upscaling,
                 struct unloader **unloader, struct error *error);
void unloader_free(struct unloader *unloader); /* NULL is fine */

/* out (size) on the device at weights [upscaling->rows, tasks] on the host. */
void unloader_merge(struct unloader *unloader, const float *weights, real *out);

/* Its two halves: the weights are taken, and the model is merged by those that were. */
void unloader_put(struct unloader *unloader, const float *weights);
void unloader_merge_put(struct unloader *unloader, real *out);

/* The latter in parts beside what is called afterwards, where the backend has that
 * (backend.h: aside): ready [layers + 2] receives what is to be joined before each part
 * of out is read, as transformer_follow takes it. */
void unloader_merge_ahead(struct unloader *unloader, real *out, unsigned *ready);

/* Copies routers of this upscaling to the device, once. */
int unloader_place(struct unloader *unloader, const struct routers *routers,
                   struct error *error);
/* The merge at a preference, in two halves. The preference [tasks] is taken: */
void unloader_aim(struct unloader *unloader, const double *preference);
/* and the routers that were placed are evaluated on the device, and out (size) is
 * merged there. Where the backend records, both are one recording from the second time
 * on, which names `out`. */
void unloader_merge_aimed(struct unloader *unloader, real *out);
/* The same as unloader_merge_ahead is: nothing but operations on device memory, for a
 * recording of the caller's, which ends before the unloader does. */
void unloader_merge_aimed_ahead(struct unloader *unloader, real *out, unsigned *ready);
/* Seconds of the device from the routers to the last part of the last such merge, after
 * it is done; 0 where it was not timed: of a backend that does not merge ahead. */
double unloader_seconds(const struct unloader *unloader);

#endif
