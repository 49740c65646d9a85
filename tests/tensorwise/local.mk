# Tests of src/tensorwise. test_merge_to drives ./pwemoe itself.
tensorwise_tests = tests/tensorwise/test_merge_to \
  tests/tensorwise/test_draws tests/tensorwise/test_adapters \
  tests/tensorwise/test_extraction tests/tensorwise/test_mergekit \
  tests/tensorwise/test_like_merge tests/tensorwise/test_going_on \
  tests/tensorwise/test_vocabulary
check_PROGRAMS += $(tensorwise_tests)
TESTS += $(tensorwise_tests)
tests_tensorwise_test_merge_to_SOURCES = tests/tensorwise/test_merge_to.c $(COMMAND_RUN)
tests_tensorwise_test_merge_to_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_tensorwise_test_merge_to_LDADD = $(SUPPORT_LIBS)
tests_tensorwise_test_draws_SOURCES = tests/tensorwise/test_draws.c $(COMMAND_RUN)
tests_tensorwise_test_draws_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_tensorwise_test_draws_LDADD = $(SUPPORT_LIBS)
EXTRA_DIST += tests/golden/make_tensorwise.py tests/golden/make_foreign.py \
  tests/golden/tensorwise
tests_tensorwise_test_adapters_SOURCES = tests/tensorwise/test_adapters.c $(COMMAND_RUN)
tests_tensorwise_test_adapters_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_tensorwise_test_adapters_LDADD = $(SUPPORT_LIBS)
EXTRA_DIST += tests/golden/make_adapters.py tests/golden/adapters
tests_tensorwise_test_extraction_SOURCES = tests/tensorwise/test_extraction.c $(COMMAND_RUN)
tests_tensorwise_test_extraction_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_tensorwise_test_extraction_LDADD = $(SUPPORT_LIBS)
EXTRA_DIST += tests/golden/make_extraction.py tests/golden/extraction.txt \
  tests/golden/check_adapter.py
tests_tensorwise_test_mergekit_SOURCES = tests/tensorwise/test_mergekit.c $(COMMAND_RUN)
tests_tensorwise_test_mergekit_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_tensorwise_test_mergekit_LDADD = $(SUPPORT_LIBS)
tests_tensorwise_test_like_merge_SOURCES = tests/tensorwise/test_like_merge.c $(COMMAND_PROJECT)
tests_tensorwise_test_like_merge_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_tensorwise_test_like_merge_LDADD = $(SUPPORT_LIBS)
tests_tensorwise_test_going_on_SOURCES = tests/tensorwise/test_going_on.c $(COMMAND_RUN)
tests_tensorwise_test_going_on_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_tensorwise_test_going_on_LDADD = $(SUPPORT_LIBS)
tests_tensorwise_test_vocabulary_SOURCES = tests/tensorwise/test_vocabulary.c $(COMMAND_RUN)
tests_tensorwise_test_vocabulary_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_tensorwise_test_vocabulary_LDADD = $(SUPPORT_LIBS)
EXTRA_DIST += tests/golden/make_vocabulary.py tests/golden/vocabulary
