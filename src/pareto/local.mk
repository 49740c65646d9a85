libpwemoe_a_SOURCES += \
  src/pareto/pareto.h \
  src/pareto/simplex.h
