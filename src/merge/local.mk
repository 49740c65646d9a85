libpwemoe_a_SOURCES += \
  src/merge/method.h src/merge/method.c \
  src/merge/linear.c src/merge/linear_layer.h \
  src/merge/coefficients.h src/merge/coefficients.c src/merge/weights.c \
  src/merge/select.h src/merge/select.c \
  src/merge/ties.h src/merge/ties_merge.c src/merge/ties_run.h src/merge/ties_read.c \
  src/merge/fisher.h src/merge/fisher.c \
  src/merge/solve.h src/merge/solve.c \
  src/merge/regmean.h src/merge/regmean.c \
  src/merge/ties_method.c \
  src/merge/examples.h src/merge/examples.c \
  src/merge/fisher_method.c src/merge/regmean_method.c \
  src/merge/agreement.h src/merge/agreement.c \
  src/merge/wudi.h src/merge/wudi.c src/merge/wudi_method.c \
  src/merge/wudi_device.h src/merge/wudi_device.c \
  src/merge/closed_base.h src/merge/closed_base.c \
  src/merge/head_ridge.h src/merge/head_ridge.c \
  src/merge/head_map.h src/merge/head_map.c \
  src/merge/head_fit.h src/merge/head_fit.c \
  src/merge/layers.h src/merge/layers.c \
  src/merge/layers_share.h src/merge/layers_share.c \
  src/merge/layers_solve.h src/merge/layers_solve.c \
  src/merge/singular.h src/merge/singular.c src/merge/singular_method.c
