# Tests of src/model.
check_PROGRAMS += tests/model/test_transformer
TESTS += tests/model/test_transformer
tests_model_test_transformer_SOURCES = tests/model/test_transformer.c
tests_model_test_transformer_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_model_test_transformer_LDADD = $(SUPPORT_LIBS)

check_PROGRAMS += tests/model/test_gpt2
TESTS += tests/model/test_gpt2
tests_model_test_gpt2_SOURCES = tests/model/test_gpt2.c
tests_model_test_gpt2_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_model_test_gpt2_LDADD = $(SUPPORT_LIBS)

check_PROGRAMS += tests/model/test_zero_shot
TESTS += tests/model/test_zero_shot
tests_model_test_zero_shot_SOURCES = tests/model/test_zero_shot.c
tests_model_test_zero_shot_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_model_test_zero_shot_LDADD = $(SUPPORT_LIBS)

check_PROGRAMS += tests/model/test_config
TESTS += tests/model/test_config
tests_model_test_config_SOURCES = tests/model/test_config.c
tests_model_test_config_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/model/test_extras
TESTS += tests/model/test_extras
tests_model_test_extras_SOURCES = tests/model/test_extras.c
tests_model_test_extras_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_model_test_extras_LDADD = $(SUPPORT_LIBS)

check_PROGRAMS += tests/model/test_layouts
TESTS += tests/model/test_layouts
tests_model_test_layouts_SOURCES = tests/model/test_layouts.c tests/support/folder.c \
  tests/support/folder.h
tests_model_test_layouts_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_model_test_layouts_LDADD = $(SUPPORT_LIBS)
