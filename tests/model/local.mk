# Tests of src/model.
check_PROGRAMS += tests/model/test_transformer
TESTS += tests/model/test_transformer
tests_model_test_transformer_SOURCES = tests/model/test_transformer.c
tests_model_test_transformer_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_model_test_transformer_LDADD = $(SUPPORT_LIBS)
