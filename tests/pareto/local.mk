# Tests of src/pareto.
pareto_tests = tests/pareto/test_pareto tests/pareto/test_golden \
  tests/pareto/test_approximate tests/pareto/test_indicators \
  tests/pareto/test_simplex tests/pareto/test_zones
check_PROGRAMS += $(pareto_tests)
TESTS += $(pareto_tests)
tests_pareto_test_pareto_SOURCES = tests/pareto/test_pareto.c
tests_pareto_test_pareto_LDADD = $(TEST_LIBS)
tests_pareto_test_golden_SOURCES = tests/pareto/test_golden.c
tests_pareto_test_golden_LDADD = $(TEST_LIBS)
tests_pareto_test_indicators_SOURCES = tests/pareto/test_indicators.c
tests_pareto_test_indicators_LDADD = $(TEST_LIBS)
tests_pareto_test_approximate_SOURCES = tests/pareto/test_approximate.c
tests_pareto_test_approximate_LDADD = $(TEST_LIBS)
tests_pareto_test_simplex_SOURCES = tests/pareto/test_simplex.c
tests_pareto_test_simplex_LDADD = $(TEST_LIBS)
tests_pareto_test_zones_SOURCES = tests/pareto/test_zones.c
tests_pareto_test_zones_LDADD = $(TEST_LIBS)
