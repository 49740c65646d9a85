# What docs/ and examples/ say is true.
docs_checks = tests/docs/check_tutorial.sh tests/docs/check_faq.sh tests/docs/check_examples.sh \
  tests/docs/check_site.sh
dist_check_SCRIPTS += $(docs_checks)
TESTS += $(docs_checks)
