libpwemoe_a_SOURCES += \
  src/moe/upscaling.h src/moe/upscaling.c \
  src/moe/routers.h src/moe/routers.c \
  src/moe/task_factors.h src/moe/task_factors.c \
  src/moe/pool.h src/moe/pool.c \
  src/moe/stored_dtype.h src/moe/stored_dtype.c \
  src/moe/unloader.h src/moe/unloader.c \
  src/moe/correction.h src/moe/correction.c \
  src/moe/correction_bytes.h src/moe/correction_bytes.c \
  src/moe/correction_heads.h src/moe/correction_heads.c \
  src/moe/thin_svd.h src/moe/thin_svd.c \
  src/moe/quadratic.h src/moe/quadratic.c \
  src/moe/quadratic_prior.c \
  src/moe/surrogate.h src/moe/surrogate.c src/moe/surrogate_file.c
