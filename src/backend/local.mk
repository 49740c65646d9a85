libpwemoe_a_SOURCES += \
  src/backend/backend.h
