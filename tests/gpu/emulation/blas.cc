/* cuBLASLt over a plain product. It refuses layouts that do not fit and products that
 * differ from what an algorithm was asked for; and it has no algorithm for small
 * bf16 products of odd stride, so that what then takes over is tested, too. */
#include <stdlib.h>

#include "cublasLt.h"
#include "cuda_bf16.h"
#include "cuda_fp8.h"

struct emulation_blas {
    int unused;
};

struct emulation_product {
    cublasOperation_t a, b;
    cublasLtEpilogue_t epilogue;
    const void *bias; /* or where sums go */
    int64_t bias_apart;
    void *before;
    int64_t before_stride;
    const float *scale_a, *scale_b; /* of e4m3 */
};

struct emulation_layout {
    cudaDataType type;
    uint64_t rows, columns;
    int64_t stride;
    int32_t batch;
    int64_t apart;
};

struct emulation_preference {
    uint32_t alignment[5], reductions;
};

const char *cublasLtGetStatusString(cublasStatus_t status) {
    return status == CUBLAS_STATUS_SUCCESS         ? "CUBLAS_STATUS_SUCCESS"
           : status == CUBLAS_STATUS_NOT_SUPPORTED ? "CUBLAS_STATUS_NOT_SUPPORTED"
                                                   : "CUBLAS_STATUS_INVALID_VALUE";
}

template <class T> static cublasStatus_t make(T **object) {
    *object = static_cast<T *>(calloc(1, sizeof(T)));
    return *object ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle) {
    return make(handle);
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
    free(handle);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *product,
                                        cublasComputeType_t, cudaDataType) {
    cublasStatus_t status = make(product);
    if (status == CUBLAS_STATUS_SUCCESS)
        (*product)->epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    return status;
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t product) {
    free(product);
    return CUBLAS_STATUS_SUCCESS;
}

template <class T> static cublasStatus_t put(T *to, const void *value, size_t size) {
    if (size != sizeof *to)
        return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(to, value, size);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t product,
                                              cublasLtMatmulDescAttributes_t attribute,
                                              const void *value, size_t size) {
    switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
        return put(&product->a, value, size);
    case CUBLASLT_MATMUL_DESC_TRANSB:
        return put(&product->b, value, size);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
        return put(&product->epilogue, value, size);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
        return put(&product->bias, value, size);
    case CUBLASLT_MATMUL_DESC_BIAS_BATCH_STRIDE:
        return put(&product->bias_apart, value, size);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER:
        return put(&product->before, value, size);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD:
        return put(&product->before_stride, value, size);
    case CUBLASLT_MATMUL_DESC_A_SCALE_POINTER:
        return put(&product->scale_a, value, size);
    case CUBLASLT_MATMUL_DESC_B_SCALE_POINTER:
        return put(&product->scale_b, value, size);
    }
    return CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *layout,
                                          cudaDataType type, uint64_t rows,
                                          uint64_t columns, int64_t stride) {
    cublasStatus_t status = make(layout);
    if (status == CUBLAS_STATUS_SUCCESS)
        **layout = {type, rows, columns, stride, 1, 0};
    return status;
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t name,
                                                const void *value, size_t size) {
    return name == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT
               ? put(&layout->batch, value, size)
               : put(&layout->apart, value, size);
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
    free(layout);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *preference) {
    cublasStatus_t status = make(preference);
    if (status == CUBLAS_STATUS_SUCCESS)
        (*preference)->reductions = CUBLASLT_REDUCTION_SCHEME_MASK;
    return status;
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
    free(preference);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t
cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                     cublasLtMatmulPreferenceAttributes_t attribute,
                                     const void *value, size_t size) {
    size_t bytes;
    if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES)
        return put(&bytes, value, size);
    if (attribute == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK)
        return put(&preference->reductions, value, size);
    return put(&preference->alignment[attribute], value, size);
}

struct sizes {
    uint64_t m, n, k;
};

