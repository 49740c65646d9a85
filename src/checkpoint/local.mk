libpwemoe_a_SOURCES += \
  src/checkpoint/directory.h \
  src/checkpoint/export.h \
  src/checkpoint/safetensors.h
