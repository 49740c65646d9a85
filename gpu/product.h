/* What matmul.cu, algorithms.cu and fp8.cu share: a product as cuBLASLt is told of it.
 */
#ifndef PWEMOE_GPU_PRODUCT_H
#define PWEMOE_GPU_PRODUCT_H

#include "cuda.h"

/* cuBLAS is column major: what it calls A is our B. */
struct description {
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t a, b, c;
    const struct rounded *rounded; /* NULL: the operands are real */
};

/* Operands in e4m3: the scales of our a and b, on the device, and room as large as c
 * where it is added to. All of it is scratch memory. */
struct rounded {
    const float *scale_a, *scale_b;
    void *trials;
};
/* made: p with its operands rounded so, [m, k] and [n, k]. False where that cannot be
 * (struct matmul's fp8), or with the failure kept. */
bool cuda_fp8_round(struct cuda *cuda, const struct matmul *p, struct matmul *made,
                    struct rounded *rounded);

/* What is added to where p->accumulate says so. */
static inline const void *product_added(const struct matmul *p) {
    return p->added ? p->added : p->c;
}

/* Whether the epilogue writes the sums over k of a or b. */
static inline bool product_sums(cublasLtEpilogue_t epilogue) {
    return epilogue == CUBLASLT_EPILOGUE_BGRADA || epilogue == CUBLASLT_EPILOGUE_BGRADB;
}

/* The algorithm for this product, chosen once for each shape; NULL where cuBLAS has
 * none, or memory is out. */
const cublasLtMatmulAlgo_t *cuda_product_choose(struct cuda *cuda,
                                                const struct matmul *p,
                                                const struct description *d,
                                                cublasLtEpilogue_t epilogue);
/* The product written to `to` in place of c. */
cublasStatus_t cuda_product_run(struct cuda *cuda, const struct matmul *p,
                                const struct description *d, void *to,
                                const cublasLtMatmulAlgo_t *algorithm);

#endif
