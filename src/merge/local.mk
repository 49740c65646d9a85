libpwemoe_a_SOURCES += \
  src/merge/method.h src/merge/method.c \
  src/merge/linear.h src/merge/linear.c
