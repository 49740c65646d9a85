libpwemoe_a_SOURCES += \
  src/moe/upscaling.h src/moe/upscaling.c \
  src/moe/routers.h src/moe/routers.c \
  src/moe/pool.h src/moe/pool.c \
  src/moe/stored_dtype.h src/moe/stored_dtype.c \
  src/moe/unloader.h src/moe/unloader.c \
  src/moe/correction.h src/moe/correction.c
