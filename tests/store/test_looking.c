/* What the explorer keeps in the file: the selection, and where one has been. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

static struct error error;

/* What is selected and where one has been is there again when the file is opened anew.
 */
static void test_looking(void **state) {
    const char *path = in_folder(state, "results.db");
    struct store *store = example_store(path);
    int64_t first = add_solution(store, STORE_KIND_MERGE, "ties", "{\"scale\":0.3}",
                                 NULL, 0),
            second = add_solution(store, STORE_KIND_MERGE, "ties", "{\"scale\":0.4}",
                                  NULL, 0),
            *ids;
    size_t count;
    assert_done(store_selection(store, &ids, &count, &error));
    assert_true(!ids && !count);
    assert_done(store_selection_put(store, (int64_t[]){second, first}, 2, &error));
    double places[] = {1, 0, 0, 0.2, 0.3, 0.5, 0, 0, 1};
    struct store_visits visits = {places, 3, 1}, back;
    assert_done(store_visits_put(store, &visits, 500, NULL, &error));
    store_close(store);
    store = open_ok(path, STORE_READ_WRITE);
    assert_done(store_selection(store, &ids, &count, &error));
    assert_int_equal(count, 2);
    assert_true(ids[0] == first && ids[1] == second);
    free(ids);
    assert_done(store_visits(store, &back, &error));
    assert_int_equal(back.count, 3);
    assert_int_equal(back.here, 1);
    assert_memory_equal(back.preferences, places, sizeof places);
    store_visits_clear(&back);
    /* Others take their place. */
    assert_done(store_selection_put(store, &second, 1, &error));
    assert_done(store_selection(store, &ids, &count, &error));
    assert_int_equal(count, 1);
    assert_true(ids[0] == second);
    free(ids);
    /* 99 is no solution, or no longer. */
    assert_done(store_selection_put(store, (int64_t[]){first, 99}, 2, &error));
    assert_done(store_selection(store, &ids, &count, &error));
    assert_int_equal(count, 1);
    assert_true(ids[0] == first);
    free(ids);
    assert_done(store_selection_put(store, NULL, 0, &error));
    assert_done(store_selection(store, &ids, &count, &error));
    assert_int_equal(count, 0);
    places[4] = 0.9; /* no preference */
    assert_error(store_visits_put(store, &visits, 500, NULL, &error), &error, "");
    assert_done(store_visits(store, &back, &error));
    assert_int_equal(back.count, 3);
    store_visits_clear(&back);
    store_close(store);
}

static void assert_visits(struct store *store, const double *wanted, size_t count,
                          size_t here) {
    struct store_visits visits;
    assert_done(store_visits(store, &visits, &error));
    assert_int_equal(visits.count, count);
    assert_int_equal(visits.here, here);
    assert_memory_equal(visits.preferences, wanted, count * 3 * sizeof *wanted);
    store_visits_clear(&visits);
}

/* Two explorers of one file, in turns: neither loses what the other has visited. */
static void test_visits_of_two(void **state) {
    struct store *store = example_store(in_folder(state, "results.db"));
    double a[] = {1, 0, 0}, mine[] = {1, 0, 0, 0, 1, 0, 0, 0.5, 0.5},
           theirs[] = {1, 0, 0, 0, 0, 1, 0.5, 0.5, 0};
    struct store_visits before = {a, 1, 0}, one = {mine, 2, 1}, two = {theirs, 2, 1};
    struct store_visits_seen first = {0}, second = {0};
    assert_done(store_visits_put(store, &before, 500, NULL, &error));
    assert_done(store_visits(store, &first.file, &error));
    assert_done(store_visits(store, &second.file, &error));
    assert_done(store_visits_put(store, &two, 500, &second, &error));
    assert_visits(store, theirs, 2, 1);
    /* What was there before, what the other has added, what is new. */
    assert_done(store_visits_put(store, &one, 500, &first, &error));
    assert_visits(store, (double[]){1, 0, 0, 0, 0, 1, 0, 1, 0}, 3, 2);
    one.count = 3;
    one.here = 2;
    assert_done(store_visits_put(store, &one, 500, &first, &error));
    assert_visits(store, (double[]){1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0.5, 0.5}, 4, 3);
    two.count = 3;
    two.here = 0;
    assert_done(store_visits_put(store, &two, 500, &second, &error));
    double all[] = {1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0.5, 0.5, 0.5, 0.5, 0};
    assert_visits(store, all, 5, 0);
    store_visits_seen_clear(&first);
    store_visits_seen_clear(&second);
    store_close(store);
}

/* What one has gone back from does not come back by one's own next writing; of many the
 * newest stay, and where one is. */
static void test_visits_of_one(void **state) {
    struct store *store = example_store(in_folder(state, "results.db"));
    double first[] = {1, 0, 0, 0, 0, 1, 0.5, 0.5, 0},
           branch[] = {1, 0, 0, 0.2, 0.3, 0.5, 0, 1, 0};
    struct store_visits before = {first, 3, 2}, after = {branch, 2, 1};
    struct store_visits_seen seen = {0};
    assert_done(store_visits_put(store, &before, 500, NULL, &error));
    assert_done(store_visits(store, &seen.file, &error));
    assert_done(store_visits_put(store, &after, 500, &seen, &error));
    assert_visits(store, branch, 2, 1);
    after.count = 3;
    after.here = 2;
    assert_done(store_visits_put(store, &after, 2, &seen, &error));
    assert_visits(store, branch + 3, 2, 1);
    after.here = 0;
    assert_done(store_visits_put(store, &after, 2, &seen, &error));
    assert_visits(store, branch, 3, 0);
    store_visits_seen_clear(&seen);
    store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_looking, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_visits_of_two, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_visits_of_one, folder_make, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
