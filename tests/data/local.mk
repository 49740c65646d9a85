# Tests of src/data. Pillow's and transformers' results are in tests/golden/data.
DATA_TESTS = \
  tests/data/test_batches \
  tests/data/test_csv \
  tests/data/test_dataset \
  tests/data/test_gpt2_tokenizer \
  tests/data/test_images \
  tests/data/test_preprocess \
  tests/data/test_tokenizer \
  tests/data/test_tokenizer_keys \
  tests/data/test_tsv
check_PROGRAMS += $(DATA_TESTS)
TESTS += $(DATA_TESTS)
tests_data_test_batches_SOURCES = tests/data/test_batches.c
tests_data_test_batches_LDADD = $(TEST_LIBS)
tests_data_test_csv_SOURCES = tests/data/test_csv.c
tests_data_test_csv_LDADD = $(TEST_LIBS)
tests_data_test_dataset_SOURCES = tests/data/test_dataset.c tests/data/files.c tests/data/files.h
tests_data_test_dataset_LDADD = $(TEST_LIBS)
tests_data_test_gpt2_tokenizer_SOURCES = tests/data/test_gpt2_tokenizer.c tests/data/files.c \
  tests/data/files.h
tests_data_test_gpt2_tokenizer_LDADD = $(TEST_LIBS)
tests_data_test_images_SOURCES = tests/data/test_images.c tests/data/files.c tests/data/files.h
tests_data_test_images_LDADD = $(TEST_LIBS)
tests_data_test_preprocess_SOURCES = tests/data/test_preprocess.c tests/data/files.c tests/data/files.h
tests_data_test_preprocess_LDADD = $(TEST_LIBS)
tests_data_test_tokenizer_keys_SOURCES = tests/data/test_tokenizer_keys.c tests/data/files.c \
  tests/data/files.h
tests_data_test_tokenizer_keys_LDADD = $(TEST_LIBS)
tests_data_test_tokenizer_SOURCES = tests/data/test_tokenizer.c tests/data/files.c tests/data/files.h
tests_data_test_tokenizer_LDADD = $(TEST_LIBS)
tests_data_test_tsv_SOURCES = tests/data/test_tsv.c tests/data/files.c tests/data/files.h
tests_data_test_tsv_LDADD = $(TEST_LIBS)
EXTRA_DIST += tests/golden/make_data.py tests/golden/data \
  tests/golden/make_tokenizer.py tests/golden/tokenizer \
  tests/golden/make_gpt2.py tests/golden/gpt2 \
  tests/golden/make_tables.py tests/golden/tables

FUZZ_TARGETS += tests/fuzz/fuzz_clip_tokenizer tests/fuzz/fuzz_idx tests/fuzz/fuzz_image \
  tests/fuzz/fuzz_preprocess tests/fuzz/fuzz_tokenizer tests/fuzz/fuzz_tsv
tests_fuzz_fuzz_clip_tokenizer_SOURCES = tests/fuzz/fuzz_clip_tokenizer.c
tests_fuzz_fuzz_clip_tokenizer_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_idx_SOURCES = tests/fuzz/fuzz_idx.c
tests_fuzz_fuzz_idx_LDADD = $(FUZZ_CHANGES_LIBS)
tests_fuzz_fuzz_image_SOURCES = tests/fuzz/fuzz_image.c
tests_fuzz_fuzz_image_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_preprocess_SOURCES = tests/fuzz/fuzz_preprocess.c
tests_fuzz_fuzz_preprocess_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_tokenizer_SOURCES = tests/fuzz/fuzz_tokenizer.c
tests_fuzz_fuzz_tokenizer_LDADD = $(FUZZ_LIBS)
FUZZ_TARGETS += tests/fuzz/fuzz_csv
tests_fuzz_fuzz_csv_SOURCES = tests/fuzz/fuzz_csv.c
tests_fuzz_fuzz_csv_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_tsv_SOURCES = tests/fuzz/fuzz_tsv.c
tests_fuzz_fuzz_tsv_LDADD = $(FUZZ_LIBS)
