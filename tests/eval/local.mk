# Tests of src/eval.
check_PROGRAMS += tests/eval/test_interval
TESTS += tests/eval/test_interval
tests_eval_test_interval_SOURCES = tests/eval/test_interval.c
tests_eval_test_interval_LDADD = $(TEST_LIBS)
check_PROGRAMS += tests/eval/test_provenance
TESTS += tests/eval/test_provenance
tests_eval_test_provenance_SOURCES = tests/eval/test_provenance.c
tests_eval_test_provenance_LDADD = $(TEST_LIBS)
check_PROGRAMS += tests/eval/test_metric_command
TESTS += tests/eval/test_metric_command
tests_eval_test_metric_command_SOURCES = tests/eval/test_metric_command.c
tests_eval_test_metric_command_LDADD = $(TEST_LIBS)
check_PROGRAMS += tests/eval/test_sources
TESTS += tests/eval/test_sources
tests_eval_test_sources_SOURCES = tests/eval/test_sources.c \
  tests/support/folder.h tests/support/folder.c
tests_eval_test_sources_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_eval_test_sources_LDADD = $(SUPPORT_LIBS)
