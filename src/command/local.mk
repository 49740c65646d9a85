# What commands stand on is in the library, so that tests link it too.
libpwemoe_a_SOURCES += \
  src/command/options.h src/command/options.c \
  src/command/output.h src/command/output.c \
  src/command/points.h src/command/points.c \
  src/command/progress.h src/command/progress.c \
  src/command/recipe.h src/command/recipe.c

EXTRA_PROGRAMS += pwemoe
pwemoe_SOURCES = \
  src/command/main.c \
  src/command/command.h \
  src/command/indicators.c \
  src/command/info.c
pwemoe_LDADD = $(PWEMOE_LIBS)
