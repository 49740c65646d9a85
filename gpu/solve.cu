/* Many positive definite systems of one size, by cuSOLVER's batched Cholesky factors
 * and cuBLAS's batched triangular solves. Both libraries are opened when they are first
 * needed: few machines that only merge and measure have them. */
#include <cublas_v2.h>
#include <cusolverDn.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda.h"
#include "element.h"

struct solver {
    bool tried;
    cusolverDnHandle_t factors;
    cublasHandle_t products;
    decltype(&cusolverDnCreate) create_factors;
    decltype(&cusolverDnDestroy) destroy_factors;
    decltype(&cusolverDnSetStream) stream_of_factors;
    decltype(&cusolverDnSpotrfBatched) factor;
    decltype(&cublasCreate_v2) create_products;
    decltype(&cublasDestroy_v2) destroy_products;
    decltype(&cublasSetStream_v2) stream_of_products;
    decltype(&cublasStrsmBatched) divide;
};

/* One of a library's functions into *to. */
template <class F> static bool find(void *library, const char *name, F *to) {
#ifdef PWEMOE_EMULATION
    void *found = emulation_symbol(name);
    (void)library;
#else
    void *found = dlsym(library, name);
#endif
    memcpy(to, &found, sizeof found);
    return found != NULL;
}

static void *open_library(const char *name, int version) {
    char file[64];
    snprintf(file, sizeof file, "lib%s.so.%d", name, version);
#ifdef PWEMOE_EMULATION
    return emulation_library(file);
#else
    return dlopen(file, RTLD_NOW | RTLD_LOCAL); /* for good, as the module itself is */
#endif
}

static bool load(struct solver *s) {
    void *products = open_library("cublas", CUBLAS_VER_MAJOR);
    void *factors = products ? open_library("cusolver", CUSOLVER_VER_MAJOR) : NULL;
    return factors && find(factors, "cusolverDnCreate", &s->create_factors) &&
           find(factors, "cusolverDnDestroy", &s->destroy_factors) &&
           find(factors, "cusolverDnSetStream", &s->stream_of_factors) &&
           find(factors, "cusolverDnSpotrfBatched", &s->factor) &&
           find(products, "cublasCreate_v2", &s->create_products) &&
           find(products, "cublasDestroy_v2", &s->destroy_products) &&
           find(products, "cublasSetStream_v2", &s->stream_of_products) &&
           find(products, "cublasStrsmBatched", &s->divide);
}

static bool start(struct cuda *cuda, struct solver *s) {
    return load(s) && s->create_factors(&s->factors) == CUSOLVER_STATUS_SUCCESS &&
           s->create_products(&s->products) == CUBLAS_STATUS_SUCCESS &&
           s->stream_of_factors(s->factors, cuda->stream) == CUSOLVER_STATUS_SUCCESS &&
           s->stream_of_products(s->products, cuda->stream) == CUBLAS_STATUS_SUCCESS;
}

/* NULL where there is none, which is said once. */
static struct solver *solver_of(struct cuda *cuda) {
    struct solver *s = cuda->solver;
    if (!s)
        s = cuda->solver = static_cast<struct solver *>(calloc(1, sizeof *s));
    if (!s)
        return NULL;
    bool first = !s->tried;
    s->tried = true;
    if (first && !start(cuda, s)) {
        cuda_solver_free(s);
        cuda->solver = s = static_cast<struct solver *>(calloc(1, sizeof *s));
        if (s)
            s->tried = true;
        if (!*cuda->table.remark)
            snprintf(cuda->table.remark, sizeof cuda->table.remark,
                     "closed forms are solved on the host: cuSOLVER %d is not found",
                     CUSOLVER_VER_MAJOR);
    }
    return s && s->factors && s->products ? s : NULL;
}

void cuda_solver_free(struct solver *s) {
    if (s && s->factors)
        s->destroy_factors(s->factors);
    if (s && s->products)
        s->destroy_products(s->products);
    free(s);
}

/* Where each system and its right side begins. */
static __global__ void places_kernel(float **systems_at, float **right_at,
                                     float *systems, float *right, size_t system,
                                     size_t side, int count) {
    for (int i = threadIdx.x; i < count; i += WARP) {
        systems_at[i] = systems + (size_t)i * system;
        right_at[i] = right + (size_t)i * side;
    }
}

/* By columns the lower triangle of rows is the upper one, U' U, and right [rows, n] is
 * its transpose: U' and then U from the left; [n, rows]: U and then U' from the right.
 */
static bool divide(const struct solver *s, const struct solve *p, float **systems_at,
                   float **right_at) {
    float one = 1;
    int n = (int)p->n, rows = (int)p->rows, count = (int)p->count;
    int height = p->turned ? rows : n, width = p->turned ? n : rows;
    for (int i = 0; i < 2; i++) {
        bool transposed = (i == 0) != p->turned;
        if (s->divide(s->products, p->turned ? CUBLAS_SIDE_RIGHT : CUBLAS_SIDE_LEFT,
                      CUBLAS_FILL_MODE_UPPER, transposed ? CUBLAS_OP_T : CUBLAS_OP_N,
                      CUBLAS_DIAG_NON_UNIT, height, width, &one, systems_at, n,
                      right_at, height, count) != CUBLAS_STATUS_SUCCESS)
            return false;
    }
    return true;
}

static int solve_systems(struct backend *backend, const struct solve *p,
                         struct error *error) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || !cuda_unrecorded(cuda, "a solution of systems"))
        return cuda_why(backend, error);
    if (p->count == 0 || p->n == 0)
        return 0;
    if (p->n > INT_MAX || p->rows > INT_MAX || p->count > INT_MAX)
        return cuda_error(error, "systems of %zu numbers are too large", p->n);
    struct solver *s = solver_of(cuda);
    if (!s)
        return cuda_error(error, "cuda:%d: cuSOLVER is not found", cuda->device);
    float **at =
        static_cast<float **>(cuda_scratch(cuda, 2 * p->count * sizeof(float *)));
    if (!at)
        return cuda_why(backend, error);
    LAUNCH(cuda, places_kernel, 1, WARP, 0, at, at + p->count, p->systems, p->right,
           p->n * p->n, p->n * p->rows, (int)p->count);
    if (s->factor(s->factors, CUBLAS_FILL_MODE_UPPER, (int)p->n, at, (int)p->n,
                  p->failed, (int)p->count) != CUSOLVER_STATUS_SUCCESS ||
        (p->rows > 0 && !divide(s, p, at, at + p->count)))
        cuda_refuse(cuda, "cuda:%d: cuSOLVER failed at %zu systems of %zu numbers",
                    cuda->device, p->count, p->n);
    return cuda->failed ? cuda_why(backend, error) : 0;
}

void cuda_fill_solve(struct backend *table) {
    table->solve = solve_systems;
}
