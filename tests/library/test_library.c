/* libpwemoe as programs of others use it, on a copy of the demo: what is known, what is
 * measured and stored, what is exported, and every refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "command/run.h"
#include "library/pwemoe.h"

static char file[1024];

static int set_up(void **state) {
    (void)state;
    const char *source = getenv("srcdir");
    struct ran ran = shell("cp -R '%s/assets/demo' '%s/demo' && chmod -R u+w '%s/demo'",
                           source ? source : ".", folder(), folder());
    int status = ran.status;
    ran_free(&ran);
    snprintf(file, sizeof file, "%s/demo/results.db", folder());
    return status;
}

static struct pwemoe *opened(const struct pwemoe_options *options) {
    struct pwemoe *p;
    if (pwemoe_open(file, options, &p))
        fail_msg("%s", pwemoe_error(p));
    return p;
}

static size_t solutions(void) {
    json_t *rows = json_of("show %s solutions --all --format json", file);
    size_t count = json_array_size(rows);
    json_decref(rows);
    return count;
}

static void tasks_and_front_are_those_of_the_file(void **state) {
    (void)state;
    struct pwemoe *p = opened(NULL);
    const struct pwemoe_point *points;
    size_t count;
    assert_int_equal(pwemoe_tasks(p), 3);
    assert_string_equal(pwemoe_task(p, 1).name, "letters");
    assert_string_equal(pwemoe_task(p, 1).unit, "%");
    assert_int_equal(pwemoe_task(p, 1).maximise, 1);
    assert_string_equal(pwemoe_answers(p), "distil correction, 1200 steps");
    assert_string_equal(pwemoe_error(p), "");
    assert_int_equal(pwemoe_front(p, &points, &count), 0);
    json_t *front = json_of("show %s front --format json", file);
    assert_int_equal(json_array_size(front), count);
    for (size_t i = 0; i < count; i++) {
        const json_t *row = NULL;
        size_t at;
        json_t *each;
        json_array_foreach(front, at,
                           each) if (json_integer_value(json_object_get(each, "id")) ==
                                     points[i].solution) row = each;
        assert_non_null(row);
        assert_string_equal(points[i].method,
                            json_string_value(json_object_get(row, "method")));
    }
    json_decref(front);
    pwemoe_close(p);
}

/* The same number for the same preference, also by the program itself. */
static void what_is_measured_is_kept(void **state) {
    (void)state;
    struct pwemoe *p = opened(&(struct pwemoe_options){.device = "cpu", .threads = 1});
    const double preference[] = {0.27, 0.41, 0.32};
    struct pwemoe_figure first[3], again[3];
    int64_t id, same;
    const struct pwemoe_point *points;
    size_t before = solutions(), count;
    const char *name = pwemoe_task(p, 1).name;
    assert_int_equal(pwemoe_measure(p, preference, first, &id), 0);
    /* Names live as long as the object, whatever is read anew. */
    assert_int_equal(pwemoe_front(p, &points, &count), 0);
    assert_ptr_equal(pwemoe_task(p, 1).name, name);
    assert_int_equal(solutions(), before + 1);
    assert_int_equal(pwemoe_measure(p, preference, again, &same), 0);
    assert_int_equal(id, same);
    assert_int_equal(solutions(), before + 1);
    assert_memory_equal(first, again, sizeof first);
    json_t *rows =
        json_of("eval %s --preference 0.27,0.41,0.32 --again --format json", file);
    json_t *row = json_array_get(rows, 0);
    assert_int_equal(json_integer_value(json_object_get(row, "id")), id);
    json_t *letters = json_object_get(json_object_get(row, "objectives"), "letters");
    assert_float_equal(json_real_value(json_object_get(letters, "value")),
                       first[1].value, 1e-9);
    assert_int_equal(first[1].examples, 600);
    json_decref(rows);
    pwemoe_close(p);
}

