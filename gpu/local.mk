# The CUDA module: pwemoe-cuda.so in $(pkglibdir), opened at run time. nvcc knows
# nothing of automake, so its rules are written out.
cuda_headers = gpu/attention.h gpu/attention_tiles.h gpu/cuda.h gpu/element.h gpu/product.h gpu/tile.h \
  src/backend/adam.h src/backend/backend.h src/backend/module.h src/backend/route.h src/base/error.h
cuda_sources = \
  gpu/algorithms.cu \
  gpu/attention.cu \
  gpu/attention_backward.cu \
  gpu/attention_forward.cu \
  gpu/elementwise.cu \
  gpu/embedding.cu \
  gpu/fp8.cu \
  gpu/losses.cu \
  gpu/marks.cu \
  gpu/matmul.cu \
  gpu/memory.cu \
  gpu/merge.cu \
  gpu/module.cu \
  gpu/recording.cu \
  gpu/route.cu \
  gpu/rows.cu \
  gpu/side.cu \
  gpu/solve.cu \
  gpu/squares.cu \
  gpu/transfers.cu \
  gpu/tuning.cu
EXTRA_DIST += gpu/attention.h gpu/attention_tiles.h gpu/cuda.h gpu/element.h gpu/product.h gpu/tile.h $(cuda_sources)

NVCCFLAGS = -O3
if BUILD_CUDA
moduledir = $(pkglibdir)
module_DATA = gpu/pwemoe-cuda.so
cuda_objects = $(cuda_sources:.cu=.o)
CLEANFILES += gpu/pwemoe-cuda.so $(cuda_objects)

gpu/%.o: gpu/%.cu $(cuda_headers)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(NVCC) -std=c++17 $(NVCC_ARCH) $(NVCC_WARNINGS) \
	  -Xcompiler -Wall,-Wextra,-Wshadow,-fPIC,-fvisibility=hidden \
	  -I$(top_srcdir)/src -I$(top_srcdir)/gpu $(NVCCFLAGS) -c -o $@ $<

gpu/pwemoe-cuda.so: $(cuda_objects)
	$(AM_V_GEN)$(NVCC) $(NVCC_ARCH) -shared -Xlinker -z,defs -Xlinker -rpath,$(CUDA_LIBDIR) \
	  -o $@ $(cuda_objects) -lcublasLt
endif
