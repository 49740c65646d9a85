# The CUDA backend without a GPU: its source, compiled by a C++ compiler against the
# emulation in tests/gpu/emulation, runs the backends' conformance suite.
emulation_headers = \
  tests/gpu/emulation/cublas_v2.h \
  tests/gpu/emulation/cusolverDn.h \
  tests/gpu/emulation/cublasLt.h \
  tests/gpu/emulation/cuda_bf16.h \
  tests/gpu/emulation/cuda_fp8.h \
  tests/gpu/emulation/cuda_runtime.h
emulation_sources = \
  tests/gpu/emulation/blas.cc \
  tests/gpu/emulation/counting.cc \
  tests/gpu/emulation/fibers.cc \
  tests/gpu/emulation/limits.cc \
  tests/gpu/emulation/runtime.cc \
  tests/gpu/emulation/settings.cc \
  tests/gpu/emulation/solver.cc \
  tests/gpu/emulation/streams.cc \
  tests/gpu/emulation/tensor.cc
EXTRA_DIST += $(emulation_headers) tests/gpu/no_cxx.sh

if HAVE_CXX
emulated_objects = $(cuda_sources:gpu/%.cu=tests/gpu/emulated/%.o)
CLEANFILES += $(emulated_objects)

tests/gpu/emulated/%.o: gpu/%.cu $(cuda_headers) $(emulation_headers)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(CXX) -x c++ -DPWEMOE_EMULATION \
	  -I$(top_srcdir)/tests/gpu/emulation -I$(top_srcdir)/src -I$(top_srcdir)/gpu \
	  $(AM_CXXFLAGS) $(CXXFLAGS) -fPIC -c -o $@ $<

# The same as a module, so that whole programs run with --device cuda: what `make
# gpu-check` and `make gpu-bench` will meet, but for its speed.
emulated_module = tests/gpu/emulated/pwemoe-cuda.so
emulated_host = $(emulation_sources:tests/gpu/emulation/%.cc=tests/gpu/emulated/host/%.o)
CLEANFILES += $(emulated_module) $(emulated_host)

tests/gpu/emulated/host/%.o: tests/gpu/emulation/%.cc $(emulation_headers)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(CXX) -I$(top_srcdir)/tests/gpu/emulation \
	  -I$(top_srcdir)/src $(AM_CXXFLAGS) $(CXXFLAGS) -fPIC -c -o $@ $<

$(emulated_module): $(emulated_objects) $(emulated_host)
	$(AM_V_GEN)$(CXX) -shared $(filter-out -fPIE,$(AM_CXXFLAGS)) $(CXXFLAGS) -fPIC \
	  $(filter-out -pie,$(AM_LDFLAGS)) -o $@ \
	  $(emulated_objects) $(emulated_host)

# The same again, compiled to tell of its accesses of memory: what a step and a drag of a
# real model launch and move, counted (emulation/counting.cc).
counted_objects = $(cuda_sources:gpu/%.cu=tests/gpu/counted/%.o)
counted_module = tests/gpu/counted/pwemoe-cuda.so
CLEANFILES += $(counted_objects) $(counted_module)
tests/gpu/counted/%.o: gpu/%.cu $(cuda_headers) $(emulation_headers)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(CXX) -x c++ -DPWEMOE_EMULATION \
	  -I$(top_srcdir)/tests/gpu/emulation -I$(top_srcdir)/src -I$(top_srcdir)/gpu \
	  $(AM_CXXFLAGS) $(CXXFLAGS) -fsanitize=thread -fPIC -c -o $@ $<

$(counted_module): $(counted_objects) $(emulated_host)
	$(AM_V_GEN)$(CXX) -shared $(filter-out -fPIE,$(AM_CXXFLAGS)) $(CXXFLAGS) -fPIC \
	  $(filter-out -pie,$(AM_LDFLAGS)) -o $@ \
	  $(counted_objects) $(emulated_host)

gpu-count: $(counted_module) bench/gpu/bench_device
	@srcdir='$(srcdir)' $(SHELL) $(srcdir)/tests/gpu/count.sh
PHONY_TARGETS += gpu-count

check_PROGRAMS += tests/gpu/test_emulated
TESTS += tests/gpu/test_emulated
tests_gpu_test_emulated_SOURCES = tests/gpu/test_emulated.c tests/gpu/settings.h \
  $(emulation_sources) $(conformance_sources)
