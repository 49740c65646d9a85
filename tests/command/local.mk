# Tests of src/command. test_command drives ./pwemoe itself.
command_tests = \
  tests/command/test_approximate \
  tests/command/test_ask \
  tests/command/test_clip_pipeline \
  tests/command/test_commanded \
  tests/command/test_compare \
  tests/command/test_spill \
  tests/command/test_dtype \
  tests/command/test_exchange \
  tests/command/test_gpt2_pipeline \
  tests/command/test_import \
  tests/command/test_many_tasks \
  tests/command/test_extremes \
  tests/command/test_offered \
  tests/command/test_lora \
  tests/command/test_map \
  tests/command/test_map_next \
  tests/command/test_memory \
  tests/command/test_names \
  tests/command/test_options \
  tests/command/test_output \
  tests/command/test_points \
  tests/command/test_power \
  tests/command/test_progress \
  tests/command/test_recipe \
  tests/command/test_report \
  tests/command/test_signals \
  tests/command/test_towers \
  tests/command/test_training \
  tests/command/test_writes \
  tests/command/test_command \
  tests/command/test_finetune \
  tests/command/test_pipeline \
  tests/command/test_train
COMMAND_RUN = tests/command/run.h tests/command/run.c \
  tests/support/folder.h tests/support/folder.c
COMMAND_PROJECT = tests/command/project.h tests/command/project.c $(COMMAND_RUN)
check_PROGRAMS += $(command_tests)
TESTS += $(command_tests)
tests_command_test_approximate_SOURCES = tests/command/test_approximate.c $(COMMAND_RUN) \
  tests/results/fixture.h tests/results/fixture.c
tests_command_test_approximate_LDADD = $(SUPPORT_LIBS)
tests_command_test_ask_SOURCES = tests/command/test_ask.c $(COMMAND_RUN) \
  tests/results/fixture.h tests/results/fixture.c
tests_command_test_ask_LDADD = $(SUPPORT_LIBS)
tests_command_test_exchange_SOURCES = tests/command/test_exchange.c $(COMMAND_RUN) \
  tests/store/support.h tests/store/support.c
tests_command_test_exchange_LDADD = $(SUPPORT_LIBS)
tests_command_test_lora_SOURCES = tests/command/test_lora.c $(COMMAND_PROJECT)
tests_command_test_lora_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_command_test_lora_LDADD = $(SUPPORT_LIBS)
tests_command_test_map_SOURCES = tests/command/test_map.c $(COMMAND_PROJECT)
tests_command_test_map_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_command_test_map_LDADD = $(SUPPORT_LIBS)
tests_command_test_map_next_SOURCES = tests/command/test_map_next.c \
  src/command/work/map_next.h src/command/work/map_next.c
tests_command_test_map_next_LDADD = $(TEST_LIBS)
tests_command_test_clip_pipeline_SOURCES = tests/command/test_clip_pipeline.c \
  $(COMMAND_RUN)
tests_command_test_clip_pipeline_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_command_test_clip_pipeline_LDADD = $(SUPPORT_LIBS)
tests_command_test_spill_SOURCES = tests/command/test_spill.c \
  $(COMMAND_RUN)
tests_command_test_spill_LDADD = $(TEST_LIBS)
tests_command_test_compare_SOURCES = tests/command/test_compare.c \
  $(COMMAND_RUN)
tests_command_test_compare_LDADD = $(TEST_LIBS)
tests_command_test_commanded_SOURCES = tests/command/test_commanded.c \
  $(COMMAND_RUN)
tests_command_test_commanded_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_command_test_commanded_LDADD = $(SUPPORT_LIBS)
tests_command_test_dtype_SOURCES = tests/command/test_dtype.c \
  $(COMMAND_RUN)
tests_command_test_dtype_LDADD = $(TEST_LIBS)
tests_command_test_gpt2_pipeline_SOURCES = tests/command/test_gpt2_pipeline.c \
  $(COMMAND_RUN)
tests_command_test_gpt2_pipeline_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_command_test_gpt2_pipeline_LDADD = $(SUPPORT_LIBS)
tests_command_test_import_SOURCES = tests/command/test_import.c \
  $(COMMAND_RUN)
tests_command_test_import_LDADD = $(TEST_LIBS)
tests_command_test_many_tasks_SOURCES = tests/command/test_many_tasks.c \
  $(COMMAND_RUN)
tests_command_test_many_tasks_LDADD = $(TEST_LIBS)
tests_command_test_extremes_SOURCES = tests/command/test_extremes.c \
  $(COMMAND_RUN)
