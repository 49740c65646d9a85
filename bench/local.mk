# Speed, as ratios to a peer measured in the same run; never part of make check.
# A program joins `make bench` by adding itself to EXTRA_PROGRAMS and bench_programs.
bench_programs =

EXTRA_PROGRAMS += bench/bench_backend
bench_programs += bench/bench_backend
bench_bench_backend_SOURCES = bench/bench_backend.c
bench_bench_backend_LDADD = $(PWEMOE_LIBS)

EXTRA_PROGRAMS += bench/bench_pareto
bench_programs += bench/bench_pareto
bench_bench_pareto_SOURCES = bench/bench_pareto.c
bench_bench_pareto_LDADD = $(PWEMOE_LIBS)

EXTRA_PROGRAMS += bench/bench_model
bench_programs += bench/bench_model
bench_bench_model_SOURCES = bench/bench_model.c
bench_bench_model_LDADD = $(PWEMOE_LIBS)

EXTRA_PROGRAMS += bench/bench_ties
bench_programs += bench/bench_ties
bench_bench_ties_SOURCES = bench/bench_ties.c
bench_bench_ties_LDADD = $(PWEMOE_LIBS)

EXTRA_PROGRAMS += bench/bench_first_frame
bench_programs += bench/bench_first_frame
bench_bench_first_frame_SOURCES = bench/bench_first_frame.c tests/tui/fixture.h \
  tests/tui/fixture.c
bench_bench_first_frame_LDADD = $(PWEMOE_LIBS)

CLEANFILES += $(bench_programs)
bench: $(bench_programs) pwemoe-explore$(EXEEXT)
	@for program in $(bench_programs); do ./$$program || exit 1; done
PHONY_TARGETS += bench
