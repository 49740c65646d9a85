# What programs of others link: libpwemoe.a, one object in which only what pwemoe.h
# declares is to be seen, its header, and a file for pkg-config.
libpwemoe_a_SOURCES += src/library/pwemoe.h src/library/pwemoe.c

library_object = lib/pwemoe.o
library_archive = lib/libpwemoe.a
CLEANFILES += $(library_object) $(library_archive)
$(library_object): libpwemoe.a
	$(AM_V_GEN)$(MKDIR_P) lib && $(LD) -r -o $@.all --whole-archive libpwemoe.a && \
	  $(OBJCOPY) --wildcard --keep-global-symbol='pwemoe_*' $@.all $@ && rm -f $@.all
$(library_archive): $(library_object)
	$(AM_V_AR)rm -f $@ && $(AR) cr $@ $(library_object) && $(RANLIB) $@

include_HEADERS = src/library/pwemoe.h
librarydir = $(libdir)
library_DATA = $(library_archive)
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = src/library/pwemoe.pc
