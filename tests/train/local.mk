# Tests of src/train.
check_PROGRAMS += tests/train/test_router_gradients
TESTS += tests/train/test_router_gradients
tests_train_test_router_gradients_SOURCES = tests/train/test_router_gradients.c
tests_train_test_router_gradients_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_train_test_router_gradients_LDADD = $(SUPPORT_LIBS)
check_PROGRAMS += tests/train/test_training
TESTS += tests/train/test_training
tests_train_test_training_SOURCES = tests/train/test_training.c
tests_train_test_training_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_train_test_training_LDADD = $(SUPPORT_LIBS)