tests_gpu_test_emulated_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests \
  -I$(top_srcdir)/tests/gpu/emulation
tests_gpu_test_emulated_LDADD = $(emulated_objects) $(TEST_LIBS)
tests_gpu_test_emulated_DEPENDENCIES = $(emulated_objects) libpwemoe.a

check_PROGRAMS += tests/gpu/test_products
TESTS += tests/gpu/test_products
tests_gpu_test_products_SOURCES = tests/gpu/test_products.c tests/gpu/settings.h \
  $(emulation_sources)
tests_gpu_test_products_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests \
  -I$(top_srcdir)/tests/gpu/emulation
tests_gpu_test_products_LDADD = $(emulated_objects) $(TEST_LIBS)
tests_gpu_test_products_DEPENDENCIES = $(emulated_objects) libpwemoe.a

check_PROGRAMS += tests/gpu/test_evaluation
TESTS += tests/gpu/test_evaluation
tests_gpu_test_evaluation_SOURCES = tests/gpu/test_evaluation.c tests/gpu/module.h \
  tests/gpu/module.c tests/gpu/settings.h $(TUI_FIXTURE)
tests_gpu_test_evaluation_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_gpu_test_evaluation_LDADD = $(TEST_LIBS)
EXTRA_tests_gpu_test_evaluation_DEPENDENCIES = $(emulated_module)

check_PROGRAMS += tests/gpu/test_training
TESTS += tests/gpu/test_training
tests_gpu_test_training_SOURCES = tests/gpu/test_training.c tests/gpu/module.h \
  tests/gpu/module.c tests/gpu/settings.h
tests_gpu_test_training_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_gpu_test_training_LDADD = $(SUPPORT_LIBS)
EXTRA_tests_gpu_test_training_DEPENDENCIES = $(emulated_module)

# Routers over LoRA adapters, as on the CPU.
check_PROGRAMS += tests/gpu/test_factor_slopes
TESTS += tests/gpu/test_factor_slopes
tests_gpu_test_factor_slopes_SOURCES = tests/train/test_factor_slopes.c \
  tests/gpu/module.h tests/gpu/module.c tests/gpu/settings.h \
  tests/support/adapters.h tests/support/adapters.c tests/support/folder.c
tests_gpu_test_factor_slopes_CPPFLAGS = $(AM_CPPFLAGS) -DEMULATED -I$(top_srcdir)/tests
tests_gpu_test_factor_slopes_LDADD = $(SUPPORT_LIBS)
EXTRA_tests_gpu_test_factor_slopes_DEPENDENCIES = $(emulated_module)

# Merging methods over LoRA adapters, as on the CPU.
check_PROGRAMS += tests/gpu/test_factor_methods
TESTS += tests/gpu/test_factor_methods
tests_gpu_test_factor_methods_SOURCES = tests/merge/test_factor_methods.c \
  tests/gpu/module.h tests/gpu/module.c tests/gpu/settings.h \
  tests/support/adapters.h tests/support/adapters.c tests/support/folder.c
tests_gpu_test_factor_methods_CPPFLAGS = $(AM_CPPFLAGS) -DEMULATED -I$(top_srcdir)/tests
tests_gpu_test_factor_methods_LDADD = $(SUPPORT_LIBS)
EXTRA_tests_gpu_test_factor_methods_DEPENDENCIES = $(emulated_module)

check_PROGRAMS += tests/gpu/test_batches
TESTS += tests/gpu/test_batches
tests_gpu_test_batches_SOURCES = tests/gpu/test_batches.c tests/gpu/module.h \
  tests/gpu/module.c tests/gpu/settings.h
tests_gpu_test_batches_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_gpu_test_batches_LDADD = $(SUPPORT_LIBS)
EXTRA_tests_gpu_test_batches_DEPENDENCIES = $(emulated_module)

check_PROGRAMS += tests/gpu/test_learnt
TESTS += tests/gpu/test_learnt
tests_gpu_test_learnt_SOURCES = tests/gpu/test_learnt.c tests/gpu/module.h \
  tests/gpu/module.c tests/gpu/settings.h $(COMMAND_RUN)
