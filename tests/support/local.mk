# What several tests use.
check_LIBRARIES += tests/support/libsupport.a
tests_support_libsupport_a_SOURCES = tests/support/golden.h tests/support/golden.c \
  tests/support/masks.h tests/support/masks.c
tests_support_libsupport_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
SUPPORT_LIBS = tests/support/libsupport.a $(TEST_LIBS)
