libpwemoe_a_SOURCES += \
  src/plot/axes.h src/plot/axes.c \
  src/plot/legend.h src/plot/legend.c \
  src/plot/chart.h src/plot/chart.c src/plot/drawing.c \
  src/plot/kinds.h \
  src/plot/points.h src/plot/points.c \
  src/plot/scatter.c src/plot/parallel.c src/plot/bundles.h src/plot/bundles.c \
  src/plot/lines.c src/plot/lines_data.h src/plot/lines_data.c src/plot/curves.c \
  src/plot/heat.c src/plot/cells_data.h src/plot/cells_data.c \
  src/plot/triangles.h src/plot/triangles.c \
  src/plot/ternary.c
