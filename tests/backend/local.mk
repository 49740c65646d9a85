# Tests of src/backend.
conformance_sources = \
  tests/backend/conformance.h tests/backend/conformance.c \
  tests/backend/case_attention.c \
  tests/backend/case_elementwise.c \
  tests/backend/case_embedding.c \
  tests/backend/case_matmul.c \
  tests/backend/case_memory.c \
  tests/backend/case_merge.c \
  tests/backend/case_rows.c \
  tests/backend/faults.c

check_PROGRAMS += tests/backend/test_cpu
TESTS += tests/backend/test_cpu
tests_backend_test_cpu_SOURCES = tests/backend/test_cpu.c $(conformance_sources)
tests_backend_test_cpu_LDADD = $(TEST_LIBS)
