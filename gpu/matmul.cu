/* Matrix products by cuBLASLt: bf16 operands on the tensor cores with sums in f32,
 * or f32 throughout (never TF32). Bias, and the activations that cuBLAS has
 * exactly, go into its epilogue; the others into one pass after it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda.h"
#include "element.h"

/* Everything that the choice of an algorithm depends on. */
struct product_key {
    size_t m, n, k, lda, ldb, ldc;
    size_t batch, a_apart, b_apart, c_apart;
    /* Of a, b, c, bias, before, added: powers of two up to 256. */
    unsigned alignment[6];
    unsigned char transpose_a, transpose_b, c_is_f32, accumulate, has_bias;
    unsigned char added; /* elsewhere than in c */
    unsigned char unused[2];
    int epilogue;
};

struct product_choice {
    struct product_key key;
    cublasLtMatmulAlgo_t algorithm;
    bool found; /* false: cuBLAS has none for this */
};

struct product_cache {
    size_t count, capacity;
    struct product_choice *choices;
};

void cuda_products_free(struct product_cache *products) {
    if (products)
        free(products->choices);
    free(products);
}

/* cuBLAS is column major: what it calls A is our B. */
struct description {
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t a, b, c;
};

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

static cublasStatus_t describe(struct description *d, const struct cuda *cuda,
                               const struct matmul *p, cublasLtEpilogue_t epilogue) {
    cudaDataType_t type =
        cuda->table.precision == PRECISION_BF16 ? CUDA_R_16BF : CUDA_R_32F;
    cudaDataType_t c_type = p->c_is_f32 ? CUDA_R_32F : type;
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
    if (status == CUBLAS_STATUS_SUCCESS && keeps_before(epilogue)) {
        int64_t stride = (int64_t)p->ldc;
        status = set(d->product, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, &p->before,
                     sizeof p->before);
        if (status == CUBLAS_STATUS_SUCCESS)
            status = set(d->product, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, &stride,
                         sizeof stride);
    }
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

static unsigned alignment(uintptr_t address) {
    uintptr_t low = address & (~address + 1);
    return low == 0 || low > 256 ? 256 : (unsigned)low;
}

static unsigned alignment(const void *pointer) {
    return alignment((uintptr_t)pointer);
}

/* Of all matrices of a batch. */
static unsigned alignment(const void *pointer, size_t apart, size_t element) {
    return alignment((uintptr_t)pointer | apart * element);
}

static const void *added_of(const struct matmul *p) {
    return p->added ? p->added : p->c;
}

static struct product_key key_of(const struct cuda *cuda, const struct matmul *p,
                                 cublasLtEpilogue_t epilogue) {
    struct product_key key;
    size_t element = cuda->table.real_size;
    bool many = p->batch > 1;
    memset(&key, 0, sizeof key); /* keys are compared as bytes */
    key.m = p->m;
    key.n = p->n;
    key.k = p->k;
    key.lda = p->lda;
    key.ldb = p->ldb;
    key.ldc = p->ldc;
    key.batch = many ? p->batch : 1;
    key.a_apart = many ? p->a_apart : 0;
    key.b_apart = many ? p->b_apart : 0;
    key.c_apart = many ? p->c_apart : 0;
    key.alignment[0] = alignment(p->a, key.a_apart, element);
    key.alignment[1] = alignment(p->b, key.b_apart, element);
    key.alignment[2] =
        alignment(p->c, key.c_apart, p->c_is_f32 ? sizeof(float) : element);
    key.alignment[3] = alignment(p->bias);
    key.alignment[4] = alignment(p->before);
    key.alignment[5] =
        alignment(added_of(p), key.c_apart, p->c_is_f32 ? sizeof(float) : element);
    key.added = p->accumulate && added_of(p) != p->c;
    key.transpose_a = p->transpose_a;
    key.transpose_b = p->transpose_b;
    key.c_is_f32 = p->c_is_f32;
    key.accumulate = p->accumulate;
    key.has_bias = p->bias != NULL;
    key.epilogue = (int)epilogue;
    return key;
}

/* The algorithms that cuBLAS proposes, the best by its own reckoning first; how many.
 */
static unsigned ask(struct cuda *cuda, const struct description *d,
                    const struct product_key *key,
                    cublasLtMatmulHeuristicResult_t results[ALGORITHMS_MOST]) {
    cublasLtMatmulPreference_t preference;
    if (cublasLtMatmulPreferenceCreate(&preference) != CUBLAS_STATUS_SUCCESS)
        return 0;
    size_t workspace = CUDA_WORKSPACE;
    /* Where a long sum is divided among blocks its parts stay f32: the other schemes
     * add them up in c's type. */
    uint32_t reductions = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    const struct {
        cublasLtMatmulPreferenceAttributes_t name;
        const void *value;
        size_t size;
    } settings[] = {
        {CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace},
        {CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &reductions, sizeof reductions},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &key->alignment[1], 4},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, &key->alignment[0], 4},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, &key->alignment[5], 4},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &key->alignment[2], 4},
    };
    bool good = true;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        good = good && cublasLtMatmulPreferenceSetAttribute(
                           preference, settings[i].name, settings[i].value,
                           settings[i].size) == CUBLAS_STATUS_SUCCESS;
    unsigned wanted = cuda->tuning.algorithm > cuda->tuning.algorithms
                          ? cuda->tuning.algorithm
                          : cuda->tuning.algorithms;
    int found = 0;
    good = good && cublasLtMatmulAlgoGetHeuristic(
                       cuda->blas, d->product, d->a, d->b, d->c, d->c, preference,
                       (int)wanted, results, &found) == CUBLAS_STATUS_SUCCESS;
    cublasLtMatmulPreferenceDestroy(preference);
    return good ? (unsigned)found : 0;
}

