# Tests of tui/.
TUI_TESTS = tests/tui/test_arrangement tests/tui/test_keys tests/tui/test_panels \
  tests/tui/test_explorer tests/tui/test_space tests/tui/test_chart_dialog \
  tests/tui/test_compare \
  tests/tui/test_hypervolume tests/tui/test_outline tests/tui/test_bookmarks \
  tests/tui/test_mailbox tests/tui/test_pointing tests/tui/test_asking \
  tests/tui/test_table tests/tui/test_selection tests/tui/test_moving tests/tui/test_replay \
  tests/tui/test_settings tests/tui/test_filling tests/tui/test_axes tests/tui/test_graph tests/tui/test_routing tests/tui/test_similarity \
  tests/tui/test_links
check_PROGRAMS += $(TUI_TESTS)
TESTS += $(TUI_TESTS)
TUI_TEST_LIBS = $(EXPLORE_LIBS) $(CMOCKA_LIBS)
TUI_FIXTURE = $(RESULTS_FIXTURE)
tests_tui_test_arrangement_SOURCES = tests/tui/test_arrangement.c
tests_tui_test_arrangement_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_mailbox_SOURCES = tests/tui/test_mailbox.c
tests_tui_test_mailbox_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_asking_SOURCES = tests/tui/test_asking.c $(TUI_FIXTURE)
tests_tui_test_asking_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_pointing_SOURCES = tests/tui/test_pointing.c $(TUI_FIXTURE)
tests_tui_test_pointing_LDADD = $(TUI_TEST_LIBS)
# The explorer driven without a terminal.
DRIVER = tests/tui/driver.h tests/tui/driver.c $(TUI_FIXTURE)
tests_tui_test_table_SOURCES = tests/tui/test_table.c $(DRIVER)
tests_tui_test_table_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_selection_SOURCES = tests/tui/test_selection.c $(DRIVER)
tests_tui_test_selection_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_moving_SOURCES = tests/tui/test_moving.c $(DRIVER)
tests_tui_test_moving_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_replay_SOURCES = tests/tui/test_replay.c $(DRIVER)
tests_tui_test_replay_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_filling_SOURCES = tests/tui/test_filling.c $(DRIVER)
tests_tui_test_filling_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_axes_SOURCES = tests/tui/test_axes.c $(DRIVER)
tests_tui_test_axes_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_links_SOURCES = tests/tui/test_links.c $(DRIVER)
tests_tui_test_links_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_routing_SOURCES = tests/tui/test_routing.c $(DRIVER)
tests_tui_test_routing_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_similarity_SOURCES = tests/tui/test_similarity.c $(DRIVER)
tests_tui_test_similarity_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_graph_SOURCES = tests/tui/test_graph.c
tests_tui_test_graph_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_settings_SOURCES = tests/tui/test_settings.c $(DRIVER)
tests_tui_test_settings_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_keys_SOURCES = tests/tui/test_keys.c
tests_tui_test_keys_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_panels_SOURCES = tests/tui/test_panels.c $(DRIVER)
tests_tui_test_panels_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_explorer_SOURCES = tests/tui/test_explorer.c $(TUI_FIXTURE)
tests_tui_test_explorer_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_space_SOURCES = tests/tui/test_space.c $(TUI_FIXTURE)
tests_tui_test_space_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_chart_dialog_SOURCES = tests/tui/test_chart_dialog.c $(TUI_FIXTURE)
tests_tui_test_chart_dialog_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_compare_SOURCES = tests/tui/test_compare.c $(TUI_FIXTURE)
tests_tui_test_compare_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_hypervolume_SOURCES = tests/tui/test_hypervolume.c $(TUI_FIXTURE)
tests_tui_test_hypervolume_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_outline_SOURCES = tests/tui/test_outline.c $(TUI_FIXTURE)
tests_tui_test_outline_LDADD = $(TUI_TEST_LIBS)
tests_tui_test_bookmarks_SOURCES = tests/tui/test_bookmarks.c $(TUI_FIXTURE)
tests_tui_test_bookmarks_LDADD = $(TUI_TEST_LIBS)
# They run the program itself, which `make check` has built before.
TERMINAL_TESTS = tests/tui/test_terminal tests/tui/test_evaluating \
  tests/tui/test_surroundings tests/tui/test_killed \
  tests/tui/test_journeys tests/tui/test_hardships
TERMINAL = tests/tui/terminal.h tests/tui/terminal.c $(TUI_FIXTURE)
TERMINAL_LIBS = tests/support/libsupport.a $(PWEMOE_LIBS) $(CMOCKA_LIBS) $(VTERM_LIBS)
if HAVE_VTERM
check_PROGRAMS += $(TERMINAL_TESTS)
TESTS += $(TERMINAL_TESTS)
endif
tests_tui_test_terminal_SOURCES = tests/tui/test_terminal.c $(TERMINAL)
tests_tui_test_terminal_LDADD = $(TERMINAL_LIBS)
tests_tui_test_evaluating_SOURCES = tests/tui/test_evaluating.c $(TERMINAL)
tests_tui_test_evaluating_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_tui_test_evaluating_LDADD = $(TERMINAL_LIBS)
tests_tui_test_surroundings_SOURCES = tests/tui/test_surroundings.c $(TERMINAL)
tests_tui_test_surroundings_LDADD = $(TERMINAL_LIBS)
tests_tui_test_hardships_SOURCES = tests/tui/test_hardships.c $(TERMINAL)
tests_tui_test_hardships_LDADD = $(TERMINAL_LIBS)
tests_tui_test_journeys_SOURCES = tests/tui/test_journeys.c $(TERMINAL)
tests_tui_test_journeys_LDADD = $(TERMINAL_LIBS)
tests_tui_test_killed_SOURCES = tests/tui/test_killed.c $(TERMINAL)
tests_tui_test_killed_LDADD = $(TERMINAL_LIBS)
