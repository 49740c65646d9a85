# Tests of src/plot.
PLOT_TESTS = tests/plot/test_charts tests/plot/test_shapes
check_PROGRAMS += $(PLOT_TESTS)
TESTS += $(PLOT_TESTS)
tests_plot_test_charts_SOURCES = tests/plot/test_charts.c \
  tests/support/folder.h tests/support/folder.c
tests_plot_test_charts_LDADD = $(TEST_LIBS)
tests_plot_test_shapes_SOURCES = tests/plot/test_shapes.c
tests_plot_test_shapes_LDADD = $(TEST_LIBS)
