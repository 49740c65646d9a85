/* Matrix products by cuBLASLt: bf16 or e4m3 operands on the tensor cores with sums in
 * f32, or f32 throughout (never TF32). Bias, the activations that cuBLAS has exactly,
 * and the sums that are a bias's gradient go into its epilogue; the others into one
 * pass after it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda.h"
#include "element.h"
#include "product.h"

static void description_free(struct description *d) {
    if (d->product)
        cublasLtMatmulDescDestroy(d->product);
    if (d->a)
        cublasLtMatrixLayoutDestroy(d->a);
    if (d->b)
        cublasLtMatrixLayoutDestroy(d->b);
    if (d->c)
        cublasLtMatrixLayoutDestroy(d->c);
}

static cublasStatus_t set(cublasLtMatmulDesc_t product,
                          cublasLtMatmulDescAttributes_t attribute, const void *value,
                          size_t size) {
    return cublasLtMatmulDescSetAttribute(product, attribute, value, size);
}

static cublasStatus_t layout_new(cublasLtMatrixLayout_t *layout, cudaDataType_t type,
                                 size_t rows, size_t columns, size_t stride) {
    return cublasLtMatrixLayoutCreate(layout, type, rows, columns, (int64_t)stride);
}

static cublasStatus_t set_batch(cublasLtMatrixLayout_t layout, size_t batch,
                                size_t apart) {
    int32_t count = (int32_t)batch;
    int64_t offset = (int64_t)apart;
    cublasStatus_t status = cublasLtMatrixLayoutSetAttribute(
        layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count);
    return status == CUBLAS_STATUS_SUCCESS
               ? cublasLtMatrixLayoutSetAttribute(
                     layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &offset,
                     sizeof offset)
               : status;
}

/* Whether the epilogue writes x, too, through the auxiliary pointer. */
static bool keeps_before(cublasLtEpilogue_t epilogue) {
    return epilogue == CUBLASLT_EPILOGUE_GELU_AUX ||
           epilogue == CUBLASLT_EPILOGUE_GELU_AUX_BIAS;
}

/* cuBLAS's GELU is the one by tanh (its documentation does not say; PyTorch takes it
 * for approximate="tanh" alone), so the one by erf is never left to it. It writes x
 * along with it where x's rows lie a multiple of 8 elements apart, and begin on 16
 * bytes. ReLU we do ourselves: cuBLAS's may take a NaN for 0. */
static cublasLtEpilogue_t best_epilogue(const struct cuda *cuda,
                                        const struct matmul *p) {
    bool gelu = p->activation == ACTIVATION_GELU_TANH && p->ldc % 8 == 0 &&
                all_aligned(p->before) && cuda->table.precision == PRECISION_BF16;
    if (gelu && p->before)
        return p->bias ? CUBLASLT_EPILOGUE_GELU_AUX_BIAS : CUBLASLT_EPILOGUE_GELU_AUX;
    if (gelu)
        return p->bias ? CUBLASLT_EPILOGUE_GELU_BIAS : CUBLASLT_EPILOGUE_GELU;
    return p->bias && !p->c_is_f32 ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
}

/* Where they go, of each product of a batch; they are of c's type, f32. */
static cublasStatus_t set_sums(cublasLtMatmulDesc_t product, const struct matmul *p) {
    int64_t apart = (int64_t)p->sums_apart;
    cublasStatus_t status =
        set(product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &p->sums, sizeof p->sums);
    return status == CUBLAS_STATUS_SUCCESS && p->batch > 1
               ? set(product, CUBLASLT_MATMUL_DESC_BIAS_BATCH_STRIDE, &apart,
                     sizeof apart)
               : status;
}

/* cuBLAS's a is our b. */
static cublasStatus_t set_scales(cublasLtMatmulDesc_t product,
                                 const struct rounded *rounded) {
    cublasStatus_t status = set(product, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER,
                                &rounded->scale_b, sizeof rounded->scale_b);
    return status == CUBLAS_STATUS_SUCCESS
               ? set(product, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, &rounded->scale_a,
                     sizeof rounded->scale_a)
               : status;
}

