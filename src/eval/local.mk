libpwemoe_a_SOURCES += \
  src/eval/evaluator.h \
  src/eval/interval.h
