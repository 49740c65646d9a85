/* Solutions are made once, evaluations are replaced by better ones only. */
#include "support.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct error error;
static const double third[] = {0.25, 0.25, 0.5};

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static int64_t add_routers(struct store *store, const char *upscale, unsigned step) {
    struct store_run run = {.method = "ls", .upscale = (char *)upscale};
    struct store_routers routers = {.blob = "r", .size = 1, .step = step};
    assert_done(store_run_begin(store, &run, &error));
    assert_done(store_run_save(store, &run, &routers, NULL, 0, NULL, 0, &error));
    return routers.id;
}

static void put(struct store *store, int64_t solution, const char *hash,
                struct store_evaluation evaluation) {
    assert_done(store_evaluations_put(store, solution, hash, &evaluation, 1, &error));
}

static void refused(struct store *store, int64_t solution,
                    struct store_evaluation evaluation, const char *words) {
    int result = store_evaluations_put(store, solution, NULL, &evaluation, 1, &error);
    assert_error(result, &error, words);
}

/* The evaluation as store_rows gives it; `at` counts solutions. */
static struct store_evaluation row(struct store *store, size_t at, size_t objective,
                                   const char *split) {
    struct store_row *rows;
    size_t count;
    assert_done(store_rows(store, split, &rows, &count, &error));
    assert_true(at < count);
    struct store_evaluation evaluation = rows[at].evaluations[objective];
    assert_string_equal(evaluation.split, split);
    assert_true(evaluation.objective == objective);
    assert_true(evaluation.solution == rows[at].solution.id);
    evaluation.split = NULL;
    store_rows_free(rows, count);
    return evaluation;
}

static void test_identity(void **state) {
    struct store *store = example_store(in_folder(state, "results.db"));
    int64_t routers = add_routers(store, "mlp", 1),
            others = add_routers(store, "all", 1);
    int64_t id = add_solution(store, STORE_KIND_PWEMOE, "ls", NULL, third, routers);
    assert_true(add_solution(store, STORE_KIND_PWEMOE, "ls", "", third, routers) == id);
    assert_true(add_solution(store, STORE_KIND_PWEMOE, "ls", " { } ", third, routers) ==
                id);
    double near[] = {0.25 + 9e-10, 0.25 - 9e-10, 0.5};
    assert_true(add_solution(store, STORE_KIND_PWEMOE, "ls", NULL, near, routers) ==
                id);
    double far[] = {0.25 + 2e-9, 0.25 - 2e-9, 0.5};
    int64_t moved = add_solution(store, STORE_KIND_PWEMOE, "ls", NULL, far, routers);
    double swapped[] = {0.5, 0.25, 0.25};
    int64_t all[] = {
        id,
        moved,
        add_solution(store, STORE_KIND_PWEMOE, "ls", NULL, swapped, routers),
        add_solution(store, STORE_KIND_PWEMOE, "epo", NULL, third, routers),
        add_solution(store, STORE_KIND_TRAIN, "ls", NULL, third, routers),
        add_solution(store, STORE_KIND_PWEMOE, "ls", NULL, third, others),
        add_solution(store, STORE_KIND_PWEMOE, "ls", NULL, third, 0),
        add_solution(store, STORE_KIND_PWEMOE, "ls", NULL, NULL, 0),
        add_solution(store, STORE_KIND_PWEMOE, "ls", "{\"a\":1}", third, routers)};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (size_t j = 0; j < i; j++)
            assert_true(all[i] != all[j]);

    struct store_solution bad = {.method = "ls"};
    assert_error(store_solution_put(store, &bad, &error), &error, "no kind");
    bad.kind = STORE_KINDS;
    assert_error(store_solution_put(store, &bad, &error), &error, "no kind");
    bad.kind = STORE_KIND_MERGE;
    bad.method = "";
    assert_error(store_solution_put(store, &bad, &error), &error, "no method");
    bad.method = "ties";
    bad.routers = 99;
    assert_error(store_solution_put(store, &bad, &error), &error, "no routers 99");
    bad.routers = 0;
    bad.preference = (double[]){NAN, 0.5, 0.5};
    assert_error(store_solution_put(store, &bad, &error), &error, "for task 0");
    bad.preference = (double[]){0.5, 0.25, 0.2};
    assert_error(store_solution_put(store, &bad, &error), &error, "sums to 0.95");
    bad.preference = NULL;
    bad.model_sha256[0] = 'x';
    assert_error(store_solution_put(store, &bad, &error), &error, "CHECK");
    assert_int_equal(bad.id, 0);
    struct store_solution solution;
    bool found;
    assert_done(store_solution_get(store, 99, &found, &solution, &error));
    assert_false(found);
    store_close(store);
}

