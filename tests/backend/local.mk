# Tests of src/backend.
conformance_sources = \
  tests/backend/conformance.h tests/backend/conformance.c \
  tests/backend/case_attention.c \
  tests/backend/case_elementwise.c \
  tests/backend/case_embedding.c \
  tests/backend/case_fp8.c \
  tests/backend/case_matmul.c \
  tests/backend/case_solve.c \
  tests/backend/case_memory.c \
  tests/backend/case_merge.c \
  tests/backend/case_rows.c \
  tests/backend/case_streams.c \
  tests/backend/faults.c

check_PROGRAMS += tests/backend/test_cpu
TESTS += tests/backend/test_cpu
tests_backend_test_cpu_SOURCES = tests/backend/test_cpu.c $(conformance_sources)
tests_backend_test_cpu_LDADD = $(TEST_LIBS)

# Modules for the loader to refuse, built without libtool: they are not installed.
fake_modules = \
  tests/backend/modules/version/pwemoe-cuda.so \
  tests/backend/modules/symbol/pwemoe-cuda.so \
  tests/backend/modules/devices/pwemoe-cuda.so \
  tests/backend/modules/driver/pwemoe-cuda.so \
  tests/backend/modules/empty/pwemoe-cuda.so \
  tests/backend/modules/cublas/pwemoe-cuda.so
fake_module_build = $(MKDIR_P) $(@D) && \
  $(CC) $(AM_CPPFLAGS) $(CPPFLAGS) -std=gnu11 -shared -fPIC -o $@ $(srcdir)/tests/backend/fake_module.c

tests/backend/modules/version/pwemoe-cuda.so: tests/backend/fake_module.c src/backend/module.h src/backend/backend.h
	$(AM_V_GEN)$(fake_module_build) -DVARIANT=1
tests/backend/modules/symbol/pwemoe-cuda.so: tests/backend/fake_module.c src/backend/module.h src/backend/backend.h
	$(AM_V_GEN)$(fake_module_build) -DVARIANT=2
tests/backend/modules/devices/pwemoe-cuda.so: tests/backend/fake_module.c src/backend/module.h src/backend/backend.h
	$(AM_V_GEN)$(fake_module_build) -DVARIANT=3
tests/backend/modules/driver/pwemoe-cuda.so: tests/backend/fake_module.c src/backend/module.h src/backend/backend.h
	$(AM_V_GEN)$(fake_module_build) -DVARIANT=4
tests/backend/modules/empty/pwemoe-cuda.so: tests/backend/fake_module.c src/backend/module.h src/backend/backend.h
	$(AM_V_GEN)$(fake_module_build) -DVARIANT=5

# One that needs a library which is nowhere; and a driver that is only there.
tests/backend/modules/cublas/pwemoe-cuda.so: tests/backend/fake_module.c src/backend/module.h src/backend/backend.h
	$(AM_V_GEN)$(MKDIR_P) $(@D)/linked && echo 'int cublas;' | \
	  $(CC) -x c -shared -fPIC -Wl,-soname,libcublasLt.so.99 -o $(@D)/linked/libcublasLt.so - && \
	  $(fake_module_build) -DVARIANT=3 -Wl,--no-as-needed $(@D)/linked/libcublasLt.so
tests/backend/modules/installed/libcuda.so.1:
	$(AM_V_GEN)$(MKDIR_P) $(@D) && echo 'int driver;' | $(CC) -x c -shared -fPIC -o $@ -

TESTS += tests/backend/check_driver.sh
dist_check_SCRIPTS += tests/backend/check_driver.sh
check_DATA = $(fake_modules) tests/backend/modules/installed/libcuda.so.1
CLEANFILES += tests/backend/modules/installed/libcuda.so.1 \
  tests/backend/modules/cublas/linked/libcublasLt.so

check_PROGRAMS += tests/backend/test_open
TESTS += tests/backend/test_open
tests_backend_test_open_SOURCES = tests/backend/test_open.c
tests_backend_test_open_LDADD = $(TEST_LIBS)
EXTRA_tests_backend_test_open_DEPENDENCIES = $(fake_modules)
EXTRA_DIST += tests/backend/fake_module.c
CLEANFILES += $(fake_modules)
