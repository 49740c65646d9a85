# Each area of tests lists its programs: check_PROGRAMS and TESTS.
include tests/support/local.mk
include tests/base/local.mk
include tests/checkpoint/local.mk
include tests/data/local.mk
include tests/model/local.mk
include tests/merge/local.mk
include tests/moe/local.mk
include tests/train/local.mk
include tests/eval/local.mk
include tests/pareto/local.mk
include tests/plot/local.mk
include tests/store/local.mk
include tests/results/local.mk
include tests/library/local.mk
include tests/backend/local.mk
include tests/command/local.mk
include tests/parallel/local.mk
include tests/tensorwise/local.mk
include tests/tui/local.mk
include tests/gpu/local.mk
include tests/fuzz/local.mk
include tests/docs/local.mk

# What the sources look like is the same for every build, and asked of the plain one.
#
# - C is laid out as .clang-format says.
# - CODE-MAP names every file.
# - Arrows among the rooms point one way.
# - Kinds, methods and states are compared in the store.
# - Files of other people's are opened in one way.
# - Functions that other files can call are called by one.
source_checks = tests/check_format.sh tests/check_code_map.sh tests/check_includes.sh \
  tests/check_comparisons.sh tests/check_opens.sh tests/check_callers.sh \
  tests/check_functions.sh tests/check_names.sh
dist_check_SCRIPTS += $(source_checks)
if !SANITIZED
TESTS += $(source_checks)
endif

# The programs run with the libraries of a bundle.
dist_check_SCRIPTS += tests/check_bundle.sh
TESTS += tests/check_bundle.sh

# The guards against corrupted memory are in the programs.
dist_check_SCRIPTS += tests/check_hardening.sh
if HARDENING
TESTS += tests/check_hardening.sh
endif
