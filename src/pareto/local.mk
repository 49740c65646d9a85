libpwemoe_a_SOURCES += \
  src/pareto/pareto.h \
  src/pareto/order.h src/pareto/order.c \
  src/pareto/dominance.c \
  src/pareto/sweep.h src/pareto/sweep.c \
  src/pareto/zones.h src/pareto/zones.c \
  src/pareto/wfg.h src/pareto/wfg.c \
  src/pareto/inside.h src/pareto/inside.c \
  src/pareto/hypervolume.c \
  src/pareto/approximate.h src/pareto/approximate.c \
  src/pareto/indicators.h src/pareto/indicators.c \
  src/pareto/slopes.h src/pareto/slopes.c \
  src/pareto/standing.h src/pareto/standing.c \
  src/pareto/attainment.h src/pareto/attainment.c \
  src/pareto/simplex.h src/pareto/simplex.c
