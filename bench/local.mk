# Speed, as ratios to a peer measured in the same run; never part of make check.
# A program joins `make bench` by adding itself to EXTRA_PROGRAMS and bench_programs.
bench_programs =

# The lines of `make bench` and their files.
bench_figures = \
  bench/lines.h bench/lines.c \
  bench/gpu/figures.h bench/gpu/figures.c \
  bench/gpu/machine.h bench/gpu/machine.c
bench_lines = $(bench_figures) bench/timing.h bench/timing.c

# What several of these programs share.
bench_common = \
  bench/peer.h bench/peer.c \
  bench/shapes.h bench/shapes.c \
  bench/synthetic.h bench/synthetic.c bench/synthetic_files.c \
  bench/timing.h bench/timing.c

check_PROGRAMS += bench/bench_backend
bench_programs += bench/bench_backend
bench_bench_backend_SOURCES = bench/bench_backend.c $(bench_lines)
bench_bench_backend_LDADD = $(PWEMOE_LIBS)

check_PROGRAMS += bench/bench_pareto
bench_programs += bench/bench_pareto
bench_bench_pareto_SOURCES = bench/bench_pareto.c $(bench_lines)
bench_bench_pareto_LDADD = $(PWEMOE_LIBS)

check_PROGRAMS += bench/bench_model
bench_programs += bench/bench_model
bench_bench_model_SOURCES = bench/bench_model.c src/base/early.c \
  $(bench_figures) $(bench_common)
bench_bench_model_LDADD = $(PWEMOE_LIBS)

check_PROGRAMS += bench/bench_ties
bench_programs += bench/bench_ties
bench_bench_ties_SOURCES = bench/bench_ties.c $(bench_lines)
bench_bench_ties_LDADD = $(PWEMOE_LIBS)

check_PROGRAMS += bench/bench_first_frame
bench_programs += bench/bench_first_frame
bench_bench_first_frame_SOURCES = bench/bench_first_frame.c \
  bench/frame_drag.h bench/frame_drag.c $(bench_lines) $(TUI_FIXTURE)
bench_bench_first_frame_LDADD = $(EXPLORE_LIBS)

check_PROGRAMS += bench/bench_keys
bench_programs += bench/bench_keys
bench_bench_keys_SOURCES = bench/bench_keys.c $(bench_lines) $(TUI_FIXTURE)
bench_bench_keys_LDADD = $(EXPLORE_LIBS)

# Reckoned, not measured: how far training and fronts go on several machines.
check_PROGRAMS += bench/scale/scale
bench_scale_scale_SOURCES = bench/scale/scale.c bench/shapes.h bench/shapes.c
bench_scale_scale_LDADD = $(PWEMOE_LIBS)
bench-scale: bench/scale/scale$(EXEEXT)
	bench/scale/scale$(EXEEXT)
PHONY_TARGETS += bench-scale

# A line for each figure: ours, the floor, the peer (PYTHON names a Python that has
# PyTorch and moocore) and how near or how many times as fast ours is. BENCH_OUT: where
# the files of those that keep any go.
CLEANFILES += $(bench_programs)
BENCH_OUT = $(srcdir)/bench/results
bench: $(bench_programs) pwemoe-explore$(EXEEXT)
	@for program in $(bench_programs); do \
	  srcdir='$(srcdir)' PWEMOE_BENCH_OUT='$(BENCH_OUT)' ./$$program || exit 1; done
PHONY_TARGETS += bench

# That these programs run, and write what they measured; their figures are none. Part of
# `make check`, too.
TESTS += bench/smoke.sh
EXTRA_DIST += bench/smoke.sh
bench-smoke: bench/bench_backend bench/bench_pareto bench/bench_model bench/bench_ties \
  bench/bench_first_frame bench/bench_keys pwemoe-explore$(EXEEXT)
	@srcdir='$(srcdir)' $(srcdir)/bench/smoke.sh
PHONY_TARGETS += bench-smoke

# A device's figures, which count where it is a real card's: `make gpu-bench`. It is a
# program of `make check`, too, which tries it with a tiny model on the CPU.
check_PROGRAMS += bench/gpu/bench_device
bench_gpu_bench_device_SOURCES = \
  bench/gpu/bench.h bench/gpu/bench.c \
  bench/gpu/bench_device.c \
  src/base/early.c \
  bench/gpu/drag.c \
  bench/gpu/figures.h bench/gpu/figures.c \
  bench/gpu/kernels.c \
  bench/gpu/machine.h bench/gpu/machine.c \
  bench/gpu/models.c \
  bench/gpu/operations.c \
  bench/gpu/products.c \
  bench/gpu/variants.c \
  bench/gpu/work.h bench/gpu/work.c \
  $(bench_common)
bench_gpu_bench_device_LDADD = $(PWEMOE_LIBS)
EXTRA_DIST += bench/gpu/torch_peer.py bench/results/README.md

GPU_BENCH_FLAGS =
PHONY_TARGETS += gpu-bench
gpu-bench: all bench/gpu/bench_device
	@srcdir='$(srcdir)' PWEMOE_MODULE_DIR='$(abs_builddir)/gpu' \
	  ./bench/gpu/bench_device --out '$(srcdir)/bench/results' $(GPU_BENCH_FLAGS)

# Beside mergekit, which needs Python.
EXTRA_DIST += bench/many_tasks.py bench/merge_to.py bench/ranks.py bench/scale/README.md
