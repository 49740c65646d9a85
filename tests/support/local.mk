# What several tests use.
check_LIBRARIES += tests/support/libsupport.a
tests_support_libsupport_a_SOURCES = tests/support/finetuning.h \
  tests/support/golden.h tests/support/golden.c \
  tests/support/masks.h tests/support/masks.c tests/support/patience.h \
  tests/support/zeros.h tests/support/zeros.c
tests_support_libsupport_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
SUPPORT_LIBS = tests/support/libsupport.a $(TEST_LIBS)

# For LD_PRELOAD: calls that fail in their turn, and what is done to files. Plain,
# whatever the programs are built with.
inject = tests/support/inject.so
record = tests/support/record.so
CLEANFILES += $(inject) $(record)
EXTRA_DIST += tests/support/inject.c tests/support/record.c
$(inject) $(record): tests/support/%.so: tests/support/%.c
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(CC) -O1 -fPIC -shared -o $@ $< -ldl
