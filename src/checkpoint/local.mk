libpwemoe_a_SOURCES += \
  src/checkpoint/safetensors.h src/checkpoint/safetensors.c \
  src/checkpoint/dtype.h src/checkpoint/dtype.c \
  src/checkpoint/convert.c \
  src/checkpoint/adapter.h src/checkpoint/adapter.c \
  src/checkpoint/adapter_config.h src/checkpoint/adapter_config.c \
  src/checkpoint/low_rank.h src/checkpoint/low_rank.c \
  src/checkpoint/folder.h src/checkpoint/folder.c \
  src/checkpoint/write.h src/checkpoint/write.c \
  src/checkpoint/tensor_files.h src/checkpoint/tensor_files.c \
  src/checkpoint/directory.h src/checkpoint/directory_state.h \
  src/checkpoint/directory.c src/checkpoint/adapted.c \
  src/checkpoint/fingerprint.c \
  src/checkpoint/export_plan.h src/checkpoint/export.h src/checkpoint/export.c \
  src/checkpoint/export_files.h src/checkpoint/export_files.c \
  src/checkpoint/export_tensors.h src/checkpoint/export_tensors.c
