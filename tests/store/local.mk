# Tests of src/store.
STORE_TESTS = tests/store/test_store tests/store/test_evaluations \
  tests/store/test_find tests/store/test_statements tests/store/test_looking \
  tests/store/test_processes tests/store/test_hostile \
  tests/store/test_faults tests/store/test_lease tests/store/test_journals \
  tests/store/test_network
check_PROGRAMS += $(STORE_TESTS)
TESTS += $(STORE_TESTS)
STORE_SUPPORT = tests/store/support.c tests/store/support.h
tests_store_test_store_SOURCES = tests/store/test_store.c $(STORE_SUPPORT)
tests_store_test_store_LDADD = $(TEST_LIBS)
tests_store_test_evaluations_SOURCES = tests/store/test_evaluations.c $(STORE_SUPPORT)
tests_store_test_evaluations_LDADD = $(TEST_LIBS)
tests_store_test_find_SOURCES = tests/store/test_find.c $(STORE_SUPPORT)
tests_store_test_find_LDADD = $(TEST_LIBS)
tests_store_test_statements_SOURCES = tests/store/test_statements.c $(STORE_SUPPORT)
tests_store_test_statements_LDADD = $(TEST_LIBS)
tests_store_test_looking_SOURCES = tests/store/test_looking.c $(STORE_SUPPORT)
tests_store_test_looking_LDADD = $(TEST_LIBS)
tests_store_test_processes_SOURCES = tests/store/test_processes.c $(STORE_SUPPORT)
tests_store_test_processes_LDADD = $(TEST_LIBS)
tests_store_test_hostile_SOURCES = tests/store/test_hostile.c $(STORE_SUPPORT)
tests_store_test_hostile_LDADD = $(TEST_LIBS)
tests_store_test_journals_SOURCES = tests/store/test_journals.c $(STORE_SUPPORT)
tests_store_test_journals_LDADD = $(TEST_LIBS)
tests_store_test_network_SOURCES = tests/store/test_network.c $(STORE_SUPPORT)
tests_store_test_network_LDADD = $(TEST_LIBS)
tests_store_test_lease_SOURCES = tests/store/test_lease.c $(STORE_SUPPORT)
tests_store_test_lease_LDADD = $(TEST_LIBS)
tests_store_test_faults_SOURCES = tests/store/test_faults.c $(STORE_SUPPORT)
tests_store_test_faults_LDADD = $(TEST_LIBS)
tests_store_test_faults_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc \
  -Wl,--wrap=realloc,--wrap=strdup
EXTRA_DIST += tests/store/format1.sql
FUZZ_TARGETS += tests/fuzz/fuzz_results
tests_fuzz_fuzz_results_SOURCES = tests/fuzz/fuzz_results.c
tests_fuzz_fuzz_results_LDADD = $(FUZZ_CHANGES_LIBS)
