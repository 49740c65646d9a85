# What commands stand on is in the library, so that tests link it too.
libpwemoe_a_SOURCES += \
  src/command/import_table.h src/command/import_table.c \
  src/command/options.h src/command/options.c \
  src/command/output.h src/command/output.c \
  src/command/paths.h src/command/paths.c \
  src/command/points.h src/command/points.c \
  src/command/progress.h src/command/progress.c \
  src/command/recipe.h src/command/recipe.c \
  src/command/report_page.h src/command/report_page.c

bin_PROGRAMS += pwemoe
pwemoe_SOURCES = \
  src/command/main.c \
  src/command/command.h \
  src/command/analysis.h src/command/analysis.c \
  src/command/choice.h src/command/choice.c \
  src/command/plot_data.h src/command/plot_lines.c src/command/plot_points.c \
  src/command/front_set.h src/command/front_set.c \
  src/command/measure.h src/command/measure.c \
  src/command/runs.h src/command/runs.c \
  src/command/solutions.h src/command/solutions.c \
  src/command/tuning.h src/command/tuning.c \
  src/command/eval.c \
  src/command/export.c \
  src/command/finetune.c \
  src/command/front.c \
  src/command/import.c \
  src/command/indicators.c \
  src/command/info.c \
  src/command/init.c \
  src/command/merge.c \
  src/command/plot.c \
  src/command/report.h src/command/report.c src/command/report_charts.c \
  src/command/report_costs.c \
  src/command/show.c \
  src/command/train.c
pwemoe_LDADD = $(PWEMOE_LIBS)