static size_t bytes_of(uint64_t count, cudaDataType type) {
    return count * (type == CUDA_R_32F ? 4 : type == CUDA_R_16BF ? 2 : 1);
}

/* What fp8 kernels are documented to want: k side by side in both, every size and
 * stride a multiple of 16 bytes, scales, bf16 results. */
static bool fits_fp8(const struct emulation_product *p,
                     const struct emulation_layout *a, const struct emulation_layout *b,
                     const struct emulation_layout *d) {
    return p->a == CUBLAS_OP_T && p->b == CUBLAS_OP_N && p->scale_a && p->scale_b &&
           a->rows % 16 == 0 && a->columns % 16 == 0 && a->stride % 16 == 0 &&
           b->stride % 16 == 0 && d->stride % 8 == 0 && d->type == CUDA_R_16BF &&
           a->batch == 1;
}

/* The sizes of the product, and whether the layouts agree about them. */
static bool fits(cublasLtMatmulDesc_t p, cublasLtMatrixLayout_t a,
                 cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t d, struct sizes *s) {
    s->m = p->a == CUBLAS_OP_N ? a->rows : a->columns;
    s->k = p->a == CUBLAS_OP_N ? a->columns : a->rows;
    s->n = p->b == CUBLAS_OP_N ? b->columns : b->rows;
    uint64_t k = p->b == CUBLAS_OP_N ? b->rows : b->columns;
    return s->k == k && d->rows == s->m && d->columns == s->n && s->k > 0 &&
           a->stride >= (int64_t)a->rows && b->stride >= (int64_t)b->rows &&
           d->stride >= (int64_t)d->rows && a->type == b->type &&
           a->batch == d->batch && b->batch == d->batch &&
           (a->type != CUDA_R_8F_E4M3 || fits_fp8(p, a, b, d));
}

static bool even(cublasLtMatrixLayout_t layout) {
    return layout->type == CUDA_R_32F || layout->stride % 2 == 0;
}

static bool has_bias(cublasLtEpilogue_t epilogue) {
    return epilogue & CUBLASLT_EPILOGUE_BIAS;
}

static bool has_sums(cublasLtEpilogue_t epilogue) {
    return epilogue & (CUBLASLT_EPILOGUE_BGRADA | CUBLASLT_EPILOGUE_BGRADB);
}

/* How many sums; 0: none. */
static uint64_t sums_of(const struct emulation_product &what, const struct sizes &s) {
    return what.epilogue & CUBLASLT_EPILOGUE_BGRADA   ? s.m
           : what.epilogue & CUBLASLT_EPILOGUE_BGRADB ? s.n
                                                      : 0;
}

cublasStatus_t
cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t product,
                               cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                               cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t,
                               cublasLtMatmulPreference_t preference, int wanted,
                               cublasLtMatmulHeuristicResult_t results[], int *found) {
    struct sizes s;
    *found = 0;
    emulation.heuristics++;
    if (!fits(product, a, b, c, &s))
        return CUBLAS_STATUS_INVALID_VALUE;
    uint32_t least = a->type == CUDA_R_32F ? 4 : a->type == CUDA_R_16BF ? 2 : 16;
    for (int i = 1; i < 5; i++)
        if (preference->alignment[i] < least)
            return CUBLAS_STATUS_INVALID_VALUE;
    bool kept = product->epilogue & 128;
    bool small = s.m * s.n * s.k < 20000;
    if (emulation.no_algorithms || (small && (!even(a) || !even(b) || !even(c))) ||
        (has_sums(product->epilogue) && (s.m % 8 != 0 || s.n % 8 != 0)) ||
        (kept && (product->before_stride % 8 != 0 || !product->before ||
                  (uintptr_t)product->before % 16 != 0)))
        return CUBLAS_STATUS_NOT_SUPPORTED;
    /* Some that do the same, and one of them in less time. */
    for (*found = 0; *found < wanted && *found < 3; ++*found) {
        results[*found].algo.shape = s.m * 1000003 + s.n * 1009 + s.k;
        results[*found].algo.parts =
            preference->reductions & CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE;
        results[*found].algo.number = (unsigned char)*found;
        results[*found].workspaceSize = 0;
    }
    return CUBLAS_STATUS_SUCCESS;
}

