libpwemoe_a_SOURCES += \
  src/data/dataset.h \
  src/data/preprocess.h
