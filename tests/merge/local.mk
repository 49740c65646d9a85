# Tests of src/merge.
merge_tests = tests/merge/test_ties tests/merge/test_fisher tests/merge/test_regmean \
  tests/merge/test_singular tests/merge/test_coefficients
check_PROGRAMS += $(merge_tests)
TESTS += $(merge_tests)
tests_merge_test_ties_SOURCES = tests/merge/test_ties.c tests/merge/golden.h
tests_merge_test_ties_LDADD = $(TEST_LIBS)
tests_merge_test_coefficients_SOURCES = tests/merge/test_coefficients.c
tests_merge_test_coefficients_LDADD = $(TEST_LIBS)
tests_merge_test_fisher_SOURCES = tests/merge/test_fisher.c tests/merge/golden.h
tests_merge_test_fisher_LDADD = $(TEST_LIBS)
tests_merge_test_regmean_SOURCES = tests/merge/test_regmean.c tests/merge/golden.h
tests_merge_test_regmean_LDADD = $(TEST_LIBS)
tests_merge_test_singular_SOURCES = tests/merge/test_singular.c
tests_merge_test_singular_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/merge/test_layers_share
TESTS += tests/merge/test_layers_share
tests_merge_test_layers_share_SOURCES = tests/merge/test_layers_share.c
tests_merge_test_layers_share_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_merge_test_layers_share_LDADD = $(SUPPORT_LIBS)
check_PROGRAMS += tests/merge/test_methods
TESTS += tests/merge/test_methods
tests_merge_test_methods_SOURCES = tests/merge/test_methods.c
tests_merge_test_methods_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_merge_test_methods_LDADD = $(SUPPORT_LIBS)

check_PROGRAMS += tests/merge/test_factor_methods
TESTS += tests/merge/test_factor_methods
tests_merge_test_factor_methods_SOURCES = tests/merge/test_factor_methods.c \
  tests/support/adapters.h tests/support/adapters.c tests/support/folder.c
tests_merge_test_factor_methods_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_merge_test_factor_methods_LDADD = $(SUPPORT_LIBS)

check_PROGRAMS += tests/merge/test_head_fit
TESTS += tests/merge/test_head_fit
tests_merge_test_head_fit_SOURCES = tests/merge/test_head_fit.c
tests_merge_test_head_fit_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_merge_test_head_fit_LDADD = $(SUPPORT_LIBS)
