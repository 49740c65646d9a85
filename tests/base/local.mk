# Tests of src/base.
check_PROGRAMS += tests/base/test_base
TESTS += tests/base/test_base
tests_base_test_base_SOURCES = tests/base/test_base.c
tests_base_test_base_LDADD = $(TEST_LIBS)
check_PROGRAMS += tests/base/test_random
TESTS += tests/base/test_random
tests_base_test_random_SOURCES = tests/base/test_random.c
tests_base_test_random_LDADD = $(TEST_LIBS)
check_PROGRAMS += tests/base/test_json_text
TESTS += tests/base/test_json_text
tests_base_test_json_text_SOURCES = tests/base/test_json_text.c
tests_base_test_json_text_LDADD = $(TEST_LIBS)
check_PROGRAMS += tests/base/test_mapped
TESTS += tests/base/test_mapped
tests_base_test_mapped_SOURCES = tests/base/test_mapped.c
tests_base_test_mapped_LDADD = $(TEST_LIBS)
