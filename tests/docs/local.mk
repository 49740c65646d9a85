# What docs/ and examples/ say is true.
docs_checks = tests/docs/check_tutorial.sh tests/docs/check_faq.sh tests/docs/check_examples.sh \
  tests/docs/check_site.sh tests/docs/check_readme.sh tests/docs/check_measure.sh
dist_check_SCRIPTS += $(docs_checks)
TESTS += $(docs_checks)

# Only what is installed for it, as a program of someone else would have it.
check_PROGRAMS += examples/preference
examples_preference_SOURCES = examples/preference.c
examples_preference_CPPFLAGS = -I$(top_srcdir)/src/library
examples_preference_LDADD = $(library_archive) $(filter-out libpwemoe.a,$(PWEMOE_LIBS))
examples_preference_DEPENDENCIES = $(library_archive)
