/* Which of cuBLASLt's algorithms a product is done by: its first, or the fastest of a
 * few by trial (PWEMOE_CUDA_TUNE), once for each shape. What was tried is kept for
 * later runs by the program that opens the module (backend/learnt.h), since the trials
 * of a model's shapes take a tenth of a second. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda.h"
#include "product.h"

/* Everything that the choice of an algorithm depends on. */
struct product_key {
    size_t m, n, k, lda, ldb, ldc;
    size_t batch, a_apart, b_apart, c_apart, sums_apart;
    /* Of a, b, c, bias or sums, before, added: powers of two up to 256. */
    unsigned alignment[6];
    unsigned char transpose_a, transpose_b, c_is_f32, accumulate, has_bias;
    unsigned char added; /* elsewhere than in c */
    unsigned char fp8;   /* a and b are e4m3 */
    unsigned char unused;
    int epilogue;
};

struct product_choice {
    struct product_key key;
    cublasLtMatmulAlgo_t algorithm;
    bool found;    /* false: cuBLAS has none for this */
    bool timed;    /* the fastest of some */
    bool unproved; /* from an earlier run: cuBLAS is asked before it is used */
};

struct product_cache {
    size_t count, capacity, timed; /* timed: since the backend was opened */
    struct product_choice *choices;
};

