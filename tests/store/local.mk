# Tests of src/store.
STORE_TESTS = tests/store/test_store
check_PROGRAMS += $(STORE_TESTS)
TESTS += $(STORE_TESTS)
tests_store_test_store_SOURCES = tests/store/test_store.c tests/store/support.c \
  tests/store/support.h
tests_store_test_store_LDADD = $(TEST_LIBS)
