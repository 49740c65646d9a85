# What is known of a results.db: rows, series, fronts, estimates.
libpwemoe_a_SOURCES += \
  src/results/look.h \
  src/results/catalog.h src/results/catalog.c src/results/catalog_source.c \
  src/results/estimate.h src/results/estimate.c \
  src/results/price.h src/results/price.c \
  src/results/ticks.h src/results/ticks.c
