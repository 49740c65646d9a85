libpwemoe_a_SOURCES += \
  src/base/card_files.h src/base/card_files.c \
  src/base/child.h src/base/child.c \
  src/base/beside.h src/base/beside.c \
  src/base/blas_room.h src/base/blas_room.c \
  src/base/draft.h src/base/draft.c \
  src/base/error.h src/base/error.c \
  src/base/exhausted.h src/base/exhausted.c \
  src/base/file.h src/base/file.c \
  src/base/file_stamp.h src/base/file_stamp.c \
  src/base/file_system.h src/base/file_system.c \
  src/base/json_text.h src/base/json_text.c \
  src/base/mapped.h src/base/mapped.c \
  src/base/memory.h src/base/memory.c \
  src/base/random.h src/base/random.c \
  src/base/sandbox.h src/base/sandbox.c \
  src/base/sha256.h src/base/sha256.c \
  src/base/text.c \
  src/base/usage.h src/base/usage.c \
  src/base/signals.h src/base/signals.c \
  src/base/start.h src/base/start.c \
  src/base/work.h