static void test_grid(void **state) {
    /* Every point of a grid is another solution, and is found again. */
    struct store *store = example_store(in_folder(state, "results.db"));
    int64_t ids[66];
    assert_done(store_begin(store, &error));
    for (int pass = 0; pass < 2; pass++) {
        size_t count = 0;
        for (int i = 0; i <= 10; i++)
            for (int j = 0; i + j <= 10; j++, count++) {
                double r[] = {i / 10.0, j / 10.0, 1 - i / 10.0 - j / 10.0};
                r[2] = r[2] < 0 ? 0 : r[2];
                int64_t id = add_solution(store, STORE_KIND_PWEMOE, "ls", NULL, r, 0);
                if (pass == 0)
                    ids[count] = id;
                assert_true(ids[count] == id && id == (int64_t)count + 1);
            }
        assert_int_equal(count, 66);
    }
    assert_done(store_commit(store, &error));
    store_close(store);
}

static void test_parameters(void **state) {
    static const char *const cases[][2] = {
        {"{\"scale\": 0.3}", "{\"scale\":0.3}"},
        {"{\"b\":1,\"a\":{\"d\":[1, 2.50,true,null],\"c\":\"x\"}}",
         "{\"a\":{\"c\":\"x\",\"d\":[1,2.5,true,null]},\"b\":1}"},
        {"{\"a\":1.0,\"b\":-0.0,\"c\":1e3}", "{\"a\":1,\"b\":0,\"c\":1000}"},
        {"{\"a\":0.1,\"b\":0.30000000000000004}",
         "{\"a\":0.1,\"b\":0.30000000000000004}"},
        {"{\"a\":1e-2,\"b\":2.5e-10}", "{\"a\":0.01,\"b\":2.5e-10}"},
        {"{\"k\\u0001\":\"a\\nb\\\"\"}", "{\"k\\u0001\":\"a\\nb\\\"\"}"},
    };
    static const char *const wrong[] = {"[]",
                                        "1",
                                        "{",
                                        "{\"a\":1,\"a\":2}",
                                        "{\"a\":NaN}",
                                        "{\"a\":1}x",
                                        "{\"a\":99999999999999999999}",
                                        "{\"\xff\":1}"};
    struct store *store = example_store(in_folder(state, "results.db"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t id = add_solution(store, STORE_KIND_MERGE, "m", cases[i][0], NULL, 0);
        assert_true(add_solution(store, STORE_KIND_MERGE, "m", cases[i][1], NULL, 0) ==
                    id);
        struct store_solution got;
        bool found;
        assert_done(store_solution_get(store, id, &found, &got, &error));
        assert_string_equal(got.parameters, cases[i][1]);
        store_solution_clear(&got);
    }
    struct store_solution bad = {.kind = STORE_KIND_MERGE, .method = "m"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        bad.parameters = (char *)wrong[i];
        assert_error(store_solution_put(store, &bad, &error), &error, "parameters");
    }
    char deep[4096] = "{\"a\":";
    memset(deep + 5, '[', 1500);
    memset(deep + 1505, ']', 1500);
    strcpy(deep + 3005, "}");
    bad.parameters = deep;
    assert_error(store_solution_put(store, &bad, &error), &error, "nested");
    store_close(store);
}

static void test_rows(void **state) {
    const char *path = in_folder(state, "results.db");
    struct store *store = example_store(path);
    int64_t routers = add_routers(store, "attn+mlp", 400);
    struct store_solution labelled = {.kind = STORE_KIND_PWEMOE,
                                      .method = "ls",
                                      .preference = (double *)third,
                                      .routers = routers,
                                      .label = "mine",
                                      .created = 12.5,
                                      .seconds = 0.25,
                                      .peak_bytes = 7,
                                      .model_sha256 = HASH_A};
    assert_done(store_solution_put(store, &labelled, &error));
    /* What the making took is that of the last that says so. */
    struct store_solution again = labelled;
    again.seconds = 0.5;
    again.peak_bytes = (uint64_t)5 << 30;
    assert_done(store_solution_put(store, &again, &error));
    assert_true(again.id == labelled.id);
    again.seconds = 0;
    again.peak_bytes = 0;
    assert_done(store_solution_put(store, &again, &error));
    again.seconds = 0.75; /* with nothing said of bytes, and the other way round */
    assert_done(store_solution_put(store, &again, &error));
    again.seconds = 0;
    again.peak_bytes = (uint64_t)6 << 30;
    assert_done(store_solution_put(store, &again, &error));
    again.seconds = -1;
    assert_error(store_solution_put(store, &again, &error), &error, "out of range");
    add_solution(store, STORE_KIND_IMPORT, "ties", NULL, NULL, 0);
    add_solution(store, STORE_KIND_SINGLE, "stl", NULL, NULL, 0);
    struct store_evaluation both[] = {example_evaluation(2, 71.5),
                                      example_evaluation(0, 0)};
    unsigned char bits[125];
    for (size_t i = 0; i < sizeof bits; i++)
        bits[i] = (unsigned char)(i * 7);
    both[0].correct = bits;
    both[0].correct_size = sizeof bits;
    both[1].loss = NAN;
    both[1].low = 1e-7; /* rounding apart from the value is put right */
    both[1].complete = false;
    assert_done(store_evaluations_put(store, labelled.id, HASH_A, both, 2, &error));
    struct store_evaluation train = example_evaluation(1, 99);
    train.split = "train";
    put(store, labelled.id, HASH_A, train);
    struct store_evaluation imported = example_evaluation(1, 50);
    imported.imported = true;
    imported.examples = 0;
    put(store, 2, NULL, imported);
    store_close(store);

    store = open_ok(path, STORE_READ_ONLY);
    struct store_row *rows;
    size_t count;
    assert_done(store_rows(store, "test", &rows, &count, &error));
    assert_int_equal(count, 3);
    assert_done(store_solutions_count(store, &count, &error));
    assert_int_equal(count, 3);
    const struct store_solution *s = &rows[0].solution;
    assert_int_equal(s->kind, STORE_KIND_PWEMOE);
    assert_string_equal(s->method, "ls");
    assert_string_equal(s->parameters, "{}");
    assert_memory_equal(s->preference, third, sizeof third);
    assert_string_equal(s->label, "mine");
    assert_string_equal(s->model_sha256, HASH_A);
    assert_true(s->routers == routers && s->created == 12.5);
    assert_true(s->seconds == 0.75 && s->peak_bytes == (uint64_t)6 << 30);
    assert_true(rows[2].solution.seconds == 0 && rows[2].solution.peak_bytes == 0);
    assert_string_equal(rows[0].upscale, "attn+mlp");
    assert_int_equal(rows[0].step, 400);
    assert_int_equal(rows[0].run, 1);
    assert_int_equal(rows[2].run, 0);
    const struct store_evaluation *e = rows[0].evaluations;
    assert_true(e[2].present && e[2].value == 71.5 && e[2].low == 70.5);
    assert_true(e[2].high == 72.5 && e[2].examples == 1000 && e[2].complete);
    assert_true(!e[2].stale && !e[2].imported && e[2].loss == 0.25 && !e[2].correct);
    assert_true(e[0].present && !e[0].complete && isnan(e[0].loss) && e[0].low == 0);
    assert_true(!e[1].present && e[1].examples == 0);
    assert_true(rows[1].evaluations[1].imported &&
                rows[1].evaluations[1].examples == 0);
    assert_true(!rows[2].solution.preference && rows[2].solution.routers == 0);
    assert_string_equal(rows[2].upscale, "");
    store_rows_free(rows, count);
    assert_true(row(store, 0, 1, "train").value == 99);
    assert_false(row(store, 0, 2, "train").present);
    assert_false(row(store, 0, 2, "nothing").present);

    bool found;
    void *back;
    uint64_t examples;
    assert_done(
        store_correct(store, labelled.id, 2, "test", &found, &back, &examples, &error));
    assert_true(found && examples == 1000);
    assert_memory_equal(back, bits, sizeof bits);
    free(back);
    assert_done(
        store_correct(store, labelled.id, 0, "test", &found, &back, &examples, &error));
    assert_true(!found && !back);
    store_close(store);
}

static void test_replacing(void **state) {
    struct store *store = example_store(in_folder(state, "results.db"));
    int64_t id = add_solution(store, STORE_KIND_MERGE, "ties", NULL, NULL, 0);
    struct store_evaluation partial = example_evaluation(0, 50), more = partial;
    partial.complete = more.complete = false;
    partial.examples = 100;
    unsigned char bits[13] = {1};
    partial.correct = bits;
    partial.correct_size = sizeof bits;
    put(store, id, NULL, partial);
    more.examples = 99;
    more.value = 51;
    put(store, id, NULL, more);
    assert_true(row(store, 0, 0, "test").value == 50);
    more.examples = 200;
    put(store, id, NULL, more);
    assert_true(row(store, 0, 0, "test").value == 51);
    bool found;
    void *back;
    uint64_t examples;
    assert_done(store_correct(store, id, 0, "test", &found, &back, &examples, &error));
    assert_false(found); /* the bits of the replaced one went with it */
    struct store_evaluation complete = example_evaluation(0, 52);
    complete.examples = 150;
    put(store, id, NULL, complete);
    more.examples = 2000;
    put(store, id, NULL, more);
    assert_true(row(store, 0, 0, "test").value == 52);
    complete.value = 51.5;
    put(store, id, NULL, complete);
    assert_true(row(store, 0, 0, "test").value == 51.5);
    store_close(store);
}

static enum store_state state_of(struct store *store, int64_t id) {
    enum store_state state;
    struct store_row *rows;
    size_t count;
    assert_done(store_solution_state(store, id, "test", &state, &error));
    assert_done(store_rows(store, "test", &rows, &count, &error));
    assert_int_equal(rows[0].state, state); /* both ways to ask agree */
    store_rows_free(rows, count);
    return state;
}

/* Figures in fp8 are told apart, give way to others and take the place of none. */
static void test_fp8(void **state) {
    struct store *store = example_store(in_folder(state, "results.db"));
    int64_t id = add_solution(store, STORE_KIND_MERGE, "ties", NULL, NULL, 0);
    struct store_evaluation one = example_evaluation(0, 50);
    put(store, id, NULL, example_evaluation(1, 60));
    put(store, id, NULL, example_evaluation(2, 70));
    one.fp8 = true;
    struct store_mark mark;
    assert_done(store_mark(store, &mark, &error));
    put(store, id, NULL, one);
    assert_int_equal(state_of(store, id), STORE_STATE_FP8);
    assert_true(row(store, 0, 0, "test").fp8 && !row(store, 0, 1, "test").fp8);
    struct store_row *rows;
    size_t count;
    bool whole;
    assert_done(store_rows_since(store, "test", &mark, &whole, &rows, &count, &error));
    assert_true(!whole && count == 1 && rows[0].evaluations[0].fp8);
    assert_int_equal(rows[0].state, STORE_STATE_FP8);
    store_rows_free(rows, count);
    /* Of the other split it says nothing. */
    struct store_evaluation train = example_evaluation(0, 80);
    train.split = "train";
    put(store, id, NULL, train);
    assert_false(row(store, 0, 0, "train").fp8);
    one.value = 51;
    put(store, id, NULL, one);
    assert_true(row(store, 0, 0, "test").value == 51);
    struct store_evaluation partial = example_evaluation(0, 52);
    partial.complete = false;
    put(store, id, NULL, partial);
    assert_true(row(store, 0, 0, "test").fp8); /* less does not take its place */
    struct store_evaluation better = example_evaluation(0, 53);
    put(store, id, NULL, better);
    assert_int_equal(state_of(store, id), STORE_STATE_COMPLETE);
    assert_true(row(store, 0, 0, "test").value == 53);
    put(store, id, NULL, one);
    assert_true(row(store, 0, 0, "test").value == 53);
    assert_false(row(store, 0, 0, "test").fp8);
    /* What is stale goes, whatever it was. */
    put(store, id, HASH_A, better);
    put(store, id, HASH_B, one);
    assert_true(row(store, 0, 0, "test").fp8);
    assert_int_equal(state_of(store, id), STORE_STATE_STALE); /* the others are */
    store_close(store);
}

static void test_refused(void **state) {
    struct store *store = example_store(in_folder(state, "results.db"));
    int64_t id = add_solution(store, STORE_KIND_MERGE, "ties", NULL, NULL, 0);
    int64_t foreign = add_solution(store, STORE_KIND_IMPORT, "ties", NULL, NULL, 0);
    struct store_evaluation good = example_evaluation(0, 50), bad;
    refused(store, 99, good, "no solution 99");
    refused(store, foreign, good, "imported figures only");
    bad = good, bad.imported = true;
    refused(store, id, bad, "measured figures only");
    bad = good, bad.objective = 3;
    refused(store, id, bad, "objective 3 of 3");
    bad = good, bad.value = NAN;
    refused(store, id, bad, "not a number");
    bad = good, bad.high = INFINITY;
    refused(store, id, bad, "not a number");
    bad = good, bad.low = 50.1;
    refused(store, id, bad, "not in");
    bad = good, bad.value = bad.high = 100.5;
    refused(store, id, bad, "0 to 100");
    bad = good, bad.value = bad.low = -1;
    refused(store, id, bad, "0 to 100");
    bad = good, bad.examples = 0;
    refused(store, id, bad, "no examples");
    bad = good, bad.examples = UINT64_MAX;
    refused(store, id, bad, "18446744073709551615");
    bad = good, bad.split = "";
    refused(store, id, bad, "no split");
    bad = good, bad.correct = "", bad.correct_size = 1;
    refused(store, id, bad, "1 bytes of bits");
    /* One that is refused keeps the others of the same call out. */
    struct store_evaluation pair[] = {example_evaluation(0, 50), bad};
    pair[1] = example_evaluation(1, 101);
    pair[1].high = 101;
    assert_error(store_evaluations_put(store, id, HASH_A, pair, 2, &error), &error,
                 "0 to 100");
    assert_false(row(store, 0, 0, "test").present);
    store_close(store);
}

static void test_stale(void **state) {
    struct store *store = example_store(in_folder(state, "results.db"));
    static const enum store_kind kinds[] = {STORE_KIND_MERGE, STORE_KIND_PWEMOE,
                                            STORE_KIND_SINGLE, STORE_KIND_TRAIN,
                                            STORE_KIND_IMPORT};
    for (size_t k = 0; k < 5; k++) {
        int64_t id = add_solution(store, kinds[k], "m", NULL, NULL, 0);
        for (size_t t = 0; t < 3; t++) {
            struct store_evaluation evaluation = example_evaluation(t, 50);
            evaluation.imported = k == 4;
            put(store, id, k == 0 ? HASH_A : NULL, evaluation);
        }
    }
    struct store_checkpoint expert = {
        .path = "new/expert", .size = 5, .sha256 = HASH_B};
    assert_error(store_set_expert(store, 3, &expert, &error), &error,
                 "there is no task 3; it has 3");
    assert_done(store_set_expert(store, 1, &expert, &error));
    for (size_t k = 0; k < 5; k++)
        for (size_t t = 0; t < 3; t++)
            assert_true(row(store, k, t, "test").stale == (k < 2 || (k < 4 && t == 1)));
    struct store_recipe *recipe;
    assert_done(store_recipe(store, &recipe, &error));
    assert_string_equal(recipe->tasks[1].expert.path, "new/expert");
    assert_string_equal(recipe->tasks[1].expert.sha256, HASH_B);
    assert_string_equal(recipe->tasks[0].expert.path, "/abs/expert");
    store_recipe_free(recipe);

    /* A partial figure takes a stale one's place. */
    struct store_evaluation fresh = example_evaluation(1, 60);
    fresh.complete = false;
    fresh.examples = 10;
    put(store, 3, NULL, fresh);
    assert_true(row(store, 2, 1, "test").value == 60 &&
                !row(store, 2, 1, "test").stale);
    /* The same expert elsewhere changes no figure. */
    expert.path = "moved/expert";
    assert_done(store_set_expert(store, 1, &expert, &error));
    assert_false(row(store, 2, 1, "test").stale);

    /* Figures of another model than the one that was scored before. */
    put(store, 1, HASH_A, example_evaluation(0, 55));
    put(store, 1, HASH_A, example_evaluation(1, 55));
    assert_false(row(store, 0, 0, "test").stale);
    put(store, 1, HASH_B, example_evaluation(1, 58));
    assert_true(row(store, 0, 0, "test").stale && !row(store, 0, 1, "test").stale);
    struct store_solution solution;
    bool found;
    assert_done(store_solution_get(store, 1, &found, &solution, &error));
    assert_string_equal(solution.model_sha256, HASH_B);
    store_solution_clear(&solution);
    store_close(store);
}

/* What has come since the mark, as "id:value of objective 1" words in one line. */
static const char *since(struct store *store, struct store_mark *mark, bool whole) {
    static char text[256];
    struct store_row *rows;
    size_t count, used = 0;
    bool all;
    assert_done(store_rows_since(store, "test", mark, &all, &rows, &count, &error));
    assert_true(all == whole);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const struct store_evaluation *e = &rows[i].evaluations[1];
        assert_true(e->solution == rows[i].solution.id);
        used += (size_t)snprintf(text + used, sizeof text - used, "%lld:%g%s ",
                                 (long long)rows[i].solution.id,
                                 e->present ? e->value : -1, e->stale ? "stale" : "");
    }
    store_rows_free(rows, count);
    return text;
}