size_t cublasLtGetVersion(void) {
    return 120000;
}

cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t, cublasLtMatmulDesc_t product,
                                       cublasLtMatrixLayout_t a,
                                       cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t,
                                       cublasLtMatrixLayout_t d,
                                       const cublasLtMatmulAlgo_t *algorithm,
                                       cublasLtMatmulHeuristicResult_t *result) {
    struct sizes s;
    result->algo = *algorithm;
    result->workspaceSize = 0;
    return fits(product, a, b, d, &s) &&
                   algorithm->shape == s.m * 1000003 + s.n * 1009 + s.k
               ? CUBLAS_STATUS_SUCCESS
               : CUBLAS_STATUS_INVALID_VALUE;
}

static double element(const void *matrix, cudaDataType type, uint64_t at) {
    if (type == CUDA_R_8F_E4M3)
        return (double)emulation_from_e4m3(
            static_cast<const unsigned char *>(matrix)[at]);
    return type == CUDA_R_32F ? (double)static_cast<const float *>(matrix)[at]
                              : (double)__bfloat162float(
                                    static_cast<const __nv_bfloat16 *>(matrix)[at]);
}

static void put_element(void *matrix, cudaDataType type, uint64_t at, double value) {
    if (type == CUDA_R_32F)
        static_cast<float *>(matrix)[at] = (float)value;
    else
        static_cast<__nv_bfloat16 *>(matrix)[at] = __float2bfloat16_rn((float)value);
}

/* A product with everything that it was asked for by value: it may run later. */
struct product {
    struct sizes s;
    struct emulation_product what;
    struct emulation_layout a, b, c, d;
    double factor, kept;
    const void *from_a, *from_b, *from_c;
    void *to;
    bool parts; /* the first half of each sum is kept in the result's type */
};

static const void *after(const void *matrix, const struct emulation_layout &layout) {
    return static_cast<const char *>(matrix) +
           bytes_of((uint64_t)layout.apart, layout.type);
}

static void run_one(const struct product &p) {
    double factor = p.factor;
    if (p.a.type == CUDA_R_8F_E4M3)
        factor *= (double)*p.what.scale_a * (double)*p.what.scale_b;
    uint64_t a_row = p.what.a == CUBLAS_OP_N ? 1 : (uint64_t)p.a.stride;
    uint64_t a_column = p.what.a == CUBLAS_OP_N ? (uint64_t)p.a.stride : 1;
    uint64_t b_row = p.what.b == CUBLAS_OP_N ? 1 : (uint64_t)p.b.stride;
    uint64_t b_column = p.what.b == CUBLAS_OP_N ? (uint64_t)p.b.stride : 1;
    for (uint64_t j = 0; j < p.s.n; j++)
        for (uint64_t i = 0; i < p.s.m; i++) {
            double sum = 0;
            for (uint64_t k = 0; k < p.s.k; k++) {
                sum += element(p.from_a, p.a.type, i * a_row + k * a_column) *
                       element(p.from_b, p.b.type, k * b_row + j * b_column);
                if (p.parts && k + 1 == p.s.k / 2) {
                    uint32_t part;
                    put_element(&part, p.d.type, 0, sum);
                    sum = element(&part, p.d.type, 0);
                }
            }
            uint64_t at = j * (uint64_t)p.d.stride + i;
            sum *= factor;
            if (p.kept != 0)
                sum += p.kept * element(p.from_c, p.c.type, at);
            if (has_bias(p.what.epilogue))
                sum += element(p.what.bias, p.d.type, i);
            if (p.what.epilogue & 128)
                put_element(p.what.before, p.d.type,
                            j * (uint64_t)p.what.before_stride + i, sum);
            if (p.what.epilogue & 32)
                sum = sum / 2 *
                      (1 + tanh(sqrt(2 / M_PI) * (sum + 0.044715 * sum * sum * sum)));
            put_element(p.to, p.d.type, at, sum);
        }
}

