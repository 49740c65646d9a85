# The CUDA backend without a GPU: its source, compiled by a C++ compiler against the
# emulation in tests/gpu/emulation, runs the backends' conformance suite.
emulation_headers = \
  tests/gpu/emulation/cublasLt.h \
  tests/gpu/emulation/cuda_bf16.h \
  tests/gpu/emulation/cuda_runtime.h
emulation_sources = \
  tests/gpu/emulation/blas.cc \
  tests/gpu/emulation/fibers.cc \
  tests/gpu/emulation/runtime.cc \
  tests/gpu/emulation/settings.cc \
  tests/gpu/emulation/streams.cc \
  tests/gpu/emulation/tensor.cc
EXTRA_DIST += $(emulation_headers) tests/gpu/no_cxx.sh

if HAVE_CXX
emulated_objects = $(cuda_sources:gpu/%.cu=tests/gpu/emulated/%.o)
CLEANFILES += $(emulated_objects)

tests/gpu/emulated/%.o: gpu/%.cu $(cuda_headers) $(emulation_headers)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(CXX) -x c++ -DPWEMOE_EMULATION \
	  -I$(top_srcdir)/tests/gpu/emulation -I$(top_srcdir)/src -I$(top_srcdir)/gpu \
	  $(AM_CXXFLAGS) $(CXXFLAGS) -c -o $@ $<

check_PROGRAMS += tests/gpu/test_emulated
TESTS += tests/gpu/test_emulated
tests_gpu_test_emulated_SOURCES = tests/gpu/test_emulated.c tests/gpu/settings.h \
  $(emulation_sources) $(conformance_sources)
tests_gpu_test_emulated_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests \
  -I$(top_srcdir)/tests/gpu/emulation
tests_gpu_test_emulated_LDADD = $(emulated_objects) $(TEST_LIBS)
tests_gpu_test_emulated_DEPENDENCIES = $(emulated_objects) libpwemoe.a
else
TESTS += tests/gpu/no_cxx.sh
endif

# The real card: `make gpu-check`. Exit status 77, aloud, where there is none.
EXTRA_PROGRAMS += tests/gpu/check_device
CLEANFILES += tests/gpu/check_device
tests_gpu_check_device_SOURCES = tests/gpu/check_device.c $(conformance_sources)
tests_gpu_check_device_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_gpu_check_device_LDADD = $(PWEMOE_LIBS)

EXTRA_DIST += tests/gpu/gpu_check.sh
gpu-check: all tests/gpu/check_device
	@NVCC='$(NVCC)' $(SHELL) $(srcdir)/tests/gpu/gpu_check.sh
PHONY_TARGETS += gpu-check
