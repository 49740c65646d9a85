# `make bundle`: the programs with all their libraries, for any x86-64 Linux.
EXTRA_PROGRAMS += bundle/launch
bundle_launch_SOURCES = bundle/launch.c
# Without OpenMP, of which clang has no archive.
bundle_launch_LINK = $(CC) $(CFLAGS) -static-pie -o $@
EXTRA_DIST += bundle/bundle.sh
CLEANFILES += bundle/launch pwemoe-*-linux-x86_64.tar.xz
PHONY_TARGETS += bundle
bundle: pwemoe pwemoe-explore bundle/launch
	sh '$(srcdir)/bundle/bundle.sh' '$(srcdir)' '$(PACKAGE_VERSION)' \
	  '$(PACKAGE)-$(PACKAGE_VERSION)-linux-x86_64.tar.xz'
