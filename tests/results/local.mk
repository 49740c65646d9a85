# Tests of src/results.
RESULTS_TESTS = tests/results/test_catalog tests/results/test_comparison \
  tests/results/test_filter tests/results/test_target \
  tests/results/test_front tests/results/test_gap tests/results/test_price tests/results/test_series \
  tests/results/test_samples
check_PROGRAMS += $(RESULTS_TESTS)
TESTS += $(RESULTS_TESTS)
RESULTS_FIXTURE = tests/results/fixture.h tests/results/fixture.c \
  tests/support/folder.h tests/support/folder.c
tests_results_test_catalog_SOURCES = tests/results/test_catalog.c $(RESULTS_FIXTURE)
tests_results_test_catalog_LDADD = $(TEST_LIBS)
tests_results_test_comparison_SOURCES = tests/results/test_comparison.c
tests_results_test_comparison_LDADD = $(TEST_LIBS)
tests_results_test_target_SOURCES = tests/results/test_target.c $(RESULTS_FIXTURE)
tests_results_test_target_LDADD = $(TEST_LIBS)
tests_results_test_filter_SOURCES = tests/results/test_filter.c $(RESULTS_FIXTURE)
tests_results_test_filter_LDADD = $(TEST_LIBS)
tests_results_test_front_SOURCES = tests/results/test_front.c $(RESULTS_FIXTURE)
tests_results_test_front_LDADD = $(TEST_LIBS)
tests_results_test_gap_SOURCES = tests/results/test_gap.c
tests_results_test_gap_LDADD = $(TEST_LIBS)
tests_results_test_samples_SOURCES = tests/results/test_samples.c
tests_results_test_samples_LDADD = $(TEST_LIBS)
tests_results_test_price_SOURCES = tests/results/test_price.c
tests_results_test_price_LDADD = $(TEST_LIBS)
# It runs the program itself and draws the explorer's legend.
tests_results_test_series_SOURCES = tests/results/test_series.c $(RESULTS_FIXTURE) \
  tests/command/run.h tests/command/run.c
tests_results_test_series_LDADD = $(EXPLORE_LIBS) $(CMOCKA_LIBS)
FUZZ_TARGETS += tests/fuzz/fuzz_filter
tests_fuzz_fuzz_filter_SOURCES = tests/fuzz/fuzz_filter.c
tests_fuzz_fuzz_filter_LDADD = $(FUZZ_LIBS)
