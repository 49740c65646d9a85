# Tests of src/checkpoint.
check_LIBRARIES += tests/checkpoint/libsupport.a
tests_checkpoint_libsupport_a_SOURCES = tests/checkpoint/support.h \
  tests/checkpoint/support.c
CHECKPOINT_TEST_LIBS = tests/checkpoint/libsupport.a $(TEST_LIBS)

check_PROGRAMS += tests/checkpoint/test_convert
TESTS += tests/checkpoint/test_convert
tests_checkpoint_test_convert_SOURCES = tests/checkpoint/test_convert.c
tests_checkpoint_test_convert_LDADD = $(CHECKPOINT_TEST_LIBS)

check_PROGRAMS += tests/checkpoint/test_safetensors
TESTS += tests/checkpoint/test_safetensors
tests_checkpoint_test_safetensors_SOURCES = tests/checkpoint/test_safetensors.c
tests_checkpoint_test_safetensors_LDADD = $(CHECKPOINT_TEST_LIBS)

check_PROGRAMS += tests/checkpoint/test_refused
TESTS += tests/checkpoint/test_refused
tests_checkpoint_test_refused_SOURCES = tests/checkpoint/test_refused.c
tests_checkpoint_test_refused_LDADD = $(CHECKPOINT_TEST_LIBS)

check_PROGRAMS += tests/checkpoint/test_directory
TESTS += tests/checkpoint/test_directory
tests_checkpoint_test_directory_SOURCES = tests/checkpoint/test_directory.c
tests_checkpoint_test_directory_LDADD = $(CHECKPOINT_TEST_LIBS)

check_PROGRAMS += tests/checkpoint/test_export
TESTS += tests/checkpoint/test_export
tests_checkpoint_test_export_SOURCES = tests/checkpoint/test_export.c
tests_checkpoint_test_export_LDADD = $(CHECKPOINT_TEST_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_safetensors
tests_fuzz_fuzz_safetensors_SOURCES = tests/fuzz/fuzz_safetensors.c
tests_fuzz_fuzz_safetensors_LDADD = $(FUZZ_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_model_index
tests_fuzz_fuzz_model_index_SOURCES = tests/fuzz/fuzz_model_index.c
tests_fuzz_fuzz_model_index_LDADD = $(FUZZ_CHANGES_LIBS)

check_PROGRAMS += tests/checkpoint/test_adapted
TESTS += tests/checkpoint/test_adapted
tests_checkpoint_test_adapted_SOURCES = tests/checkpoint/test_adapted.c \
  tests/command/run.h tests/command/run.c tests/support/folder.h tests/support/folder.c
tests_checkpoint_test_adapted_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_checkpoint_test_adapted_LDADD = $(SUPPORT_LIBS)

EXTRA_DIST += tests/golden/make_safetensors.py tests/golden/safetensors
EXTRA_DIST += tests/golden/make_lora.py tests/golden/lora tests/golden/lora.safetensors
