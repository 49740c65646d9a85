/* Inside the CUDA backend: its state, and how kernels are launched.
 *
 * Everything runs on one stream. The first failure is kept and everything after
 * it skipped; synchronise and the downloads report it. Scratch memory belongs to
 * the stream too: an operation may use it until the next operation does. */
#ifndef PWEMOE_GPU_CUDA_H
#define PWEMOE_GPU_CUDA_H

#include <cublasLt.h>
#include <cuda_runtime.h>

#include "backend/backend.h"

struct allocation {
    struct allocation *next;
    void *memory;
    size_t bytes;
};

/* Working space. When it grows, blocks that recordings still name are kept behind the
 * new one. */
struct scratch {
    struct scratch *next;
    void *memory;
    size_t bytes;
    unsigned holders; /* recordings */
};

enum { ALGORITHMS_MOST = 8 };
/* What may be done otherwise (tuning.cu). */
struct tuning {
    bool recording; /* there are recordings */
    bool aside;     /* some of their operations go beside the others */
    bool ahead;     /* merges go so, too */
    bool batches;   /* products alike are one call */
    bool gathers;   /* struct backend's */
    bool held;      /* rows of layer norms stay in registers */
    bool sums;      /* products give the sums of a layer's bias themselves */
    bool plain;     /* every product by the plain kernel */
    bool profile;   /* a profiler looks from mark 0 to mark 1 */
    /* Of the algorithms that cuBLAS proposes for a product: so many are timed and the
     * fastest is taken (1: its first); or always the one of this number, from 1 (0: not
     * so). */
    unsigned algorithms, algorithm;
};
/* As the environment says. */
int cuda_tuning(struct tuning *tuning, struct error *error);

struct side;          /* side.cu: the stream beside the operations' */
struct transfers;     /* transfers.cu: the other streams */
struct solver;        /* solve.cu: cuSOLVER, once it was needed */
struct product_cache; /* algorithms.cu: the algorithm chosen for each shape */

struct cuda {
    struct backend table; /* first: a struct backend * is a struct cuda * */
    int device;
    struct tuning tuning;
    int processors;      /* streaming multiprocessors */
    size_t shared_limit; /* bytes of shared memory that a block may ask for */
    cudaStream_t stream;
    cublasLtHandle_t blas;
    void *workspace; /* cuBLAS's */
    struct product_cache *products;
    struct solver *solver; /* or NULL */
    struct allocation *allocations;
    size_t now, peak;        /* bytes held through allocate */
    struct scratch *scratch; /* the first is the current one */
    struct side *side;
    struct transfers *transfers;
    cudaEvent_t *marks; /* [BACKEND_MARKS], or NULL */
    bool recording;     /* the stream is being captured */
    bool refused;       /* what is recorded cannot be: all is skipped until it ends */
    struct error refusal;
    bool failed;
    struct error failure; /* the first one */
};

enum : size_t { CUDA_WORKSPACE = 32u << 20 };

/* The backend ready for an operation on the calling thread; NULL once it has
 * failed. */
struct cuda *cuda_ready(struct backend *backend);

/* A status that means that there is no such memory, now or ever. */
static inline bool cuda_no_memory(cudaError_t status) {
    return status == cudaErrorMemoryAllocation || status == cudaErrorInvalidValue;
}

