# Tests of src/tensorwise. test_merge_to drives ./pwemoe itself.
tensorwise_tests = tests/tensorwise/test_coefficients tests/tensorwise/test_merge_to \
  tests/tensorwise/test_draws tests/tensorwise/test_adapters
check_PROGRAMS += $(tensorwise_tests)
TESTS += $(tensorwise_tests)
tests_tensorwise_test_coefficients_SOURCES = tests/tensorwise/test_coefficients.c
tests_tensorwise_test_coefficients_LDADD = $(TEST_LIBS)
tests_tensorwise_test_merge_to_SOURCES = tests/tensorwise/test_merge_to.c $(COMMAND_RUN)
tests_tensorwise_test_merge_to_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_tensorwise_test_merge_to_LDADD = $(SUPPORT_LIBS)
tests_tensorwise_test_draws_SOURCES = tests/tensorwise/test_draws.c $(COMMAND_RUN)
tests_tensorwise_test_draws_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_tensorwise_test_draws_LDADD = $(SUPPORT_LIBS)
EXTRA_DIST += tests/golden/make_tensorwise.py tests/golden/tensorwise
tests_tensorwise_test_adapters_SOURCES = tests/tensorwise/test_adapters.c $(COMMAND_RUN)
tests_tensorwise_test_adapters_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_tensorwise_test_adapters_LDADD = $(SUPPORT_LIBS)
EXTRA_DIST += tests/golden/make_adapters.py tests/golden/adapters
