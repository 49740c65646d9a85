#include "model/features.h"

void features_forward(struct backend *backend, const struct layout *layout,
                      const real *weights, const real *read, size_t rows,
                      const struct features *out) {
    const struct model_config *m = &layout->config;
    backend->layer_norm(backend, out->normed, out->mean, out->rstd, read,
                        backend_at(backend, weights, layout->post_gamma),
                        backend_at(backend, weights, layout->post_beta), rows, m->width,
                        m->epsilon);
    if (!m->projection)
        return;
    backend->matmul(
        backend, &(struct matmul){.m = rows,
                                  .n = m->projection,
                                  .k = m->width,
                                  .a = out->normed,
                                  .lda = m->width,
                                  .b = backend_at(backend, weights, layout->projection),
                                  .ldb = m->width,
                                  .transpose_b = true,
                                  .c = out->projected,
                                  .ldc = m->projection});
}
