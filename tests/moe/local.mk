# Tests of src/moe.
moe_tests = tests/moe/test_quadratic tests/moe/test_surrogate
check_PROGRAMS += $(moe_tests)
TESTS += $(moe_tests)
tests_moe_test_quadratic_SOURCES = tests/moe/test_quadratic.c
tests_moe_test_quadratic_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_moe_test_quadratic_LDADD = $(SUPPORT_LIBS)
tests_moe_test_surrogate_SOURCES = tests/moe/test_surrogate.c
tests_moe_test_surrogate_LDADD = $(TEST_LIBS)
EXTRA_DIST += tests/golden/make_quadratic.py tests/golden/quadratic.safetensors