void cuda_products_free(struct product_cache *products) {
    if (products)
        free(products->choices);
    free(products);
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

static struct product_key key_of(const struct cuda *cuda, const struct matmul *p,
                                 bool fp8, cublasLtEpilogue_t epilogue) {
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
    key.sums_apart = many && product_sums(epilogue) ? p->sums_apart : 0;
    key.alignment[0] = alignment(p->a, key.a_apart, element);
    key.alignment[1] = alignment(p->b, key.b_apart, element);
    key.alignment[2] =
        alignment(p->c, key.c_apart, p->c_is_f32 ? sizeof(float) : element);
    key.alignment[3] = product_sums(epilogue)
                           ? alignment(p->sums, key.sums_apart, sizeof(float))
                           : alignment(p->bias);
    key.alignment[4] = alignment(p->before);
    key.alignment[5] =
        alignment(product_added(p), key.c_apart, p->c_is_f32 ? sizeof(float) : element);
    key.added = p->accumulate && product_added(p) != p->c;
    key.transpose_a = p->transpose_a;
    key.transpose_b = p->transpose_b;
    key.c_is_f32 = p->c_is_f32;
    key.accumulate = p->accumulate;
    key.has_bias = p->bias != NULL;
    key.fp8 = fp8;
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

cublasStatus_t cuda_product_run(struct cuda *cuda, const struct matmul *p,
                                const struct description *d, void *to,
                                const cublasLtMatmulAlgo_t *algorithm) {
    float one = 1, kept = p->accumulate ? 1 : 0;
    return cublasLtMatmul(cuda->blas, d->product, &one, p->b, d->a, p->a, d->b, &kept,
                          product_added(p), d->c, to, d->c, algorithm, cuda->workspace,
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
            cuda_product_run(cuda, p, d, to, algorithm) != CUBLAS_STATUS_SUCCESS ||
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
    bool itself = p->accumulate && product_added(p) == p->c;
    if (itself && d->rounded)
        to = d->rounded->trials;
    else if (itself)
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

/* A place for one more choice; NULL where memory is out. */
static struct product_choice *new_choice(struct cuda *cuda) {
    struct product_cache *cache = cuda->products;
    if (!cache)
        cache = cuda->products =
            static_cast<struct product_cache *>(calloc(1, sizeof *cache));
    if (!cache)
        return NULL;
    if (cache->count == cache->capacity) {
        size_t capacity = cache->capacity ? 2 * cache->capacity : 64;
        void *grown = realloc(cache->choices, capacity * sizeof *cache->choices);
        if (!grown)
            return NULL;
        cache->choices = static_cast<struct product_choice *>(grown);
        cache->capacity = capacity;
    }
    struct product_choice *choice = &cache->choices[cache->count++];
    memset(choice, 0, sizeof *choice);
    return choice;
}

static struct product_choice *find_choice(struct cuda *cuda,
                                          const struct product_key *key) {
    struct product_cache *cache = cuda->products;
    for (size_t i = cache ? cache->count : 0; i-- > 0;)
        if (memcmp(&cache->choices[i].key, key, sizeof *key) == 0)
            return &cache->choices[i];
    return NULL;
}

/* Whether cuBLAS takes an algorithm of an earlier run for this product. */
static bool is_good(struct cuda *cuda, const struct description *d,
                    const cublasLtMatmulAlgo_t *algorithm) {
    cublasLtMatmulHeuristicResult_t result;
    return cublasLtMatmulAlgoCheck(cuda->blas, d->product, d->a, d->b, d->c, d->c,
                                   algorithm, &result) == CUBLAS_STATUS_SUCCESS &&
           result.workspaceSize <= CUDA_WORKSPACE;
}

static void settle(struct cuda *cuda, const struct matmul *p,
                   const struct description *d, struct product_choice *choice) {
    cublasLtMatmulHeuristicResult_t results[ALGORITHMS_MOST];
    unsigned found = ask(cuda, d, &choice->key, results), best = 0;
    choice->found = found > 0;
    if (cuda->tuning.algorithm > 0) {
        best = cuda->tuning.algorithm < found ? cuda->tuning.algorithm - 1 : found - 1;
    } else if (found > 1 && !cuda->recording) {
        best = fastest(cuda, p, d, results, found);
        choice->timed = true;
        cuda->products->timed++;
    }
    if (found > 0)
        choice->algorithm = results[best].algo;
}

const cublasLtMatmulAlgo_t *cuda_product_choose(struct cuda *cuda,
                                                const struct matmul *p,
                                                const struct description *d,
                                                cublasLtEpilogue_t epilogue) {
    struct product_key key = key_of(cuda, p, d->rounded != NULL, epilogue);
    struct product_choice *choice = find_choice(cuda, &key);
    bool known = choice != NULL;
    if (known && choice->unproved) {
        choice->unproved = false;
        known = is_good(cuda, d, &choice->algorithm);
    }
    if (!known) {
        choice = choice ? choice : new_choice(cuda);
        if (!choice)
            return NULL;
        choice->key = key;
        choice->timed = false;
        settle(cuda, p, d, choice);
    }
    return choice->found ? &choice->algorithm : NULL;
}

/* --- kept for later runs ------------------------------------------------------- */

/* Of whom the choices are. */
struct learnt_head {
    char magic[8], card[96];
    uint64_t driver, blas, processors, precision, algorithms, choice_bytes, count;
};

struct learnt_choice {
    struct product_key key;
    cublasLtMatmulAlgo_t algorithm;
};

static struct learnt_head head_of(const struct cuda *cuda) {
    struct learnt_head head;
    int driver = 0;
    memset(&head, 0, sizeof head); /* compared as bytes */
    memcpy(head.magic, "PWECUB2", 8);
    snprintf(head.card, sizeof head.card, "%s", strchr(cuda->table.name, ' '));
    cudaDriverGetVersion(&driver);
    head.driver = (uint64_t)driver;
    head.blas = cublasLtGetVersion();
    head.processors = (uint64_t)cuda->processors;
    head.precision = cuda->table.precision;
    head.algorithms = cuda->tuning.algorithms;
    head.choice_bytes = sizeof(struct learnt_choice);
    return head;
}

static void learnt_name(const struct cuda *cuda, char name[96]) {
    struct learnt_head head = head_of(cuda);
    snprintf(name, 96, "cuda%.40s-%d-%zu-%s-%d.algorithms", head.card, (int)head.driver,
             (size_t)head.blas,
             cuda->table.precision == PRECISION_BF16 ? "bf16" : "f32",
             (int)head.algorithms);
    for (char *at = name; *at; at++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-",
                    *at))
            *at = '-';
}

static bool learn(struct backend *backend, const void *bytes, size_t size) {
    struct cuda *cuda = reinterpret_cast<struct cuda *>(backend);
    struct learnt_head wanted = head_of(cuda), head;
    if (size < sizeof head)
        return false;
    memcpy(&head, bytes, sizeof head);
    wanted.count = head.count;
    if (memcmp(&head, &wanted, sizeof head) != 0 ||
        head.count != (size - sizeof head) / sizeof(struct learnt_choice))
        return false;
    const char *at = static_cast<const char *>(bytes) + sizeof head;
    for (uint64_t i = 0; i < head.count; i++, at += sizeof(struct learnt_choice)) {
        struct learnt_choice one;
        memcpy(&one, at, sizeof one);
        struct product_choice *choice = new_choice(cuda);
        if (!choice)
            return false;
        choice->key = one.key;
        choice->algorithm = one.algorithm;
        choice->found = choice->timed = choice->unproved = true;
    }
    return true;
}

static void *learnt(struct backend *backend, size_t *size) {
    struct cuda *cuda = reinterpret_cast<struct cuda *>(backend);
    struct product_cache *cache = cuda->products;
    struct learnt_head head = head_of(cuda);
    *size = 0;
    if (!cache || cache->timed == 0 || cuda->failed)
        return NULL;
    char *bytes = static_cast<char *>(
        malloc(sizeof head + cache->count * sizeof(struct learnt_choice)));
    char *at = bytes ? bytes + sizeof head : NULL;
    for (size_t i = 0; bytes && i < cache->count; i++) {
        if (!cache->choices[i].timed)
            continue;
        struct learnt_choice one;
        memset(&one, 0, sizeof one);
        one.key = cache->choices[i].key;
        one.algorithm = cache->choices[i].algorithm;
        memcpy(at, &one, sizeof one);
        at += sizeof one;
        head.count++;
    }
    if (bytes) {
        memcpy(bytes, &head, sizeof head);
        *size = (size_t)(at - bytes);
    }
    return bytes;
}

void cuda_fill_algorithms(struct cuda *cuda) {
    if (cuda->tuning.algorithms < 2 || cuda->tuning.algorithm > 0)
        return;
    learnt_name(cuda, cuda->table.learnt_name);
    cuda->table.learn = learn;
    cuda->table.learnt = learnt;
}