static cublasStatus_t run(struct cuda *cuda, const struct matmul *p,
                          const struct description *d, void *to,
                          const cublasLtMatmulAlgo_t *algorithm) {
    float one = 1, kept = p->accumulate ? 1 : 0;
    return cublasLtMatmul(cuda->blas, d->product, &one, p->b, d->a, p->a, d->b, &kept,
                          added_of(p), d->c, to, d->c, algorithm, cuda->workspace,
                          CUDA_WORKSPACE, cuda->stream);
}

/* Seconds of an algorithm, the least of a few; infinite where it does not run. */
static float time_of(struct cuda *cuda, const struct matmul *p,
                     const struct description *d, void *to, const cudaEvent_t event[2],
                     const cublasLtMatmulAlgo_t *algorithm) {
    enum { RUNS = 4 };
    float least = INFINITY, took;
    for (int i = 0; i < RUNS; i++) {
        if (cudaEventRecord(event[0], cuda->stream) != cudaSuccess ||
            run(cuda, p, d, to, algorithm) != CUBLAS_STATUS_SUCCESS ||
            cudaEventRecord(event[1], cuda->stream) != cudaSuccess ||
            cudaEventSynchronize(event[1]) != cudaSuccess ||
            cudaEventElapsedTime(&took, event[0], event[1]) != cudaSuccess)
            return INFINITY;
        if (i > 0 && took < least) /* the first loads its kernel */
            least = took;
    }
    return least;
}

/* The number of the fastest, by trying them on this very product: what is written is
 * written again afterwards, but for a sum that is added to, whose trials go elsewhere.
 */
static unsigned fastest(struct cuda *cuda, const struct matmul *p,
                        const struct description *d,
                        const cublasLtMatmulHeuristicResult_t *results,
                        unsigned count) {
    unsigned best = 0;
    float least = INFINITY;
    void *to = p->c;
    size_t element = p->c_is_f32 ? sizeof(float) : cuda->table.real_size;
    cudaEvent_t event[2] = {};
    if (p->accumulate && added_of(p) == p->c)
        to = cuda_scratch(
            cuda,
            ((p->batch > 1 ? p->batch - 1 : 0) * p->c_apart + p->m * p->ldc) * element);
    bool good = to != NULL;
    for (int i = 0; i < 2; i++)
        good = good &&
               cudaEventCreateWithFlags(&event[i], cudaEventDefault) == cudaSuccess;
    for (unsigned i = 0; good && i < count; i++) {
        float took = time_of(cuda, p, d, to, event, &results[i].algo);
        if (took < least) {
            least = took;
            best = i;
        }
    }
    for (int i = 0; i < 2; i++)
        if (event[i])
            cudaEventDestroy(event[i]);
    cuda_check(cuda, cudaGetLastError(), "timing products");
    return best;
}

/* The algorithm for this product, chosen once; NULL where cuBLAS has none, or memory is
 * out. */
