/* What matmul.cu and algorithms.cu share: a product as cuBLASLt is told of it. */
#ifndef PWEMOE_GPU_PRODUCT_H
#define PWEMOE_GPU_PRODUCT_H

#include "cuda.h"

/* cuBLAS is column major: what it calls A is our B. */
struct description {
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t a, b, c;
};

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