/* Over what was there, whatever becomes of c. */
static void run_sums(const struct product &p) {
    bool of_a = p.what.epilogue & CUBLASLT_EPILOGUE_BGRADA;
    const struct emulation_layout &from = of_a ? p.a : p.b;
    bool plain = (of_a ? p.what.a : p.what.b) == CUBLAS_OP_N;
    uint64_t k_step = plain == of_a ? (uint64_t)from.stride : 1;
    uint64_t step = plain == of_a ? 1 : (uint64_t)from.stride;
    for (uint64_t i = 0; i < sums_of(p.what, p.s); i++) {
        double sum = 0;
        for (uint64_t k = 0; k < p.s.k; k++)
            sum +=
                element(of_a ? p.from_a : p.from_b, from.type, i * step + k * k_step);
        put_element(const_cast<void *>(p.what.bias), p.d.type, i, sum);
    }
}

static void run_product(struct product p) {
    for (int32_t i = 0; i < p.d.batch; i++) {
        run_one(p);
        run_sums(p);
        p.what.bias = static_cast<const char *>(p.what.bias) +
                      bytes_of((uint64_t)p.what.bias_apart, p.d.type);
        p.from_a = after(p.from_a, p.a);
        p.from_b = after(p.from_b, p.b);
        p.from_c = after(p.from_c, p.c);
        p.to = const_cast<void *>(after(p.to, p.d));
    }
}

/* Each matrix once. */
static struct emulation_work work_of(const struct product &p) {
    size_t result = bytes_of(p.s.m * p.s.n, p.d.type);
    size_t bytes = bytes_of(p.s.m * p.s.k, p.a.type) +
                   bytes_of(p.s.k * p.s.n, p.b.type) + result * (p.kept != 0 ? 2 : 1) +
                   (p.what.epilogue & 128 ? result : 0) +
                   bytes_of(sums_of(p.what, p.s), p.d.type);
    size_t batch = (size_t)p.d.batch;
    return {batch > 1 ? "product of many" : "product", 0, batch * bytes,
            2.0 * (double)batch * (double)p.s.m * (double)p.s.n * (double)p.s.k};
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t product,
                              const void *alpha, const void *a,
                              cublasLtMatrixLayout_t la, const void *b,
                              cublasLtMatrixLayout_t lb, const void *beta,
                              const void *c, cublasLtMatrixLayout_t lc, void *d,
                              cublasLtMatrixLayout_t ld,
                              const cublasLtMatmulAlgo_t *algorithm, void *workspace,
                              size_t workspace_bytes, cudaStream_t stream) {
    struct sizes s;
    if (!fits(product, la, lb, ld, &s) || lc->stride != ld->stride ||
        algorithm->shape != s.m * 1000003 + s.n * 1009 + s.k ||
        ((has_bias(product->epilogue) || has_sums(product->epilogue)) &&
         !product->bias))
        return CUBLAS_STATUS_INVALID_VALUE;
    struct product p = {s,
                        *product,
                        *la,
                        *lb,
                        *lc,
                        *ld,
                        (double)*static_cast<const float *>(alpha),
                        (double)*static_cast<const float *>(beta),
                        a,
                        b,
                        c,
                        d,
                        algorithm->parts};
    emulation.chosen[algorithm->number]++;
    emulation_takes_longer(stream, algorithm->number == 1 ? 0 : 1);
    emulation_queue_work(stream, work_of(p), [=] {
        if (emulation_lost())
            return;
        memset(workspace, 0xff, workspace_bytes < 4096 ? workspace_bytes : 4096);
        run_product(p);
    });
    return CUBLAS_STATUS_SUCCESS;
}
