libpwemoe_a_SOURCES += \
  src/tensorwise/expert_tensor.h src/tensorwise/models.h src/tensorwise/models.c \
  src/tensorwise/vocabulary.h src/tensorwise/vocabulary.c \
  src/tensorwise/vocabulary_files.h src/tensorwise/vocabulary_files.c \
  src/tensorwise/gathered.h src/tensorwise/gathered.c \
  src/tensorwise/merged_files.h src/tensorwise/merged_files.c \
  src/tensorwise/values.h src/tensorwise/values.c \
  src/tensorwise/blend.h src/tensorwise/blend.c \
  src/tensorwise/method.h src/tensorwise/method.c \
  src/tensorwise/linear.c src/tensorwise/trimmed.c \
  src/tensorwise/statistics.h src/tensorwise/statistics.c \
  src/tensorwise/matrices.h src/tensorwise/matrices.c \
  src/tensorwise/singular.c \
  src/tensorwise/naming.h src/tensorwise/naming.c \
  src/tensorwise/extraction.h src/tensorwise/extraction.c src/tensorwise/extraction_file.c \
  src/tensorwise/della.c src/tensorwise/wudi.c \
  src/tensorwise/shards.h src/tensorwise/shards.c \
  src/tensorwise/merge_key.h src/tensorwise/merge_key.c \
  src/tensorwise/merging.h src/tensorwise/merging.c
