libpwemoe_a_SOURCES += \
  src/data/batches.c \
  src/data/bpe.h src/data/bpe.c \
  src/data/byte_tokenizer.h src/data/byte_tokenizer.c \
  src/data/tokenizer_files.h src/data/tokenizer_files.c \
  src/data/added_tokens.h src/data/added_tokens.c \
  src/data/added_tokens_state.h src/data/added_tokens_read.c \
  src/data/classes.h src/data/classes.c \
  src/data/clip_tokenizer.h src/data/clip_tokenizer.c \
  src/data/csv.h src/data/csv.c \
  src/data/dataset.h src/data/dataset.c \
  src/data/draw.h src/data/draw.c \
  src/data/folder.h src/data/folder.c \
  src/data/gpt2_tokenizer.h src/data/gpt2_tokenizer.c \
  src/data/idx.h src/data/idx.c \
  src/data/image.h src/data/image.c \
  src/data/image_formats.h \
  src/data/image_bmp.c \
  src/data/image_jpeg.c \
  src/data/image_png.c \
  src/data/image_pnm.c \
  src/data/image_webp.c \
  src/data/names.h src/data/names.c \
  src/data/preprocess.h src/data/preprocess.c \
  src/data/resize.h src/data/resize.c \
  src/data/text_file.h src/data/text_file.c \
  src/data/texts.h src/data/texts.c \
  src/data/tsv.h src/data/tsv.c src/data/tsv_labels.c
