# Fuzz targets. tests/AREA/local.mk adds its own with three lines:
#
#   FUZZ_TARGETS += tests/fuzz/fuzz_AREA
#   tests_fuzz_fuzz_AREA_SOURCES = tests/fuzz/fuzz_AREA.c
#   tests_fuzz_fuzz_AREA_LDADD = $(FUZZ_LIBS)
#
# and its corpus is tests/fuzz/corpus/AREA/. `make check` runs each over its corpus
# and over mutations of it; `make fuzz` builds the same targets with libFuzzer.
check_PROGRAMS += $(FUZZ_TARGETS)
TESTS += $(FUZZ_TARGETS)
EXTRA_DIST += tests/fuzz/corpus

if FUZZER
FUZZ_LIBS = $(PWEMOE_LIBS) $(FUZZ_ENGINE)
else
check_LIBRARIES += tests/fuzz/librun_corpus.a
tests_fuzz_librun_corpus_a_SOURCES = tests/fuzz/run_corpus.c
FUZZ_LIBS = tests/fuzz/librun_corpus.a $(PWEMOE_LIBS)
endif

# A build of its own in fuzz-build/. With FUZZ_SECONDS=N each target then runs for
# N seconds from its corpus; what it finds new stays in fuzz-build/.
FUZZ_CC = clang
FUZZ_SECONDS = 0
fuzz:
	@$(MKDIR_P) fuzz-build
	cd fuzz-build && { test -f Makefile || $(abs_top_srcdir)/configure --with-cuda=no \
	  --enable-fuzzer CC='$(FUZZ_CC)' CFLAGS='-g -O1'; }
	cd fuzz-build && $(MAKE) $(AM_MAKEFLAGS) $(FUZZ_TARGETS)
	@test '$(FUZZ_SECONDS)' = 0 || for target in $(FUZZ_TARGETS); do \
	  area=$${target#tests/fuzz/fuzz_}; found=fuzz-build/found/$$area; \
	  $(MKDIR_P) $$found || exit 1; \
	  echo "$$area for $(FUZZ_SECONDS) seconds"; \
	  srcdir="$(srcdir)" fuzz-build/$$target -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
	    -verbosity=0 -rss_limit_mb=4096 -artifact_prefix=$$found/ \
	    $$found $(srcdir)/tests/fuzz/corpus/$$area || exit 1; \
	done
PHONY_TARGETS += fuzz
distclean-local: fuzz-distclean
fuzz-distclean:
	rm -rf fuzz-build
PHONY_TARGETS += fuzz-distclean