/* All but the matrices. */
static cublasStatus_t describe_product(struct description *d, const struct matmul *p,
                                       cublasLtEpilogue_t epilogue) {
    cublasOperation_t a = p->transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N;
    cublasOperation_t b = p->transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N;
    cublasStatus_t status =
        cublasLtMatmulDescCreate(&d->product, CUBLAS_COMPUTE_32F, CUDA_R_32F);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = set(d->product, CUBLASLT_MATMUL_DESC_TRANSA, &a, sizeof a);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = set(d->product, CUBLASLT_MATMUL_DESC_TRANSB, &b, sizeof b);
    if (status == CUBLAS_STATUS_SUCCESS)
        status =
            set(d->product, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue);
    if (status == CUBLAS_STATUS_SUCCESS && epilogue != CUBLASLT_EPILOGUE_DEFAULT &&
        p->bias)
        status = set(d->product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &p->bias,
                     sizeof p->bias);
    if (status == CUBLAS_STATUS_SUCCESS && product_sums(epilogue))
        status = set_sums(d->product, p);
    if (status == CUBLAS_STATUS_SUCCESS && d->rounded)
        status = set_scales(d->product, d->rounded);
    if (status == CUBLAS_STATUS_SUCCESS && keeps_before(epilogue)) {
        int64_t stride = (int64_t)p->ldc;
        status = set(d->product, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, &p->before,
                     sizeof p->before);
        if (status == CUBLAS_STATUS_SUCCESS)
            status = set(d->product, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, &stride,
                         sizeof stride);
    }
    return status;
}

static cublasStatus_t describe(struct description *d, const struct cuda *cuda,
                               const struct matmul *p, cublasLtEpilogue_t epilogue) {
    cudaDataType_t real_type =
        cuda->table.precision == PRECISION_BF16 ? CUDA_R_16BF : CUDA_R_32F;
    cudaDataType_t type = d->rounded ? CUDA_R_8F_E4M3 : real_type;
    cudaDataType_t c_type = p->c_is_f32 ? CUDA_R_32F : real_type;
    cublasStatus_t status = describe_product(d, p, epilogue);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = layout_new(&d->a, type, p->transpose_b ? p->k : p->n,
                            p->transpose_b ? p->n : p->k, p->ldb);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = layout_new(&d->b, type, p->transpose_a ? p->m : p->k,
                            p->transpose_a ? p->k : p->m, p->lda);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = layout_new(&d->c, c_type, p->n, p->m, p->ldc);
    if (p->batch <= 1)
        return status;
    if (status == CUBLAS_STATUS_SUCCESS)
        status = set_batch(d->a, p->batch, p->b_apart);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = set_batch(d->b, p->batch, p->a_apart);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = set_batch(d->c, p->batch, p->c_apart);
    return status;
}

/* c = op(a) op(b) (+ c) with the epilogue. false: cuBLAS has no algorithm for it;
 * nothing has then been written. A failure is kept in cuda. */
static bool multiply(struct cuda *cuda, const struct matmul *p,
                     const struct rounded *rounded, cublasLtEpilogue_t epilogue) {
    if (cuda->tuning.plain)
        return false;
    struct description d = {};
    d.rounded = rounded;
    cublasStatus_t status = describe(&d, cuda, p, epilogue);
    const cublasLtMatmulAlgo_t *algorithm =
        status == CUBLAS_STATUS_SUCCESS ? cuda_product_choose(cuda, p, &d, epilogue)
                                        : NULL;
    if (algorithm && !cuda->failed) {
        status = cuda_product_run(cuda, p, &d, p->c, algorithm);
        if (status != CUBLAS_STATUS_SUCCESS)
            cuda_refuse(
                cuda, "cuda:%d: cuBLAS failed at a product [%zu, %zu] x [%zu, %zu]: %s",
                cuda->device, p->m, p->k, p->k, p->n, cublasLtGetStatusString(status));
    }
    description_free(&d);
    return algorithm != NULL;
}

/* Products that cuBLAS has no algorithm for (rows of odd length in bf16 among
 * them): one warp for each element, exact in order and slow. */
