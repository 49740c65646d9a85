# What commands stand on is in the library, so that tests link it too.
libpwemoe_a_SOURCES += \
  src/command/io/completion.h src/command/io/completion.c \
  src/command/io/import_columns.h src/command/io/import_columns.c \
  src/command/io/import_table.h src/command/io/import_table.c \
  src/command/io/options.h src/command/io/options.c \
  src/command/io/paths.h src/command/io/paths.c \
  src/command/io/point_file.h src/command/io/point_file.c \
  src/command/io/point_sets.h src/command/io/point_sets.c \
  src/command/io/progress.h src/command/io/progress.c \
  src/command/io/recipe.h src/command/io/recipe.c \
  src/command/io/settings.h src/command/io/settings.c \
  src/command/work/text_tower.h src/command/work/text_tower.c \
  src/command/io/yaml_tree.h src/command/io/yaml_tree.c \
  src/command/io/escape.h src/command/io/escape.c \
  src/command/io/page.h src/command/io/page.c \
  src/command/work/curve.h src/command/work/curve.c

bin_PROGRAMS += pwemoe
pwemoe_SOURCES = \
  src/base/early.c \
  src/command/main.c \
  src/command/command.h \
  src/command/work/analysis.h src/command/work/analysis.c \
  src/command/work/answer.h src/command/work/answer.c \
  src/command/work/compare.h src/command/work/compare_page.c \
  src/command/work/compare_print.c src/command/work/compare_run.c \
  src/command/work/compare_summary.c \
  src/command/work/contender.h src/command/work/contender.c \
  src/command/work/choice.h src/command/work/choice.c \
  src/command/work/plot_data.h src/command/work/plot_lines.c src/command/work/plot_points.c \
  src/command/work/plot_sets.c \
  src/command/work/plot_draw.h src/command/work/plot_draw.c \
  src/command/work/quality.h src/command/work/quality.c \
  src/command/work/mergekit.h src/command/work/mergekit.c \
  src/command/work/map.h src/command/work/map_collect.c \
  src/command/work/map_next.h src/command/work/map_next.c \
  src/command/work/measure.h src/command/work/measure.c \
  src/command/work/measure_list.h src/command/work/measure_list.c \
  src/command/work/message.h src/command/work/message.c \
  src/command/work/share.h src/command/work/share.c \
  src/command/work/runs.h src/command/work/runs.c \
  src/command/work/import_results.h src/command/work/import_results.c \
  src/command/work/import_state.h src/command/work/import_runs.c \
  src/command/work/import_bookmarks.c \
  src/command/work/init.h src/command/work/init_models.c src/command/work/init_commands.c \
  src/command/work/method_settings.h src/command/work/method_settings.c \
  src/command/work/training.h src/command/work/training.c \
  src/command/work/tuning.h src/command/work/tuning.c src/command/work/tuning_run.c \
  src/command/work/tuned.h src/command/work/tuned.c \
  src/command/compare.c \
  src/command/extract_lora.c \
  src/command/map.h src/command/map.c \
  src/command/completion.c \
  src/command/eval.c \
  src/command/export.c src/command/export_db.c \
  src/command/finetune.c \
  src/command/ask.c src/command/front.c \
  src/command/import.c \
  src/command/indicators.c \
  src/command/info.c \
  src/command/init.c \
  src/command/merge.c \
  src/command/merge_to.c \
  src/command/paths.c \
  src/command/plot.c src/command/reference.c \
  src/command/work/report.h src/command/report.c src/command/work/report_charts.c src/command/work/report_accuracy.c src/command/work/report_fronts.c \
  src/command/work/report_costs.c \
  src/command/show.c src/command/work/show.h src/command/work/show_runs.c \
  src/command/work/train_run.h src/command/work/train_load.c \
  src/command/work/train_settings.c \
  src/command/train.h src/command/train.c
pwemoe_LDADD = $(PWEMOE_LIBS)

# Completions, where the shells of Debian look for those of packages.
bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/vendor-completions
fishcompletiondir = $(datadir)/fish/vendor_completions.d
bashcompletion_DATA = completions/pwemoe completions/pwemoe-explore
zshcompletion_DATA = completions/_pwemoe completions/_pwemoe-explore
fishcompletion_DATA = completions/pwemoe.fish completions/pwemoe-explore.fish
CLEANFILES += $(bashcompletion_DATA) $(zshcompletion_DATA) $(fishcompletion_DATA)

# write_completion COMMAND
write_completion = $(MKDIR_P) completions && $(1) >$@.new && mv -f $@.new $@
completions/pwemoe: pwemoe$(EXEEXT)
	$(AM_V_GEN)$(call write_completion,./pwemoe completion bash)
completions/_pwemoe: pwemoe$(EXEEXT)
	$(AM_V_GEN)$(call write_completion,./pwemoe completion zsh)
completions/pwemoe.fish: pwemoe$(EXEEXT)
	$(AM_V_GEN)$(call write_completion,./pwemoe completion fish)
completions/pwemoe-explore: pwemoe-explore$(EXEEXT)
	$(AM_V_GEN)$(call write_completion,./pwemoe-explore --completion bash)
completions/_pwemoe-explore: pwemoe-explore$(EXEEXT)
	$(AM_V_GEN)$(call write_completion,./pwemoe-explore --completion zsh)
completions/pwemoe-explore.fish: pwemoe-explore$(EXEEXT)
	$(AM_V_GEN)$(call write_completion,./pwemoe-explore --completion fish)