static void an_export_measures_as_it_did(void **state) {
    (void)state;
    struct pwemoe *p = opened(NULL);
    const double preference[] = {0.2, 0.3, 0.5};
    struct pwemoe_figure figures[3];
    char out[1100];
    snprintf(out, sizeof out, "%s/merged", folder());
    if (pwemoe_export(p, preference, out))
        fail_msg("%s", pwemoe_error(p));
    assert_int_equal(pwemoe_measure(p, preference, figures, NULL), 0);
    json_t *rows = json_of("eval %s --model %s --format json", file, out);
    json_t *objectives = json_object_get(json_array_get(rows, 0), "objectives");
    for (size_t t = 0; t < 3; t++) {
        json_t *task = json_object_get(objectives, pwemoe_task(p, t).name);
        assert_float_equal(json_real_value(json_object_get(task, "value")),
                           figures[t].value, 1e-9);
    }
    json_decref(rows);
    /* Nothing is written over. */
    assert_int_equal(pwemoe_export(p, preference, out), -1);
    assert_non_null(strstr(pwemoe_error(p), "merged"));
    pwemoe_close(p);
}

static int stop_at_third(void *self) {
    return ++*(int *)self >= 3;
}

static void stopping_stores_nothing(void **state) {
    (void)state;
    int asked =
        -1000000; /* opening reads data anew where they are young: not stopped */
    struct pwemoe *p =
        opened(&(struct pwemoe_options){.stop = stop_at_third, .self = &asked});
    const double preference[] = {0.111, 0.222, 0.667};
    struct pwemoe_figure figures[3];
    size_t before = solutions();
    asked = 0;
    assert_int_equal(pwemoe_measure(p, preference, figures, NULL), -1);
    assert_non_null(strstr(pwemoe_error(p), "stopped"));
    assert_int_equal(solutions(), before);
    pwemoe_close(p);
}

static void what_is_wrong_is_told(void **state) {
    (void)state;
    static const struct {
        double preference[3];
        const char *says;
    } cases[] = {
        {{0.5, 0.6, 0.1}, "add up to 1.2, not 1"},
        {{-0.1, 0.6, 0.5}, "-0.1 for digits is not between 0 and 1"},
        {{0. / 1, 2, -1}, "2 for letters is not between 0 and 1"},
    };
    struct pwemoe *p = opened(NULL);
    struct pwemoe_figure figures[3];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(pwemoe_measure(p, cases[i].preference, figures, NULL), -1);
        if (!strstr(pwemoe_error(p), cases[i].says))
            fail_msg("%s", pwemoe_error(p));
    }
    pwemoe_close(p);
    const struct pwemoe_point *points;
    size_t count;
    assert_int_equal(pwemoe_open("nowhere.db", NULL, &p), -1);
    assert_non_null(strstr(pwemoe_error(p), "nowhere.db"));
    assert_int_equal(pwemoe_front(p, &points, &count), -1);
    assert_int_equal(pwemoe_tasks(p), 0);
    pwemoe_close(p);
    pwemoe_close(NULL);
    assert_int_equal(
        pwemoe_open(file, &(struct pwemoe_options){.device = "abacus"}, &p), 0);
    assert_int_equal(pwemoe_measure(p, (double[]){0.123, 0.456, 0.421}, figures, NULL),
                     -1);
    assert_non_null(strstr(pwemoe_error(p), "abacus"));
    pwemoe_close(p);
}

/* Another process's figures are seen without opening the file again. */
static void what_others_store_is_seen(void **state) {
    (void)state;
    struct pwemoe *p = opened(NULL);
    const double preference[] = {0.6, 0.15, 0.25};
    struct pwemoe_figure figures[3];
    int64_t id;
    json_t *rows = json_of("eval %s --preference 0.6,0.15,0.25 --format json", file);
    assert_int_equal(pwemoe_measure(p, preference, figures, &id), 0);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(rows, 0), "id")),
                     id);
    json_decref(rows);
    pwemoe_close(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_and_front_are_those_of_the_file),
        cmocka_unit_test(what_is_measured_is_kept),
        cmocka_unit_test(an_export_measures_as_it_did),
        cmocka_unit_test(stopping_stores_nothing),
        cmocka_unit_test(what_is_wrong_is_told),
        cmocka_unit_test(what_others_store_is_seen),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