template <class T, class C>
static __global__ void
plain_kernel(C *c, const C *added, const T *a, const T *b, size_t m, size_t n, size_t k,
             size_t a_row, size_t a_column, size_t b_row, size_t b_column, size_t ldc) {
    size_t warps = (size_t)gridDim.x * blockDim.y;
    for (size_t at = (size_t)blockIdx.x * blockDim.y + threadIdx.y; at < m * n;
         at += warps) {
        size_t i = at / n, j = at % n;
        float sum = 0;
        for (size_t l = threadIdx.x; l < k; l += WARP)
            sum +=
                widen(a[i * a_row + l * a_column]) * widen(b[l * b_row + j * b_column]);
        sum = warp_sum(sum);
        if (threadIdx.x == 0) {
            size_t to = i * ldc + j;
            c[to] = narrow<C>(added ? widen(added[to]) + sum : sum);
        }
    }
}

template <class T, class C>
static void multiply_plainly(struct cuda *cuda, const struct matmul *p) {
    auto kernel = plain_kernel<T, C>;
    C *c = static_cast<C *>(p->c);
    LAUNCH(cuda, kernel, cuda_blocks(cuda, p->m * p->n, 8), dim3(WARP, 8), 0, c,
           p->accumulate ? static_cast<const C *>(product_added(p)) : NULL,
           typed<T>(p->a), typed<T>(p->b), p->m, p->n, p->k,
           p->transpose_a ? 1 : p->lda, p->transpose_a ? p->lda : 1,
           p->transpose_b ? 1 : p->ldb, p->transpose_b ? p->ldb : 1, p->ldc);
}

static void next_of_batch(const struct backend *backend, struct matmul *p) {
    p->a = backend_at(backend, p->a, p->a_apart);
    p->b = backend_at(backend, p->b, p->b_apart);
    size_t bytes = p->c_apart * (p->c_is_f32 ? sizeof(float) : backend->real_size);
    p->c = static_cast<char *>(p->c) + bytes;
    p->added = p->added ? static_cast<const char *>(p->added) + bytes : NULL;
    p->sums = p->sums ? p->sums + p->sums_apart : NULL;
}

/* The product alone, with whatever can do it. */
static void multiply_somehow(struct cuda *cuda, const struct matmul *p) {
    if (p->k > 0 && multiply(cuda, p, NULL, CUBLASLT_EPILOGUE_DEFAULT))
        return;
    if (p->k > 0 && !cuda->failed && !cuda->tuning.plain &&
        cuda->table.plain_products++ == 0)
        snprintf(cuda->table.plain_product, sizeof cuda->table.plain_product,
                 "[%zu, %zu] x [%zu, %zu]", p->m, p->k, p->k, p->n);
    struct matmul one = *p;
    for (size_t i = 0; i < (p->batch > 1 ? p->batch : 1); i++) {
        if (i > 0)
            next_of_batch(&cuda->table, &one);
        if (cuda->table.precision == PRECISION_F32)
            multiply_plainly<float, float>(cuda, &one);
        else if (p->c_is_f32)
            multiply_plainly<bf16, float>(cuda, &one);
        else
            multiply_plainly<bf16, bf16>(cuda, &one);
    }
}

static void multiply_one_by_one(struct backend *backend, const struct matmul *p);

/* Sums that no product gives. */
static void sum_apart(struct backend *backend, const struct matmul *p) {
    size_t batch = p->batch > 1 ? p->batch : 1, width = p->sums_of_b ? p->n : p->m;
    const real *from = p->sums_of_b ? p->b : p->a;
    size_t stride = p->sums_of_b ? p->ldb : p->lda;
    size_t apart = p->sums_of_b ? p->b_apart : p->a_apart;
    bool in_one = batch == 1 || apart == p->k * stride;
    for (size_t i = 0; i < (in_one ? 1 : batch); i++)
        backend->column_sums(backend, p->sums + i * p->sums_apart, p->sums_apart,
                             backend_at(backend, from, i * apart), in_one ? batch : 1,
                             p->k, width, stride, p->accumulate);
}

