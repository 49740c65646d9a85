# Tests of src/parallel. They start ranks by mpirun, and say so where there is none.
LAUNCH = tests/parallel/launch.h tests/parallel/launch.c $(COMMAND_RUN)
check_PROGRAMS += tests/parallel/test_ranks
TESTS += tests/parallel/test_ranks
tests_parallel_test_ranks_SOURCES = tests/parallel/test_ranks.c $(LAUNCH)
tests_parallel_test_ranks_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_parallel_test_ranks_LDADD = $(TEST_LIBS)
check_PROGRAMS += tests/parallel/test_mpirun
TESTS += tests/parallel/test_mpirun
tests_parallel_test_mpirun_SOURCES = tests/parallel/test_mpirun.c $(LAUNCH)
tests_parallel_test_mpirun_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_parallel_test_mpirun_LDADD = $(TEST_LIBS)
check_PROGRAMS += tests/parallel/test_training
TESTS += tests/parallel/test_training
tests_parallel_test_training_SOURCES = tests/parallel/test_training.c $(LAUNCH)
tests_parallel_test_training_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_parallel_test_training_LDADD = $(TEST_LIBS)
