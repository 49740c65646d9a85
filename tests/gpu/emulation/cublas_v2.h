/* The part of cuBLAS that gpu/solve.cu uses, over a plain loop on the host. */
#ifndef EMULATION_CUBLAS_V2_H
#define EMULATION_CUBLAS_V2_H

#include "cublasLt.h"

enum { CUBLAS_VER_MAJOR = 12 };
enum cublasFillMode_t { CUBLAS_FILL_MODE_LOWER = 0, CUBLAS_FILL_MODE_UPPER = 1 };
enum cublasSideMode_t { CUBLAS_SIDE_LEFT = 0, CUBLAS_SIDE_RIGHT = 1 };
enum cublasDiagType_t { CUBLAS_DIAG_NON_UNIT = 0 };
typedef struct emulation_stream_user *cublasHandle_t;

cublasStatus_t cublasCreate_v2(cublasHandle_t *handle);
cublasStatus_t cublasDestroy_v2(cublasHandle_t handle);
cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream);
cublasStatus_t cublasStrsmBatched(cublasHandle_t handle, cublasSideMode_t side,
                                  cublasFillMode_t triangle,
                                  cublasOperation_t operation,
                                  cublasDiagType_t diagonal, int m, int n,
                                  const float *alpha, const float *const a[], int lda,
                                  float *const b[], int ldb, int count);

#endif