/* A layer's gradients: cuBLAS's a is our b, and what it adds up it writes over what was
 * there. True where the product is done, with or without the sums. */
static bool multiply_and_sum(struct backend *backend, const struct matmul *p) {
    struct cuda *cuda = reinterpret_cast<struct cuda *>(backend);
    bool possible = cuda->tuning.sums && !p->accumulate && p->k > 0;
    if (possible &&
        multiply(cuda, p, NULL,
                 p->sums_of_b ? CUBLASLT_EPILOGUE_BGRADA : CUBLASLT_EPILOGUE_BGRADB))
        return true;
    if (possible && !cuda->tuning.plain && !cuda->failed)
        cuda->table.separate_sums++;
    sum_apart(backend, p);
    return false;
}

/* What the product's epilogue has left to be done: bias where it is not NULL, and the
 * activation, of x at `from`. */
static void finish(struct cuda *cuda, const struct matmul *p, const real *from,
                   const real *bias) {
    if (p->c_is_f32) {
        if (bias)
            cuda_add_bias_f32(cuda, static_cast<float *>(p->c), bias, p->m, p->n,
                              p->ldc);
    } else if (bias || p->activation != ACTIVATION_NONE) {
        bool keep = bias && p->activation != ACTIVATION_NONE;
        cuda_finish_product(cuda, static_cast<real *>(p->c), keep ? p->before : NULL,
                            from, bias, p->m, p->n, p->ldc, p->activation);
    }
}

/* The whole of p, as much of it in the epilogue as there is an algorithm for. False:
 * there is none, and rounded operands were given; others are then done plainly. */
static bool multiply_all(struct cuda *cuda, const struct matmul *p,
                         const struct rounded *rounded) {
    cublasLtEpilogue_t epilogue = best_epilogue(cuda, p);
    bool activated =
        epilogue != CUBLASLT_EPILOGUE_BIAS && epilogue != CUBLASLT_EPILOGUE_DEFAULT;
    if (activated && p->k > 0 && multiply(cuda, p, rounded, epilogue))
        return true;
    /* x is put where it is wanted, and the activation takes it from there. */
    struct matmul product = *p;
    if (p->activation != ACTIVATION_NONE && p->before)
        product.c = p->before;
    bool biased = p->bias && !p->c_is_f32 && p->k > 0 &&
                  multiply(cuda, &product, rounded, CUBLASLT_EPILOGUE_BIAS);
    if (!biased && rounded &&
        !multiply(cuda, &product, rounded, CUBLASLT_EPILOGUE_DEFAULT))
        return false;
    if (!biased && !rounded)
        multiply_somehow(cuda, &product);
    if (!cuda->failed)
        finish(cuda, p, static_cast<const real *>(product.c), biased ? NULL : p->bias);
    return true;
}

/* With rounded operands; false where it cannot be. */
static bool multiply_fp8(struct cuda *cuda, const struct matmul *p) {
    struct matmul made;
    struct rounded rounded;
    if (cuda_fp8_round(cuda, p, &made, &rounded) && multiply_all(cuda, &made, &rounded))
        return true;
    if (!cuda->failed && !cuda->refused)
        cuda->table.wide_products++;
    return cuda->failed;
}

static void multiply_add(struct backend *backend, const struct matmul *p) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || p->m == 0 || p->n == 0)
        return;
    if (p->batch > 1 && !cuda->tuning.batches) {
        multiply_one_by_one(backend, p);
        return;
    }
    if (p->sums && multiply_and_sum(backend, p))
        return;
    if (!p->fp8 || !cuda->table.fp8 || !multiply_fp8(cuda, p))
        multiply_all(cuda, p, NULL);
}

static void multiply_one_by_one(struct backend *backend, const struct matmul *p) {
    struct matmul one = *p;
    one.batch = 1;
    for (size_t i = 0; i < p->batch; i++) {
        multiply_add(backend, &one);
        next_of_batch(backend, &one);
    }
}

void cuda_fill_matmul(struct backend *table) {
    table->matmul = multiply_add;
}