/* Keeps the first failure. */
void cuda_fail(struct cuda *cuda, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same of what a library or the device says: while recording it ends no more than
 * the recording. */
void cuda_refuse(struct cuda *cuda, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Sets error to why cuda_ready returned NULL or cuda_unrecorded false. Returns -1. */
int cuda_why(const struct backend *backend, struct error *error);

/* true when status is success, else false with the failure kept, as by cuda_refuse. */
bool cuda_check(struct cuda *cuda, cudaError_t status, const char *what);

/* bytes of device memory, aligned to 256, until the next call; NULL with the
 * failure kept. */
void *cuda_scratch(struct cuda *cuda, size_t bytes);
/* One recording fewer names that one of a list (NULL is fine). */
void cuda_scratch_let_go(struct scratch **list, struct scratch *scratch);
void cuda_scratch_free(struct scratch **list); /* all of it */

/* True where no recording is under way, else false with the failure kept: `what`
 * cannot be recorded. */
bool cuda_unrecorded(struct cuda *cuda, const char *what);
/* Ends the recording that is under way, if any. *graph: the caller's, or NULL. */
void cuda_record_stop(struct cuda *cuda, cudaGraph_t *graph);

/* Also where it fails *side is to be freed. */
cudaError_t cuda_side_new(struct side **side);
void cuda_side_free(struct side *side); /* waits for it; NULL is fine */
/* What is called from now on comes after all that went beside. */
void cuda_side_join(struct cuda *cuda);
/* As much working space for what goes beside as the operations have. False with the
 * failure kept. */
bool cuda_side_prepare(struct cuda *cuda);
struct scratch **cuda_side_scratch(struct cuda *cuda);

/* Also where it fails *transfers is to be freed. */
cudaError_t cuda_transfers_new(struct transfers **transfers);
/* Uploads that begin at once come after what the operations' stream has now. */
cudaError_t cuda_transfers_after(struct cuda *cuda);
void cuda_transfers_free(
    struct transfers *transfers); /* waits for them; NULL is fine */

/* Into error, as error_set of the program that opens the module. Returns -1. */
int cuda_error(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

int cuda_open(unsigned index, enum precision precision, struct backend **backend,
              struct error *error);

void cuda_fill_memory(struct backend *table);
void cuda_fill_recording(struct backend *table);
void cuda_fill_side(struct backend *table);
void cuda_fill_transfers(struct backend *table);
void cuda_fill_marks(struct backend *table);
void cuda_fill_algorithms(struct cuda *cuda);
void cuda_fill_matmul(struct backend *table);
void cuda_fill_squares(struct backend *table);
void cuda_fill_rows(struct backend *table);
void cuda_fill_losses(struct backend *table);
void cuda_fill_elementwise(struct backend *table);
void cuda_fill_attention(struct backend *table);
void cuda_fill_embedding(struct backend *table);
void cuda_fill_merge(struct backend *table);
void cuda_fill_route(struct backend *table);

void cuda_fill_solve(struct backend *table);

void cuda_solver_free(struct solver *solver); /* NULL is fine */
void cuda_marks_free(struct cuda *cuda);
void cuda_products_free(struct product_cache *products);

/* x + bias by rows and then the activation, for what cuBLAS's epilogues do not
 * cover: c = kind(from + bias); before = from + bias. bias and before may be NULL.
 * Element types are real; from may be c or before. (elementwise.cu) */
void cuda_finish_product(struct cuda *cuda, real *c, real *before, const real *from,
                         const real *bias, size_t rows, size_t width, size_t stride,
                         enum activation kind);
/* The same for f32 results: c += bias. */
void cuda_add_bias_f32(struct cuda *cuda, float *c, const real *bias, size_t rows,
                       size_t width, size_t stride);

/* LAUNCH(cuda, kernel, blocks, threads, shared bytes, arguments...): the test's
 * emulation runs the same kernels on the host. SHARED(type, name, [sizes]) is an array
 * of a block, at the kernel's beginning; in the emulation every block finds it full of
 * NaN, as DYNAMIC_SHARED's. */
#ifdef PWEMOE_EMULATION
/* The arguments are taken now, as a device does: what they were made of may be gone
 * when the kernel runs. */
#define LAUNCH(cuda, kernel, blocks, threads, shared, ...)                           \
    do {                                                                             \
        emulation_launch(                                                            \
            (cuda)->stream, kernel, strstr(#kernel, "_kernel") ? #kernel : __func__, \
            blocks, threads, shared, [=, arguments = std::make_tuple(__VA_ARGS__)] { \
                std::apply([=](auto... each) { kernel(each...); }, arguments);       \
            });                                                                      \
        cuda_check(cuda, cudaGetLastError(), #kernel);                               \
    } while (0)
#define DYNAMIC_SHARED(type, name) type *name = (type *)emulation_shared()
#define SHARED(type, name, ...)   \
    static type name __VA_ARGS__; \
    emulation_fresh(&name, sizeof name)
#else
#define LAUNCH(cuda, kernel, blocks, threads, shared, ...)                \
    do {                                                                  \
        kernel<<<blocks, threads, shared, (cuda)->stream>>>(__VA_ARGS__); \
        cuda_check(cuda, cudaGetLastError(), #kernel);                    \
    } while (0)
#define DYNAMIC_SHARED(type, name)                                  \
    extern __shared__ __align__(16) unsigned char dynamic_shared[]; \
    type *name = (type *)dynamic_shared
#define SHARED(type, name, ...) __shared__ type name __VA_ARGS__
#endif

/* Blocks for `count` pieces of work at `each` a block, at most as many as keep
 * the card full: kernels go on with a grid's stride. At least 1. */
static inline unsigned cuda_blocks(const struct cuda *cuda, size_t count, size_t each) {
    size_t blocks = count / each + (count % each != 0);
    size_t most = (size_t)cuda->processors * 16;
    return (unsigned)(blocks < 1 ? 1 : blocks < most ? blocks : most);
}

#endif