static const cublasLtMatmulAlgo_t *choose(struct cuda *cuda, const struct matmul *p,
                                          const struct description *d,
                                          cublasLtEpilogue_t epilogue) {
    struct product_key key = key_of(cuda, p, epilogue);
    struct product_cache *cache = cuda->products;
    if (!cache)
        cache = cuda->products =
            static_cast<struct product_cache *>(calloc(1, sizeof *cache));
    if (!cache)
        return NULL;
    for (size_t i = cache->count; i-- > 0;)
        if (memcmp(&cache->choices[i].key, &key, sizeof key) == 0)
            return cache->choices[i].found ? &cache->choices[i].algorithm : NULL;
    if (cache->count == cache->capacity) {
        size_t capacity = cache->capacity ? 2 * cache->capacity : 64;
        void *grown = realloc(cache->choices, capacity * sizeof *cache->choices);
        if (!grown)
            return NULL;
        cache->choices = static_cast<struct product_choice *>(grown);
        cache->capacity = capacity;
    }
    struct product_choice *choice = &cache->choices[cache->count++];
    cublasLtMatmulHeuristicResult_t results[ALGORITHMS_MOST];
    unsigned found = ask(cuda, d, &key, results), best = 0;
    choice->key = key;
    choice->found = found > 0;
    if (cuda->tuning.algorithm > 0)
        best = cuda->tuning.algorithm < found ? cuda->tuning.algorithm - 1 : found - 1;
    else if (found > 1 && !cuda->recording)
        best = fastest(cuda, p, d, results, found);
    if (found > 0)
        choice->algorithm = results[best].algo;
    return choice->found ? &choice->algorithm : NULL;
}

/* c = op(a) op(b) (+ c) with the epilogue. false: cuBLAS has no algorithm for it;
 * nothing has then been written. A failure is kept in cuda. */
static bool multiply(struct cuda *cuda, const struct matmul *p,
                     cublasLtEpilogue_t epilogue) {
    if (cuda->tuning.plain)
        return false;
    struct description d = {};
    cublasStatus_t status = describe(&d, cuda, p, epilogue);
    const cublasLtMatmulAlgo_t *algorithm =
        status == CUBLAS_STATUS_SUCCESS ? choose(cuda, p, &d, epilogue) : NULL;
    if (algorithm && !cuda->failed) {
        status = run(cuda, p, &d, p->c, algorithm);
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
           p->accumulate ? static_cast<const C *>(added_of(p)) : NULL, typed<T>(p->a),
           typed<T>(p->b), p->m, p->n, p->k, p->transpose_a ? 1 : p->lda,
           p->transpose_a ? p->lda : 1, p->transpose_b ? 1 : p->ldb,
           p->transpose_b ? p->ldb : 1, p->ldc);
}

static void next_of_batch(const struct backend *backend, struct matmul *p) {
    p->a = backend_at(backend, p->a, p->a_apart);
    p->b = backend_at(backend, p->b, p->b_apart);
    size_t bytes = p->c_apart * (p->c_is_f32 ? sizeof(float) : backend->real_size);
    p->c = static_cast<char *>(p->c) + bytes;
    p->added = p->added ? static_cast<const char *>(p->added) + bytes : NULL;
}

/* The product alone, with whatever can do it. */
static void multiply_somehow(struct cuda *cuda, const struct matmul *p) {
    if (p->k > 0 && multiply(cuda, p, CUBLASLT_EPILOGUE_DEFAULT))
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

static void multiply_add(struct backend *backend, const struct matmul *p) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || p->m == 0 || p->n == 0)
        return;
    if (p->batch > 1 && !cuda->tuning.batches) {
        multiply_one_by_one(backend, p);
        return;
    }
    cublasLtEpilogue_t epilogue = best_epilogue(cuda, p);
    bool activated =
        epilogue != CUBLASLT_EPILOGUE_BIAS && epilogue != CUBLASLT_EPILOGUE_DEFAULT;
    if (activated && p->k > 0 && multiply(cuda, p, epilogue))
        return;
    /* x is put where it is wanted, and the activation takes it from there. */
    struct matmul product = *p;
    if (p->activation != ACTIVATION_NONE && p->before)
        product.c = p->before;
    bool biased = p->bias && !p->c_is_f32 && p->k > 0 &&
                  multiply(cuda, &product, CUBLASLT_EPILOGUE_BIAS);
    if (!biased)
        multiply_somehow(cuda, &product);
    if (cuda->failed)
        return;
    const real *bias = biased ? NULL : p->bias;
    if (p->c_is_f32) {
        if (bias)
            cuda_add_bias_f32(cuda, static_cast<float *>(p->c), bias, p->m, p->n,
                              p->ldc);
    } else if (bias || p->activation != ACTIVATION_NONE) {
        real *c = static_cast<real *>(p->c);
        bool keep = bias && p->activation != ACTIVATION_NONE;
        cuda_finish_product(cuda, c, keep ? p->before : NULL,
                            static_cast<real *>(product.c), bias, p->m, p->n, p->ldc,
                            p->activation);
    }
}

