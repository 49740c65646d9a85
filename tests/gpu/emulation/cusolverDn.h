/* The part of cuSOLVER that gpu/solve.cu uses. */
#ifndef EMULATION_CUSOLVERDN_H
#define EMULATION_CUSOLVERDN_H

#include "cublas_v2.h"

enum { CUSOLVER_VER_MAJOR = 11 };
enum cusolverStatus_t {
    CUSOLVER_STATUS_SUCCESS = 0,
    CUSOLVER_STATUS_INVALID_VALUE = 3
};
typedef struct emulation_stream_user *cusolverDnHandle_t;

cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t *handle);
cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t handle);
cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t handle, cudaStream_t stream);
cusolverStatus_t cusolverDnSpotrfBatched(cusolverDnHandle_t handle,
                                         cublasFillMode_t triangle, int n, float *a[],
                                         int lda, int *failed, int count);

#endif