tests_command_test_extremes_LDADD = $(TEST_LIBS)
tests_command_test_offered_SOURCES = tests/command/test_offered.c \
  $(COMMAND_RUN)
tests_command_test_offered_LDADD = $(TEST_LIBS)
tests_command_test_memory_SOURCES = tests/command/test_memory.c \
  $(COMMAND_RUN)
tests_command_test_memory_LDADD = $(TEST_LIBS)
EXTRA_tests_command_test_memory_DEPENDENCIES = $(inject)
# Of every command every place that asks for memory: some minutes for each of them.
check-memory: tests/command/test_memory pwemoe
	srcdir="$(srcdir)" PWEMOE_MEMORY_PLACES=all tests/command/test_memory
PHONY_TARGETS += check-memory
tests_command_test_names_SOURCES = tests/command/test_names.c $(COMMAND_RUN)
tests_command_test_names_LDADD = $(TEST_LIBS)
EXTRA_DIST += tests/golden/make_names.py tests/golden/names
tests_command_test_towers_SOURCES = tests/command/test_towers.c $(COMMAND_RUN)
tests_command_test_towers_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_command_test_towers_LDADD = $(SUPPORT_LIBS)
EXTRA_DIST += tests/golden/make_towers.py tests/golden/towers
tests_command_test_options_SOURCES = tests/command/test_options.c
tests_command_test_options_LDADD = $(TEST_LIBS)
tests_command_test_output_SOURCES = tests/command/test_output.c
tests_command_test_output_LDADD = $(TEST_LIBS)
tests_command_test_points_SOURCES = tests/command/test_points.c
tests_command_test_points_LDADD = $(TEST_LIBS)
tests_command_test_power_SOURCES = tests/command/test_power.c $(COMMAND_RUN)
tests_command_test_power_LDADD = $(TEST_LIBS)
EXTRA_tests_command_test_power_DEPENDENCIES = $(record)
tests_command_test_progress_SOURCES = tests/command/test_progress.c
tests_command_test_progress_LDADD = $(TEST_LIBS)
tests_command_test_training_SOURCES = tests/command/test_training.c
tests_command_test_training_LDADD = $(TEST_LIBS)
tests_command_test_report_SOURCES = tests/command/test_report.c \
  $(COMMAND_RUN)
tests_command_test_report_LDADD = $(TEST_LIBS)
tests_command_test_writes_SOURCES = tests/command/test_writes.c \
  $(COMMAND_RUN)
tests_command_test_writes_LDADD = $(TEST_LIBS)
EXTRA_tests_command_test_writes_DEPENDENCIES = $(inject)
tests_command_test_signals_SOURCES = tests/command/test_signals.c \
  $(COMMAND_RUN)
tests_command_test_signals_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_command_test_signals_LDADD = $(SUPPORT_LIBS)
tests_command_test_recipe_SOURCES = tests/command/test_recipe.c
tests_command_test_recipe_LDADD = $(TEST_LIBS)
tests_command_test_command_SOURCES = tests/command/test_command.c \
  $(COMMAND_RUN)
tests_command_test_command_LDADD = $(TEST_LIBS)
tests_command_test_finetune_SOURCES = tests/command/test_finetune.c \
  $(COMMAND_PROJECT)
tests_command_test_finetune_LDADD = $(TEST_LIBS)
tests_command_test_pipeline_SOURCES = tests/command/test_pipeline.c \
  $(COMMAND_PROJECT)
tests_command_test_pipeline_LDADD = $(TEST_LIBS)
tests_command_test_train_SOURCES = tests/command/test_train.c \
  $(COMMAND_PROJECT)
tests_command_test_train_LDADD = $(TEST_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_recipe tests/fuzz/fuzz_points
tests_fuzz_fuzz_recipe_SOURCES = tests/fuzz/fuzz_recipe.c
tests_fuzz_fuzz_recipe_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_points_SOURCES = tests/fuzz/fuzz_points.c
tests_fuzz_fuzz_points_LDADD = $(FUZZ_LIBS)

dist_check_SCRIPTS += tests/command/check_completion.sh
TESTS += tests/command/check_completion.sh

dist_check_SCRIPTS += tests/command/check_man.sh
TESTS += tests/command/check_man.sh

dist_check_SCRIPTS += tests/command/check_demo.sh tests/command/check_results_db.sh
TESTS += tests/command/check_demo.sh tests/command/check_results_db.sh