tests_gpu_test_learnt_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_gpu_test_learnt_LDADD = $(TEST_LIBS)
EXTRA_tests_gpu_test_learnt_DEPENDENCIES = $(emulated_module)

check_PROGRAMS += tests/gpu/test_fp8
TESTS += tests/gpu/test_fp8
tests_gpu_test_fp8_SOURCES = tests/gpu/test_fp8.c tests/gpu/module.h tests/gpu/module.c \
  tests/gpu/settings.h tests/results/fixture.h tests/results/fixture.c $(COMMAND_RUN)
tests_gpu_test_fp8_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_gpu_test_fp8_LDADD = $(TEST_LIBS)
EXTRA_tests_gpu_test_fp8_DEPENDENCIES = $(emulated_module)

check_PROGRAMS += tests/gpu/test_lost
TESTS += tests/gpu/test_lost
tests_gpu_test_lost_SOURCES = tests/gpu/test_lost.c $(COMMAND_RUN)
tests_gpu_test_lost_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_gpu_test_lost_LDADD = $(TEST_LIBS)
EXTRA_tests_gpu_test_lost_DEPENDENCIES = $(emulated_module)
else
TESTS += tests/gpu/no_cxx.sh
endif

# The real card: `make gpu-check`. Exit status 77, aloud, where there is none.
tests_gpu_check_device_SOURCES = tests/gpu/check_device.c $(conformance_sources)
tests_gpu_check_device_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_gpu_check_device_LDADD = $(PWEMOE_LIBS)

# A device against the CPU on the demo. It is a program of `make check`, too, which
# compares the CPU with itself.
check_PROGRAMS += tests/gpu/compare_devices
tests_gpu_compare_devices_SOURCES = tests/gpu/compare.h tests/gpu/compare_devices.c \
  tests/gpu/compare_front.c tests/gpu/compare_logits.c tests/gpu/compare_training.c
tests_gpu_compare_devices_LDADD = $(PWEMOE_LIBS)

# bench_device with a tiny model, where it says nothing of speed.
check_PROGRAMS += tests/gpu/test_bench
TESTS += tests/gpu/test_bench
tests_gpu_test_bench_SOURCES = tests/gpu/test_bench.c $(COMMAND_RUN)
tests_gpu_test_bench_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_gpu_test_bench_LDADD = $(TEST_LIBS)
EXTRA_tests_gpu_test_bench_DEPENDENCIES = $(emulated_module)
dist_check_SCRIPTS += tests/gpu/check_compare.sh
TESTS += tests/gpu/check_compare.sh
EXTRA_DIST += tests/gpu/fake_peer.sh tests/gpu/fake_smi.sh

EXTRA_DIST += tests/gpu/gpu_check.sh tests/gpu/bundle.sh tests/gpu/count.sh
gpu-check: all tests/gpu/check_device tests/gpu/compare_devices
	@NVCC='$(NVCC)' srcdir='$(srcdir)' $(SHELL) $(srcdir)/tests/gpu/gpu_check.sh
PHONY_TARGETS += gpu-check

# Both, and make gpu-bench, for a machine without these libraries.
gpu-bundle: all tests/gpu/check_device tests/gpu/compare_devices bench/gpu/bench_device
	@srcdir='$(srcdir)' $(SHELL) $(srcdir)/tests/gpu/bundle.sh gpu-bundle.tar.xz $(GPU_REAL)
CLEANFILES += gpu-bundle.tar.xz
PHONY_TARGETS += gpu-bundle

# The archive for one short stay with a card: gpu-bundle/run report OUT. GPU_REAL: the
# data of bench/real, as its README says.
GPU_REAL =
gpu-report: gpu-bundle
	@echo "gpu-bundle.tar.xz, there: tar xf gpu-bundle.tar.xz && gpu-bundle/run report OUT"
PHONY_TARGETS += gpu-report

dist_check_SCRIPTS += tests/gpu/check_report.sh
TESTS += tests/gpu/check_report.sh
EXTRA_DIST += tests/gpu/report.sh tests/gpu/report.md tests/gpu/explorer_keys.py \
  tests/gpu/fp8_cost.py tests/gpu/kernels.py tests/gpu/pack_real.py tests/gpu/fake_ncu.sh
check_PROGRAMS += tests/gpu/check_device
