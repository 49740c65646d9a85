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
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/dict tests/fuzz/README

if FUZZER
FUZZ_LIBS = $(PWEMOE_LIBS) $(FUZZ_ENGINE)
else
check_LIBRARIES += tests/fuzz/librun_corpus.a
tests_fuzz_librun_corpus_a_SOURCES = tests/fuzz/run_corpus.c
FUZZ_LIBS = tests/fuzz/librun_corpus.a $(PWEMOE_LIBS)
endif

# Those that want a folder, or changes to a whole file.
check_LIBRARIES += tests/fuzz/libchanges.a
tests_fuzz_libchanges_a_SOURCES = tests/fuzz/changes.h tests/fuzz/changes.c
FUZZ_CHANGES_LIBS = tests/fuzz/libchanges.a $(FUZZ_LIBS)

# Those of several areas.
FUZZ_TARGETS += tests/fuzz/fuzz_class_names tests/fuzz/fuzz_config \
  tests/fuzz/fuzz_import tests/fuzz/fuzz_jpeg tests/fuzz/fuzz_json tests/fuzz/fuzz_png \
  tests/fuzz/fuzz_routers tests/fuzz/fuzz_state tests/fuzz/fuzz_tokenizer_files
tests_fuzz_fuzz_class_names_SOURCES = tests/fuzz/fuzz_class_names.c
tests_fuzz_fuzz_class_names_LDADD = $(FUZZ_CHANGES_LIBS)
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c
tests_fuzz_fuzz_config_LDADD = $(FUZZ_CHANGES_LIBS)
tests_fuzz_fuzz_import_SOURCES = tests/fuzz/fuzz_import.c
tests_fuzz_fuzz_import_LDADD = $(FUZZ_CHANGES_LIBS)
tests_fuzz_fuzz_jpeg_SOURCES = tests/fuzz/fuzz_jpeg.c
tests_fuzz_fuzz_jpeg_LDADD = $(FUZZ_CHANGES_LIBS)
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c
tests_fuzz_fuzz_json_LDADD = $(FUZZ_CHANGES_LIBS)
tests_fuzz_fuzz_png_SOURCES = tests/fuzz/fuzz_png.c
tests_fuzz_fuzz_png_LDADD = $(FUZZ_CHANGES_LIBS)
tests_fuzz_fuzz_routers_SOURCES = tests/fuzz/fuzz_routers.c
tests_fuzz_fuzz_routers_LDADD = $(FUZZ_CHANGES_LIBS)
tests_fuzz_fuzz_state_SOURCES = tests/fuzz/fuzz_state.c
tests_fuzz_fuzz_state_LDADD = $(FUZZ_CHANGES_LIBS)
tests_fuzz_fuzz_tokenizer_files_SOURCES = tests/fuzz/fuzz_tokenizer_files.c
tests_fuzz_fuzz_tokenizer_files_LDADD = $(FUZZ_CHANGES_LIBS)

# A build of its own in fuzz-build/. With FUZZ_SECONDS=N each target then runs for
# N seconds from its corpus, or N times with FUZZ_RUNS=N, whichever ends first
# (FUZZ_AREAS="csv json": these alone); what it finds new stays in fuzz-build/.
# tests/fuzz/README says how far each has come.
FUZZ_CC = clang
FUZZ_SECONDS = 0
FUZZ_RUNS = -1
FUZZ_AREAS =
fuzz:
	@$(MKDIR_P) fuzz-build
	cd fuzz-build && { test -f Makefile || $(abs_top_srcdir)/configure --with-cuda=no \
	  --enable-fuzzer CC='$(FUZZ_CC)' CFLAGS='-g -O1'; }
	cd fuzz-build && $(MAKE) $(AM_MAKEFLAGS) $(FUZZ_TARGETS)
	@test '$(FUZZ_SECONDS) $(FUZZ_RUNS)' = '0 -1' || for target in $(FUZZ_TARGETS); do \
	  area=$${target#tests/fuzz/fuzz_}; found=fuzz-build/found/$$area; \
	  case " $(FUZZ_AREAS) " in "  " | *" $$area "*) ;; *) continue ;; esac; \
	  words=$(srcdir)/tests/fuzz/dict/$$area; \
	  if test -f $$words; then words=-dict=$$words; else words=; fi; \
	  $(MKDIR_P) $$found || exit 1; \
	  echo "$$area for $(FUZZ_SECONDS) seconds"; \
	  srcdir="$(srcdir)" fuzz-build/$$target -max_total_time=$(FUZZ_SECONDS) -runs=$(FUZZ_RUNS) -print_final_stats=1 \
	    -verbosity=0 $$words -rss_limit_mb=4096 -artifact_prefix=$$found/ \
	    $$found $(srcdir)/tests/fuzz/corpus/$$area || exit 1; \
	done
PHONY_TARGETS += fuzz
distclean-local: fuzz-distclean
fuzz-distclean:
	rm -rf fuzz-build
PHONY_TARGETS += fuzz-distclean
