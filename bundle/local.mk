# `make bundle`: the programs with all their libraries, for any x86-64 Linux.
EXTRA_PROGRAMS += bundle/launch
bundle_launch_SOURCES = bundle/launch.c
bundle_launch_LDFLAGS = -static-pie
EXTRA_DIST += bundle/bundle.sh
CLEANFILES += bundle/launch pwemoe-*-linux-x86_64.tar.xz
PHONY_TARGETS += bundle
bundle: pwemoe pwemoe-explore bundle/launch
	sh '$(srcdir)/bundle/bundle.sh' '$(srcdir)' '$(PACKAGE_VERSION)' \
	  '$(PACKAGE)-$(PACKAGE_VERSION)-linux-x86_64.tar.xz'