static void test_since(void **state) {
    const char *path = in_folder(state, "results.db");
    struct store *store = example_store(path);
    int64_t one = add_solution(store, STORE_KIND_MERGE, "ties", "{\"a\":1}", NULL, 0);
    int64_t two = add_solution(store, STORE_KIND_MERGE, "ties", "{\"a\":2}", NULL, 0);
    put(store, one, HASH_A, example_evaluation(1, 11));
    put(store, two, HASH_A, example_evaluation(1, 22));

    struct store *viewer = open_ok(path, STORE_READ_ONLY);
    struct store_mark mark;
    assert_done(store_mark(viewer, &mark, &error));
    /* The newest comes again: another may have the same time. */
    assert_string_equal(since(viewer, &mark, false), "2:22 ");
    /* A solution without evaluations, one with a new figure, one made stale. */
    int64_t three = add_solution(store, STORE_KIND_PWEMOE, "ls", NULL, third,
                                 add_routers(store, "mlp", 3));
    put(store, one, HASH_A, example_evaluation(1, 12));
    assert_string_equal(since(viewer, &mark, false), "1:12 2:22 3:-1 ");
    put(store, two, HASH_B, example_evaluation(0, 5));
    assert_string_equal(since(viewer, &mark, false), "1:12 2:22stale ");
    put(store, three, NULL, example_evaluation(1, 33));
    assert_string_equal(since(viewer, &mark, false), "2:22stale 3:33 ");
    assert_string_equal(since(viewer, &mark, false), "3:33 ");
    /* Another expert: every figure may have become stale. */
    struct store_checkpoint expert = {.path = "other"};
    memset(expert.sha256, 'e', SHA256_HEX - 1);
    assert_done(store_set_expert(store, 1, &expert, &error));
    assert_string_equal(since(viewer, &mark, true), "1:12stale 2:22stale 3:33stale ");
    assert_string_equal(since(viewer, &mark, false), "3:33stale ");
    store_close(viewer);
    store_close(store);
}