static void multiply_one_by_one(struct backend *backend, const struct matmul *p) {
    struct matmul one = *p;
    one.batch = 1;
    for (size_t i = 0; i < p->batch; i++) {
        multiply_add(backend, &one);
        next_of_batch(backend, &one);
    }
}

enum : int { EDGE = 64, EACH = 4, SIDE = EDGE / EACH, DEPTH = 16 };

/* A block has EDGE x EDGE elements of `to` at a time, a thread EACH x EACH of them;
 * DEPTH rows of both matrices are in shared memory. */
template <class T>
static __global__ __launch_bounds__(SIDE *SIDE) void squared_products_kernel(
    float *to, const T *a, const T *b, float scale, size_t groups, size_t rows,
    size_t m, size_t n) {
    SHARED(float, left, [DEPTH][EDGE]);
    SHARED(float, right, [DEPTH][EDGE]);
    size_t across = (n + EDGE - 1) / EDGE, tiles = (m + EDGE - 1) / EDGE * across;
    int x = (int)threadIdx.x % SIDE, y = (int)threadIdx.x / SIDE;
    for (size_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
        size_t top = tile / across * EDGE, first = tile % across * EDGE;
        float total[EACH][EACH] = {};
        for (size_t g = 0; g < groups; g++) {
            float sum[EACH][EACH] = {};
            for (size_t r = 0; r < rows; r += DEPTH) {
                for (int k = (int)threadIdx.x; k < DEPTH * EDGE; k += SIDE * SIDE) {
                    int row = k / EDGE, column = k % EDGE;
                    size_t at = g * rows + r + row;
                    bool inside = r + row < rows;
                    left[row][column] = inside && top + column < m
                                            ? widen(a[at * m + top + column])
                                            : 0;
                    right[row][column] = inside && first + column < n
                                             ? widen(b[at * n + first + column])
                                             : 0;
                }
                __syncthreads();
#pragma unroll 4 /* registers */
                for (int row = 0; row < DEPTH; row++)
#pragma unroll
                    for (int i = 0; i < EACH; i++)
#pragma unroll
                        for (int j = 0; j < EACH; j++)
                            sum[i][j] +=
                                left[row][y + i * SIDE] * right[row][x + j * SIDE];
                __syncthreads();
            }
#pragma unroll
            for (int i = 0; i < EACH; i++)
#pragma unroll
                for (int j = 0; j < EACH; j++)
                    total[i][j] += sum[i][j] * sum[i][j];
        }
        for (int i = 0; i < EACH; i++)
            for (int j = 0; j < EACH; j++) {
                size_t row = top + y + i * SIDE, column = first + x + j * SIDE;
                if (row < m && column < n)
                    to[row * n + column] += scale * total[i][j];
            }
    }
}

template <class T>
static void add_squared_products(struct backend *backend, float *to, const real *a,
                                 const real *b, float scale, size_t groups, size_t rows,
                                 size_t m, size_t n) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || m == 0 || n == 0 || groups == 0)
        return;
    size_t tiles = (m + EDGE - 1) / EDGE * ((n + EDGE - 1) / EDGE);
    auto kernel = squared_products_kernel<T>;
    LAUNCH(cuda, kernel, cuda_blocks(cuda, tiles, 1), SIDE * SIDE, 0, to, typed<T>(a),
           typed<T>(b), scale, groups, rows, m, n);
}

void cuda_fill_matmul(struct backend *table) {
    bool narrow_type = table->precision == PRECISION_BF16;
    table->add_squared_products =
        narrow_type ? add_squared_products<bf16> : add_squared_products<float>;
    table->matmul = multiply_add;
}
