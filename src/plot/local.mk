libpwemoe_a_SOURCES += \
  src/plot/axes.h src/plot/axes.c \
  src/plot/chart.h src/plot/chart.c \
  src/plot/kinds.h \
  src/plot/points.h src/plot/points.c \
  src/plot/cloud.c \
  src/plot/lines.c \
  src/plot/ternary.c