/* Other examples make the figures of their task and split stale, whoever made the
 * model; imported ones are of what they were. The same contents with other times do
 * not. */
static void test_data(void **state) {
    struct store *store = example_store(in_folder(state, "results.db"));
    int64_t id = add_solution(store, STORE_KIND_MERGE, "m", NULL, NULL, 0);
    int64_t other = add_solution(store, STORE_KIND_IMPORT, "m", NULL, NULL, 0);
    for (size_t t = 0; t < 3; t++) {
        struct store_evaluation evaluation = example_evaluation(t, 50);
        put(store, id, HASH_A, evaluation);
        evaluation.imported = true;
        put(store, other, NULL, evaluation);
    }
    struct store_data data = {.files = 7,
                              .size = 100,
                              .stamp = HASH_A,
                              .sha256 = HASH_A},
                      found;
    bool changed, there;
    assert_done(store_data_get(store, 1, "test", &there, &found, &error));
    assert_false(there);
    assert_done(store_data_put(store, 1, "test", &data, &changed, &error));
    assert_false(changed); /* what they were before is not known */
    memcpy(data.stamp, HASH_B, sizeof data.stamp);
    assert_done(store_data_put(store, 1, "test", &data, &changed, &error));
    assert_false(changed);
    assert_false(row(store, 0, 1, "test").stale);
    memcpy(data.sha256, HASH_B, sizeof data.sha256);
    assert_done(store_data_put(store, 1, "train", &data, &changed, &error));
    assert_false(changed);
    assert_false(row(store, 0, 1, "test").stale);
    data.files = 8;
    assert_done(store_data_put(store, 1, "test", &data, &changed, &error));
    assert_true(changed);
    for (size_t t = 0; t < 3; t++) {
        assert_true(row(store, 0, t, "test").stale == (t == 1));
        assert_false(row(store, 1, t, "test").stale);
    }
    assert_done(store_data_get(store, 1, "test", &there, &found, &error));
    assert_true(there && found.files == 8 && found.size == 100);
    assert_string_equal(found.stamp, HASH_B);
    assert_string_equal(found.sha256, HASH_B);
    put(store, id, HASH_A, example_evaluation(1, 60)); /* measured again */
    assert_false(row(store, 0, 1, "test").stale);
    assert_error(store_data_put(store, 3, "test", &data, &changed, &error), &error,
                 "there is no task 3; it has 3");
    store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_data, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_identity, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_grid, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_parameters, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_rows, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_replacing, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_fp8, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_refused, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_stale, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_since, folder_make, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
