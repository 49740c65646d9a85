libpwemoe_a_SOURCES += \
  src/backend/adam.h src/backend/backend.h \
  src/backend/cpu.h src/backend/cpu.c \
  src/backend/cpu_attention.c \
  src/backend/cpu_elementwise.c \
  src/backend/cpu_embedding.c \
  src/backend/cpu_matmul.c \
  src/backend/cpu_memory.c \
  src/backend/cpu_merge.c \
  src/backend/cpu_rows.c \
  src/backend/cpu_solve.c \
  src/backend/factors.h src/backend/factors.c \
  src/backend/learnt.h src/backend/learnt.c \
  src/backend/module.h \
  src/backend/open.c \
  src/backend/rounding.h src/backend/route.h src/backend/route.c \
  src/backend/simd/attention.h \
  src/backend/simd/attention_short.h \
  src/backend/simd/baseline.c \
  src/backend/simd/elementwise.h \
  src/backend/simd/kernels.h \
  src/backend/simd/kernels_body.h \
  src/backend/simd/merge.h \
  src/backend/simd/rows.h \
  src/backend/simd/squares.h \
  src/backend/simd/ties.h \
  src/backend/simd/vector.h \
  src/backend/simd/x86_64_v3.c \
  src/backend/simd/x86_64_v4.c
