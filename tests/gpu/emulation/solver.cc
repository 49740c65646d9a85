/* cuSOLVER's Cholesky factors and cuBLAS's triangular solves by plain loops, by columns
 * and of the upper triangle; and the libraries as dlopen finds them. */
#include <math.h>
#include <stdlib.h>

#include "cusolverDn.h"

struct emulation_stream_user {
    cudaStream_t stream;
};

static struct emulation_stream_user *user_new(void) {
    return static_cast<struct emulation_stream_user *>(
        calloc(1, sizeof(struct emulation_stream_user)));
}

cublasStatus_t cublasCreate_v2(cublasHandle_t *handle) {
    *handle = user_new();
    return *handle ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
    free(handle);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
    handle->stream = stream;
    return CUBLAS_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t *handle) {
    *handle = user_new();
    return *handle ? CUSOLVER_STATUS_SUCCESS : CUSOLVER_STATUS_INVALID_VALUE;
}

cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t handle) {
    free(handle);
    return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t handle, cudaStream_t stream) {
    handle->stream = stream;
    return CUSOLVER_STATUS_SUCCESS;
}

/* a = U' U; the place of the first pivot that is not positive, or 0. */
static int factor(float *a, size_t n) {
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i <= j; i++) {
            double sum = (double)a[j * n + i];
            for (size_t k = 0; k < i; k++)
                sum -= (double)a[i * n + k] * (double)a[j * n + k];
            if (i == j && !(sum > 0))
                return (int)j + 1;
            a[j * n + i] = (float)(i == j ? sqrt(sum) : sum / (double)a[i * n + i]);
        }
    }
    return 0;
}

cusolverStatus_t cusolverDnSpotrfBatched(cusolverDnHandle_t handle,
                                         cublasFillMode_t triangle, int n, float *a[],
                                         int lda, int *failed, int count) {
    if (triangle != CUBLAS_FILL_MODE_UPPER || lda != n)
        return CUSOLVER_STATUS_INVALID_VALUE;
    double size = (double)n;
    emulation_queue_work(handle->stream,
                         {"factors of many", 0,
                          (size_t)count * 4 * (size_t)n * (size_t)n,
                          (double)count * size * size * size / 3},
                         [=] {
                             if (emulation_lost())
                                 return;
                             for (int i = 0; i < count; i++)
                                 failed[i] = factor(a[i], (size_t)n);
                         });
    return CUSOLVER_STATUS_SUCCESS;
}

/* x of height numbers `step` apart: U x = b, or U' x = b. */
static void divide(const float *u, size_t n, bool transposed, float *x, size_t step) {
    for (size_t count = 0; count < n; count++) {
        size_t i = transposed ? count : n - 1 - count;
        double sum = (double)x[i * step];
        for (size_t k = transposed ? 0 : i + 1; k < (transposed ? i : n); k++)
            sum -= (double)(transposed ? u[i * n + k] : u[k * n + i]) *
                   (double)x[k * step];
        x[i * step] = (float)(sum / (double)u[i * n + i]);
    }
}

cublasStatus_t cublasStrsmBatched(cublasHandle_t handle, cublasSideMode_t side,
                                  cublasFillMode_t triangle,
                                  cublasOperation_t operation, cublasDiagType_t, int m,
                                  int n, const float *alpha, const float *const a[],
                                  int lda, float *const b[], int ldb, int count) {
    bool left = side == CUBLAS_SIDE_LEFT, transposed = operation == CUBLAS_OP_T;
    size_t size = (size_t)(left ? m : n), others = (size_t)(left ? n : m);
    if (triangle != CUBLAS_FILL_MODE_UPPER || (size_t)lda != size || ldb != m ||
        *alpha != 1)
        return CUBLAS_STATUS_INVALID_VALUE;
    emulation_queue_work(
        handle->stream,
        {"triangular solves", 0, (size_t)count * 4 * size * (size + 2 * others),
         (double)count * (double)size * (double)size * (double)others},
        [=] {
            if (emulation_lost())
                return;
            for (int i = 0; i < count; i++)
                for (size_t j = 0; j < others; j++)
                    divide(a[i], size, left ? transposed : !transposed,
                           b[i] + (left ? j * size : j), left ? 1 : others);
        });
    return CUBLAS_STATUS_SUCCESS;
}

void *emulation_library(const char *) {
    return emulation.no_solver ? NULL : &emulation;
}

void *emulation_symbol(const char *name) {
    static const struct {
        const char *name;
        void *function;
    } functions[] = {
        {"cusolverDnCreate", (void *)cusolverDnCreate},
        {"cusolverDnDestroy", (void *)cusolverDnDestroy},
        {"cusolverDnSetStream", (void *)cusolverDnSetStream},
        {"cusolverDnSpotrfBatched", (void *)cusolverDnSpotrfBatched},
        {"cublasCreate_v2", (void *)cublasCreate_v2},
        {"cublasDestroy_v2", (void *)cublasDestroy_v2},
        {"cublasSetStream_v2", (void *)cublasSetStream_v2},
        {"cublasStrsmBatched", (void *)cublasStrsmBatched},
    };
    for (const auto &each : functions)
        if (strcmp(each.name, name) == 0)
            return each.function;
    return NULL;
}
