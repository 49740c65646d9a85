# Tests of src/library.
check_PROGRAMS += tests/library/test_library
TESTS += tests/library/test_library
tests_library_test_library_SOURCES = tests/library/test_library.c \
  tests/command/run.h tests/command/run.c tests/support/folder.h tests/support/folder.c
tests_library_test_library_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_library_test_library_LDADD = $(TEST_LIBS)
