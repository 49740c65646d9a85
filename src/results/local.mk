# What is known of a results.db: rows, series, fronts, estimates.
libpwemoe_a_SOURCES += \
  src/results/answerer.h src/results/answerer.c \
  src/results/look.h src/results/look.c \
  src/results/row.h src/results/row.c \
  src/results/series.h src/results/series.c \
  src/results/by_series.h src/results/by_series.c \
  src/results/oriented.h src/results/oriented.c \
  src/results/catalog.h src/results/catalog.c src/results/catalog_source.c \
  src/results/shared_rows.h src/results/shared_rows.c \
  src/results/derive.c \
  src/results/front.h src/results/front.c \
  src/results/front_set.h src/results/front_set.c \
  src/results/filter_offer.h src/results/filter_offer.c \
  src/results/filter.h src/results/filter_tree.h \
  src/results/filter.c src/results/filter_parse.c \
  src/results/volume.h src/results/volume.c \
  src/results/target.h src/results/target.c \
  src/results/samples.h src/results/samples.c \
  src/results/estimate.h src/results/estimate.c \
  src/results/output.h src/results/output.c \
  src/results/solutions.h src/results/solutions.c \
  src/results/routing.h src/results/routing.c \
  src/results/gap.h src/results/gap.c \
  src/results/price.h src/results/price.c \
  src/results/comparison.h src/results/comparison.c \
  src/results/statistics.h src/results/statistics.c \
  src/results/ticks.h src/results/ticks.c
