# Tests of src/train.
check_PROGRAMS += tests/train/test_router_gradients
TESTS += tests/train/test_router_gradients
tests_train_test_router_gradients_SOURCES = tests/train/test_router_gradients.c
tests_train_test_router_gradients_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_train_test_router_gradients_LDADD = $(SUPPORT_LIBS)
check_PROGRAMS += tests/train/test_factor_slopes
TESTS += tests/train/test_factor_slopes
tests_train_test_factor_slopes_SOURCES = tests/train/test_factor_slopes.c \
  tests/support/adapters.h tests/support/adapters.c tests/support/folder.c
tests_train_test_factor_slopes_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_train_test_factor_slopes_LDADD = $(SUPPORT_LIBS)
check_PROGRAMS += tests/train/test_training
TESTS += tests/train/test_training
tests_train_test_training_SOURCES = tests/train/test_training.c
tests_train_test_training_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_train_test_training_LDADD = $(SUPPORT_LIBS)

# The weights of EPO and MGDA.
check_PROGRAMS += tests/train/test_epo tests/train/test_mgda tests/train/test_tchebycheff
TESTS += tests/train/test_epo tests/train/test_mgda tests/train/test_tchebycheff
tests_train_test_tchebycheff_SOURCES = tests/train/test_tchebycheff.c
tests_train_test_tchebycheff_LDADD = $(TEST_LIBS)
tests_train_test_epo_SOURCES = tests/train/test_epo.c
tests_train_test_epo_LDADD = $(TEST_LIBS)
tests_train_test_mgda_SOURCES = tests/train/test_mgda.c
tests_train_test_mgda_LDADD = $(TEST_LIBS)

# Adam and its schedule.
check_PROGRAMS += tests/train/test_optimiser
TESTS += tests/train/test_optimiser
tests_train_test_optimiser_SOURCES = tests/train/test_optimiser.c
tests_train_test_optimiser_LDADD = $(TEST_LIBS)

# The correction.
check_PROGRAMS += tests/train/test_distillation
TESTS += tests/train/test_distillation
tests_train_test_distillation_SOURCES = tests/train/test_distillation.c tests/train/fixture.h tests/train/fixture.c
tests_train_test_distillation_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_train_test_distillation_LDADD = $(SUPPORT_LIBS)

check_PROGRAMS += tests/train/test_adamerging
TESTS += tests/train/test_adamerging
tests_train_test_adamerging_SOURCES = tests/train/test_adamerging.c
tests_train_test_adamerging_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_train_test_adamerging_LDADD = $(SUPPORT_LIBS)
check_PROGRAMS += tests/train/test_corrections
TESTS += tests/train/test_corrections
tests_train_test_corrections_SOURCES = tests/train/test_corrections.c tests/train/fixture.h tests/train/fixture.c
tests_train_test_corrections_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_train_test_corrections_LDADD = $(SUPPORT_LIBS)
check_PROGRAMS += tests/train/test_hypervolume
TESTS += tests/train/test_hypervolume
tests_train_test_hypervolume_SOURCES = tests/train/test_hypervolume.c
tests_train_test_hypervolume_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_train_test_hypervolume_LDADD = $(SUPPORT_LIBS)
check_PROGRAMS += tests/train/test_trained_heads
TESTS += tests/train/test_trained_heads
tests_train_test_trained_heads_SOURCES = tests/train/test_trained_heads.c tests/train/fixture.h tests/train/fixture.c
tests_train_test_trained_heads_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_train_test_trained_heads_LDADD = $(SUPPORT_LIBS)
