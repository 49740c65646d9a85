libpwemoe_a_SOURCES += \
  src/checkpoint/safetensors.h src/checkpoint/safetensors.c \
  src/checkpoint/dtype.h src/checkpoint/dtype.c \
  src/checkpoint/convert.c \
  src/checkpoint/output.h src/checkpoint/output.c \
  src/checkpoint/write.c \
  src/checkpoint/tensor_files.h src/checkpoint/tensor_files.c \
  src/checkpoint/directory.h src/checkpoint/directory.c \
  src/checkpoint/fingerprint.c \
  src/checkpoint/export.h
