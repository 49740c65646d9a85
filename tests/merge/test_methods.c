/* Every method of the table on the tiny models, through merge_run: merged models
 * tensor by tensor against PyTorch in f64, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "merge/agreement.h"
#include "merge/method.h"
#include "merge/wudi.h"
#include "support/golden.h"

enum { TASKS = 3 };

struct fixture {
    struct backend *backend;
    struct pool *pool;
    struct safetensors *golden;
    struct dataset *data[TASKS];
    struct merge_kept *kept; /* given to the methods, or NULL */
};

/* --- a pool over the golden models and the golden images -------------------------- */

static void open_fixture(struct fixture *f, const char *kind, unsigned threads) {
    static const size_t counts[TASKS] = {14, 3, 4};
    char name[64];
    *f = (struct fixture){0};
    golden_pool(kind, threads, &f->backend, &f->pool);
    snprintf(name, sizeof name, "methods-%s.safetensors", kind);
    f->golden = golden_open(name);
    for (size_t t = 0; t < TASKS; t++)
        f->data[t] = golden_task_examples(kind, f->pool, t, counts[t]);
}

static void close_fixture(struct fixture *f) {
    for (size_t t = 0; t < TASKS; t++)
        dataset_close(f->data[t]);
    safetensors_close(f->golden);
    pool_close(f->pool);
    backend_close(f->backend);
}

/* method {"name": value, ...}, or r0,r1,r2 {"name": value, ...} at a preference, run
 * over the pool: a sound result, or the test fails. */
static void run_method(const struct fixture *f, const char *name, const char *given,
                       struct merge_result *result) {
    struct error error;
    double preference[TASKS];
    int length = 0;
    bool at = sscanf(given, "%lf,%lf,%lf%n", preference, preference + 1, preference + 2,
                     &length) == TASKS;
    given += at ? length : 0;
    json_t *object = json_loads(given, 0, NULL);
    assert_non_null(object);
    const struct merge_method *method = merge_method_find(name, &error);
    assert_non_null(method);
    json_t *parameters = merge_parameters(method, object, &error);
    if (!parameters)
        fail_msg("%s", error.text);
    struct merge_input input = {.method = method,
                                .pool = f->pool,
                                .parameters = parameters,
                                .preference = at ? preference : NULL,
                                .train = (const struct dataset *const *)f->data,
                                .kept = f->kept};
    if (merge_run(&input, result, &error))
        fail_msg("%s %s: %s", name, given, error.text);
    json_decref(parameters);
    json_decref(object);
}

/* theta_0 + sum of weights times vectors, as f32 (free()), by the unloader's own
 * operation of the backend over the whole arena. */
static float *merged_model(const struct fixture *f, const struct merge_result *result) {
    struct backend *b = f->backend;
    size_t size = f->pool->layout->size;
    struct merge_segment segment = {.begin = 0, .count = size, .row = 0}, *segments;
    real *out;
    float *weights, *model = malloc(size * sizeof *model);
    size_t bytes = result->count * sizeof *weights;
    struct error error;
    assert_non_null(model);
    assert_int_equal(b->allocate(b, size * sizeof(float), (void **)&out, &error) ||
                         b->allocate(b, sizeof segment, (void **)&segments, &error) ||
                         b->allocate(b, bytes, (void **)&weights, &error),
                     0);
    b->upload(b, segments, &segment, sizeof segment);
    b->upload(b, weights, result->weights, bytes);
    b->merge(b, out, f->pool->base, result->vectors, result->stride, result->count,
             segments, 1, weights);
    assert_int_equal(b->download_real(b, model, out, size, &error), 0);
    b->release(b, weights);
    b->release(b, segments);
    b->release(b, out);
    return model;
}

/* --- golden models ---------------------------------------------------------------- */

static const struct parameter *find_parameter(const struct layout *l,
                                              const char *name) {
    for (size_t i = 0; i < l->parameter_count; i++)
        if (strcmp(l->parameters[i].name, name) == 0)
            return &l->parameters[i];
    fail_msg("the layout has no %s", name);
    return NULL;
}

/* Both sums of every tensor, each within `relative` of the sum of magnitudes. */
static void check_tensors(const struct fixture *f, size_t number, const char *line,
                          const float *model, double relative) {
    char name[64];
    snprintf(name, sizeof name, "%zu.sum", number);
    double *sums = golden_values(f->golden, name);
    snprintf(name, sizeof name, "%zu.dot", number);
    double *dots = golden_values(f->golden, name);
    char *names = text_format("%s", safetensors_metadata(f->golden, "tensors"));
    size_t row = 0;
    for (char *at = strtok(names, "\n"); at; at = strtok(NULL, "\n"), row++) {
        const struct parameter *p = find_parameter(f->pool->layout, at);
        double sum = 0, dot = 0, size = 0;
        for (size_t i = 0; i < p->count; i++) {
            double w = (double)model[p->offset + i];
            sum += w;
            dot += w * cos((double)i);
            size += fabs(w);
        }
        if (!(fabs(sum - sums[row]) <= relative * size &&
              fabs(dot - dots[row]) <= relative * size))
            fail_msg("%s: %s is off by %.3g of its size, %.3g allowed", line, at,
                     fmax(fabs(sum - sums[row]), fabs(dot - dots[row])) / size,
                     relative);
    }
    assert_int_equal(row, f->pool->layout->parameter_count);
    free(names);
    free(sums);
    free(dots);
}

static void check_kind(const char *kind, unsigned threads) {
    struct fixture f;
    open_fixture(&f, kind, threads);
    char *lines = text_format("%s", safetensors_metadata(f.golden, "cases"));
    char *rest = lines, *line;
    size_t seen = 0, count;
    const struct merge_method *const *methods = merge_methods(&count);
    bool *covered = array_new(count, sizeof *covered);
    for (; (line = strsep(&rest, "\n")); seen++) {
        struct merge_result result;
        char name[32];
        size_t length = strcspn(line, " ");
        snprintf(name, sizeof name, "%.*s", (int)length, line);
        run_method(&f, name, line + length + 1, &result);
        float *model = merged_model(&f, &result);
        /* f32 rounds each element a few times to 2^-24 of its size; what looks at data
         * has gone through two blocks in f32 besides, and what solves in f32 multiplies
         * errors by the condition, some hundreds here. */
        bool data = false;
        for (size_t i = 0; i < count; i++)
            if (strcmp(methods[i]->name, name) == 0) {
                covered[i] = true;
                data = methods[i]->needs_data || methods[i]->uses_data;
            }
        check_tensors(&f, seen, line, model, data ? 1e-5 : 1e-6);
        free(model);
        merge_result_clear(f.pool, &result);
    }
    /* What is drawn at random has no golden case. */
    for (size_t i = 0; i < count; i++)
        if (!covered[i] && !merge_parameter_find(methods[i], "seed"))
            fail_msg("the golden file has no case of %s", methods[i]->name);
    free(covered);
    free(lines);
    close_fixture(&f);
}

static void test_clip(void **state) {
    (void)state;
    check_kind("clip", 1);
}

static void test_vit(void **state) {
    (void)state;
    check_kind("vit", 2);
}

static void test_gpt2(void **state) {
    (void)state;
    check_kind("gpt2", 2);
}

/* --- fewer labels and examples ---------------------------------------------------- */

/* Largest difference of the two models over the largest task vector's entry. */
static double distance(const struct fixture *f, const float *a, const float *b) {
    double largest = 0;
    for (size_t i = 0; i < f->pool->layout->size; i++)
        largest = fmax(largest, fabs((double)a[i] - (double)b[i]));
    return largest;
}

static float *model_of(const struct fixture *f, const char *name, const char *given) {
    struct merge_result result;
    run_method(f, name, given, &result);
    float *model = merged_model(f, &result);
    merge_result_clear(f->pool, &result);
    return model;
}

/* Labels that are drawn, and examples that are: the same ones every time, other ones
 * than all of them. */
static void test_drawn(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"fisher", "{}", "{\"labels\": 2}"},
        {"fisher", "{}", "{\"examples\": 1}"},
        {"regmean", "{}", "{\"examples\": 1}"},
    };
    struct fixture f;
    open_fixture(&f, "vit", 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float *all = model_of(&f, cases[i][0], cases[i][1]);
        float *one = model_of(&f, cases[i][0], cases[i][2]);
        float *again = model_of(&f, cases[i][0], cases[i][2]);
        assert_memory_equal(one, again, f.pool->layout->size * sizeof *one);
        assert_true(distance(&f, one, all) > 1e-3);
        free(all);
        free(one);
        free(again);
    }
    close_fixture(&f);
}

/* --- DARE ------------------------------------------------------------------------- */

/* The merged task vector (free()), whose weight is 1. */
static float *vector_of(const struct fixture *f, const char *name, const char *given) {
    struct merge_result result;
    size_t size = f->pool->layout->size;
    float *vector = malloc(size * sizeof *vector);
    struct error error;
    run_method(f, name, given, &result);
    assert_int_equal(result.count, 1);
    assert_true(result.weights[0] == 1);
    assert_non_null(vector);
    assert_int_equal(
        f->backend->download_real(f->backend, vector, result.vectors, size, &error), 0);
    merge_result_clear(f->pool, &result);
    return vector;
}

/* Nothing is dropped at 0: the plain sum of the task vectors, to the bit. */
static void test_dare_of_nothing(void **state) {
    (void)state;
    struct fixture f;
    open_fixture(&f, "vit", 2);
    size_t size = f.pool->layout->size;
    const float *tau = f.backend->host_view(f.backend, f.pool->vectors);
    float *got = vector_of(&f, "dare", "{\"scale\": 1, \"drop\": 0}");
    for (size_t i = 0; i < f.pool->layout->parameter_count; i++) {
        const struct parameter *p = &f.pool->layout->parameters[i];
        for (size_t j = p->offset; j < p->offset + p->count; j++)
            assert_true(got[j] == tau[j] + tau[size + j] + tau[2 * size + j]);
    }
    free(got);
    /* As trimming, TIES that keeps everything. */
    static const char *const all[] = {
        "{\"scale\": 1, \"keep\": 1, \"trim\": \"tensor\", \"sum\": \"mean\"}",
        "{\"scale\": 1, \"keep\": 1, \"trim\": \"dare\", \"sum\": \"mean\"}"};
    float *ties = vector_of(&f, "ties", all[0]), *drawn = vector_of(&f, "ties", all[1]);
    assert_memory_equal(ties, drawn, size * sizeof *ties);
    free(ties);
    free(drawn);
    close_fixture(&f);
}

/* Which tasks' entries are in a sum of three of them, each kept and divided by 1 - drop
 * or dropped: a bit for each, -1 where it is no such sum or could be two. */
static int kept_of(const float *tau, size_t size, size_t j, float factor, float sum) {
    int found = -1;
    for (int set = 0; set < 1 << TASKS; set++) {
        float total = 0;
        for (size_t t = 0; t < TASKS; t++)
            total += set >> t & 1 ? tau[t * size + j] * factor : 0;
        if (total == sum)
            found = found < 0 ? set : -2;
        if (found == -2)
            return -1;
    }
    return found;
}

enum { SEEDS = 40 };

/* Over all entries and SEEDS seeds: each entry is kept with probability 1 - drop
 * whatever its task, neighbour, place in its tensor or seed, and pairs of them are
 * independent. Counts of n draws are within 5 standard errors, which one of a million
 * misses. */
static void test_dare_distribution(void **state) {
    (void)state;
    static const double drops[] = {0.1, 0.5, 0.9};
    struct fixture f;
    open_fixture(&f, "vit", 2);
    const struct layout *l = f.pool->layout;
    const float *tau = f.backend->host_view(f.backend, f.pool->vectors);
    for (size_t d = 0; d < 3; d++) {
        const double drop = drops[d];
        const float factor = (float)(1 / (1 - drop));
        /* Draws of each task, of pairs of tasks, neighbours in a tensor, tensors of one
         * size, and of one seed and the next. */
        double n[5] = {0}, kept[5] = {0}, of_task[TASKS] = {0};
        int *before = calloc(l->size, sizeof *before);
        assert_non_null(before);
        for (int seed = 0; seed < SEEDS; seed++) {
            char given[96];
            snprintf(given, sizeof given, "{\"scale\": 1, \"drop\": %g, \"seed\": %d}",
                     drop, seed);
            float *merged = vector_of(&f, "dare", given);
            int *now = calloc(l->size, sizeof *now);
            assert_non_null(now);
            for (size_t i = 0; i < l->parameter_count; i++) {
                const struct parameter *p = &l->parameters[i];
                const struct parameter *q = i ? &l->parameters[i - 1] : NULL;
                for (size_t j = 0; j < p->count; j++) {
                    size_t at = p->offset + j;
                    int set = kept_of(tau, l->size, at, factor, merged[at]);
                    now[at] = set;
                    if (set < 0)
                        continue;
                    n[0]++;
                    for (size_t t = 0; t < TASKS; t++)
                        of_task[t] += set >> t & 1;
                    n[1]++;
                    kept[1] += (set & 3) == 3;
                    int left = j ? now[at - 1] : -1, last = seed ? before[at] : -1;
                    int other = q && q->count == p->count ? now[q->offset + j] : -1;
                    n[2] += left >= 0;
                    kept[2] += left >= 0 && (set & left & 1);
                    n[3] += other >= 0;
                    kept[3] += other >= 0 && (set & other & 1);
                    n[4] += last >= 0;
                    kept[4] += last >= 0 && (set & last & 1);
                }
            }
            free(before);
            before = now;
            free(merged);
        }
        free(before);
        double p = 1 - drop, pair = p * p;
        assert_true(n[0] > 100000 && n[3] > 10000);
        for (size_t t = 0; t < TASKS; t++)
            assert_true(fabs(of_task[t] - n[0] * p) < 5 * sqrt(n[0] * p * drop));
        /* Neighbours share entries: the variance is at most 3 times that of pairs
         * apart. */
        for (size_t i = 1; i < 5; i++)
            assert_true(fabs(kept[i] - n[i] * pair) <
                        5 * sqrt(3 * n[i] * pair * (1 - pair)));
    }
    close_fixture(&f);
}

/* The same seed is the same model with any number of threads and from any instruction
 * set (what draws has but one form; what elects is tested in test_ties), another seed
 * another. With dare alone and before the election, the same entries are kept. */
static void test_dare_repeats(void **state) {
    (void)state;
    struct fixture one, many;
    open_fixture(&one, "vit", 1);
    open_fixture(&many, "vit", 3);
    size_t bytes = one.pool->layout->size * sizeof(float);
    static const char *const methods[] = {"dare", "ties"};
    static const char *const given[][2] = {
        {"{\"scale\": 1, \"drop\": 0.75, \"seed\": 5}",
         "{\"scale\": 1, \"drop\": 0.75, \"seed\": 6}"},
        {"{\"scale\": 1, \"keep\": 0.25, \"seed\": 5, \"trim\": \"dare\"}",
         "{\"scale\": 1, \"keep\": 0.25, \"seed\": 6, \"trim\": \"dare\"}"}};
    float *first[2];
    for (size_t i = 0; i < 2; i++) {
        first[i] = vector_of(&one, methods[i], given[i][0]);
        float *again = vector_of(&many, methods[i], given[i][0]);
        float *other = vector_of(&one, methods[i], given[i][1]);
        assert_memory_equal(first[i], again, bytes);
        assert_memory_not_equal(first[i], other, bytes);
        free(again);
        free(other);
    }
    /* The election drops terms of one sign: where the sum of DARE is 0, nothing is left
     * to elect. */
    size_t zeros = 0;
    for (size_t i = 0; i < one.pool->layout->size; i++)
        if (first[0][i] == 0) {
            zeros++;
            assert_true(first[1][i] == 0);
        }
    assert_true(zeros > one.pool->layout->size / 4);
    free(first[0]);
    free(first[1]);
    close_fixture(&one);
    close_fixture(&many);
}

/* --- refusals --------------------------------------------------------------------- */

static void test_parameters_refused(void **state) {
    (void)state;
    static const struct {
        const char *method, *given, *says;
    } cases[] = {
        {"ties", "{\"keep\": 0}", "ties: keep must be a number above 0 and at most 1"},
        {"ties", "{\"keep\": 1.5}",
         "ties: keep must be a number above 0 and at most 1"},
        {"ties", "{\"keep\": \"nan\"}",
         "ties: keep must be a number above 0 and at most 1"},
        {"ties", "{\"keep\": null}",
         "ties: keep must be a number above 0 and at most 1"},
        {"ties", "{\"trim\": \"tensors\"}",
         "ties: trim must be one of whole|tensor|dare"},
        {"ties", "{\"trim\": \"\"}", "ties: trim must be one of whole|tensor|dare"},
        {"ties", "{\"seed\": 1}", "ties: seed can only be set with trim=dare"},
        {"dare", "{\"drop\": 1}",
         "dare: drop must be a number of at least 0 and at most 0.999"},
        {"dare", "{\"seed\": -1}",
         "dare: seed must be a whole number of at least 0 and at most "
         "9007199254740992"},
        {"ties", "{\"sum\": 1}", "ties: sum must be one of sum|mean"},
        {"ties", "{\"kept\": 0.2}", "ties has no parameter \"kept\""},
        {"average", "{\"scale\": 0.3}", "average has no parameter \"scale\""},
        {"task-arithmetic", "{\"scale\": 11}",
         "task-arithmetic: scale must be a number of at least -10 and at most 10"},
        {"fisher", "{\"examples\": 2.5}",
         "fisher: examples must be a whole number of at least 1 and at most 1000000"},
        {"fisher", "{\"labels\": 257}",
         "fisher: labels must be a whole number of at least 1 and at most 256"},
        {"fisher", "{\"floor\": 0}",
         "fisher: floor must be a number above 0 and at most 1"},
        {"fisher", "{\"normalise\": true}", "fisher: normalise must be one of yes|no"},
        {"regmean", "{\"ratio\": -0.1}",
         "regmean: ratio must be a number of at least 0 and at most 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {0};
        json_t *given = json_loads(cases[i].given, 0, NULL);
        assert_non_null(given);
        assert_null(
            merge_parameters(merge_method_find(cases[i].method, NULL), given, &error));
        assert_string_equal(error.text, cases[i].says);
        json_decref(given);
    }
}

static void test_names(void **state) {
    (void)state;
    struct error error;
    assert_null(merge_method_find("tie", &error));
    assert_non_null(strstr(error.text, "did you mean ties?"));
    assert_null(merge_method_find("", &error));
    assert_non_null(merge_method_find("regmean", &error));
}

/* A parameter that goes with a word of another one. */
static void test_goes_with(void **state) {
    (void)state;
    static const struct merge_parameter parameters[] = {
        {.name = "how", .words = "plain|drawn"},
        {.name = "seed", .whole = true, .initial = 7, .high = 9, .with = "how=drawn"},
        {0}};
    static const struct merge_method method = {.name = "any", .parameters = parameters};
    static const char *const cases[][2] = {
        {"{}", "{\"how\": \"plain\"}"},
        {"{\"how\": \"drawn\"}", "{\"how\": \"drawn\", \"seed\": 7}"},
        {"{\"how\": \"drawn\", \"seed\": 3}", "{\"how\": \"drawn\", \"seed\": 3}"},
        {"{\"seed\": 3}", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error;
        json_t *given = json_loads(cases[i][0], 0, NULL);
        json_t *wanted = cases[i][1] ? json_loads(cases[i][1], 0, NULL) : NULL;
        json_t *got = merge_parameters(&method, given, &error);
        assert_true(wanted ? json_equal(got, wanted) : got == NULL);
        if (!wanted)
            assert_string_equal(error.text, "any: seed can only be set with how=drawn");
        json_decref(given);
        json_decref(wanted);
        json_decref(got);
    }
}

/* Every parameter has a default that is itself allowed. */
static void test_defaults(void **state) {
    (void)state;
    size_t count;
    const struct merge_method *const *methods = merge_methods(&count);
    for (size_t i = 0; i < count; i++) {
        struct error error;
        json_t *all = merge_parameters(methods[i], NULL, &error);
        assert_non_null(all);
        json_t *again = merge_parameters(methods[i], all, &error);
        assert_true(json_equal(all, again));
        json_decref(again);
        json_decref(all);
    }
}

/* Equal weights stand in for no preference, where a method takes one. */
static int see_preference(const struct merge_input *input, struct merge_result *result,
                          struct error *error) {
    for (size_t t = 0; t < TASKS; t++)
        assert_float_equal(input->preference[t], 1.0 / TASKS, 0);
    return merge_uniform(input, 0, result, error);
}

static void test_preference(void **state) {
    (void)state;
    struct fixture f;
    struct merge_result result;
    struct error error;
    open_fixture(&f, "vit", 1);
    const struct merge_method method = {
        .name = "any", .takes_preference = true, .run = see_preference};
    struct merge_input input = {.method = &method, .pool = f.pool};
    assert_int_equal(merge_run(&input, &result, &error), 0);
    merge_result_clear(f.pool, &result);
    input.method = merge_method_find("average", NULL);
    input.preference = (const double[TASKS]){0.5, 0.5, 0};
    assert_int_equal(merge_run(&input, &result, &error), -1);
    assert_string_equal(error.text, "average takes no preference");
    close_fixture(&f);
}

/* --- wudi: the ridge, and what the bits depend on --------------------------------- */

static double settled_ridge(const struct fixture *f, const char *given, bool data,
                            struct error *error) {
    const struct merge_method *method = merge_method_find("wudi", NULL);
    json_t *object = json_loads(given, 0, NULL);
    json_t *parameters = merge_parameters(method, object, error);
    struct merge_input input = {.method = method,
                                .pool = f->pool,
                                .parameters = parameters,
                                .train = data ? (const struct dataset *const *)f->data
                                              : NULL};
    json_t *settled = merge_settle(&input, error);
    double ridge = settled ? json_number_value(json_object_get(settled, "ridge")) : NAN;
    json_decref(settled);
    json_decref(parameters);
    json_decref(object);
    return ridge;
}

/* The distance that settling minimises, from its definition: by the golden models'
 * logits through the program's own forward pass. */
static double distance_of_ridge(const struct fixture *f, double ridge) {
    char given[64];
    struct error error;
    double distance;
    struct agreement *agreement;
    struct merge_result result;
    float *vector = malloc(f->pool->layout->size * sizeof *vector);
    assert_non_null(vector);
    snprintf(given, sizeof given, "{\"ridge\": %g}", ridge);
    run_method(f, "wudi", given, &result);
    assert_int_equal(f->backend->download_real(f->backend, vector, result.vectors,
                                               f->pool->layout->size, &error),
                     0);
    merge_result_clear(f->pool, &result);
    struct merge_input input = {.pool = f->pool,
                                .train = (const struct dataset *const *)f->data};
    assert_int_equal(agreement_new(&input, 64, &agreement, &error), 0);
    assert_int_equal(agreement_distance(agreement, vector, &distance, &error), 0);
    agreement_free(agreement);
    free(vector);
    return distance;
}

static void test_ridge(void **state) {
    (void)state;
    static const double ridges[] = {0.01, 0.1, 1, 10};
    struct error error;
    struct fixture f;
    open_fixture(&f, "vit", 2);
    assert_true(settled_ridge(&f, "{}", false, &error) == 10);
    assert_true(settled_ridge(&f, "{\"ridge\": 0.25}", true, &error) == 0.25);
    double chosen = settled_ridge(&f, "{}", true, &error), least = INFINITY, best = 0;
    for (size_t i = 0; i < 4; i++) {
        double distance = distance_of_ridge(&f, ridges[i]);
        assert_true(distance > 0);
        if (distance < least) {
            least = distance;
            best = ridges[i];
        }
    }
    assert_true(chosen == best);
    close_fixture(&f);
}

/* An expert agrees with itself. */
static void test_agreement(void **state) {
    (void)state;
    struct fixture f;
    struct error error;
    struct agreement *agreement;
    double distance;
    open_fixture(&f, "gpt2", 1);
    for (size_t t = 0; t < TASKS; t++) {
        f.pool->tasks = 1;
        struct pool whole = *f.pool;
        f.pool->vectors =
            backend_at(f.backend, whole.vectors, t * f.pool->layout->size);
        f.pool->heads = whole.heads + t;
        struct merge_input input = {.pool = f.pool,
                                    .train = (const struct dataset *const *)f.data + t};
        assert_int_equal(agreement_new(&input, 3, &agreement, &error), 0);
        const float *own = f.backend->host_view(f.backend, f.pool->vectors);
        assert_int_equal(agreement_distance(agreement, own, &distance, &error), 0);
        assert_true(distance >= 0 && distance < 1e-10);
        float *none = calloc(f.pool->layout->size, sizeof *none);
        assert_non_null(none);
        assert_int_equal(agreement_distance(agreement, none, &distance, &error), 0);
        assert_true(distance > 1e-6);
        free(none);
        agreement_free(agreement);
        *f.pool = whole;
        f.pool->tasks = TASKS;
    }
    close_fixture(&f);
}

/* A layer is one thread's: the same model with any number of them. */
static void test_threads(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"wudi", "0.5,0.25,0.25 {\"ridge\": 0.1}"}, {"tsv-m", "{}"}, {"iso-cts", "{}"}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        float *models[2];
        size_t size = 0;
        for (unsigned i = 0; i < 2; i++) {
            struct fixture f;
            open_fixture(&f, "clip", 1 + 2 * i);
            models[i] = model_of(&f, cases[c][0], cases[c][1]);
            size = f.pool->layout->size;
            close_fixture(&f);
        }
        assert_memory_equal(models[0], models[1], size * sizeof **models);
        free(models[0]);
        free(models[1]);
    }
}

/* What a method keeps from one preference to the next changes no bit of its models. */
static void test_kept(void **state) {
    (void)state;
    static const char *const cases[] = {"0.5,0.25,0.25 {\"ridge\": 0.1}",
                                        "0,1,0 {\"ridge\": 1, \"shrink\": 0}",
                                        "0.1,0.2,0.7 {\"ridge\": 0.01}"};
    struct merge_kept kept = {0};
    struct fixture f;
    open_fixture(&f, "gpt2", 2);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        f.kept = NULL;
        float *alone = model_of(&f, "wudi", cases[c]);
        f.kept = &kept;
        float *after = model_of(&f, "wudi", cases[c]);
        assert_non_null(kept.state);
        assert_memory_equal(alone, after, f.pool->layout->size * sizeof *alone);
        free(alone);
        free(after);
    }
    merge_kept_clear(&kept);
    assert_null(kept.state);
    close_fixture(&f);
}

/* What cannot be solved is refused: vectors that are not finite. */
static void test_wudi_refused(void **state) {
    (void)state;
    const struct linear_layer layer = {.inputs = 2, .outputs = 3};
    const float sound[6] = {1, 2, 3, 4, 5, 6}, broken[6] = {1, 2, NAN, 4, 5, 6};
    const double weights[2] = {0.5, 0.5};
    float merged[6];
    struct error error;
    assert_int_equal(wudi_solve(&layer, (const float *const[]){sound, broken}, NULL,
                                weights, 2, 1, merged, &error),
                     -1);
    assert_string_equal(error.text, "a task vector has numbers that are not finite");
    /* Vectors of nothing are merged to nothing. */
    const float zero[6] = {0};
    assert_int_equal(wudi_solve(&layer, (const float *const[]){zero, zero}, NULL,
                                weights, 2, 1, merged, &error),
                     0);
    for (size_t i = 0; i < 6; i++)
        assert_true(merged[i] == 0);
}

static void check_refused(const struct fixture *f, const char *name, bool data,
                          const struct work *work, const char *says) {
    const struct merge_method *method = merge_method_find(name, NULL);
    struct error error = {0};
    json_t *parameters = merge_parameters(method, NULL, &error);
    struct merge_input input = {.method = method,
                                .pool = f->pool,
                                .parameters = parameters,
                                .train = data ? (const struct dataset *const *)f->data
                                              : NULL,
                                .work = work};
    struct merge_result result;
    assert_int_equal(merge_run(&input, &result, &error), -1);
    if (!strstr(error.text, says))
        fail_msg("%s: \"%s\" does not say \"%s\"", name, error.text, says);
    assert_null(result.owned);
    assert_null(result.weights);
    json_decref(parameters);
}

static void test_no_data(void **state) {
    (void)state;
    struct fixture f;
    open_fixture(&f, "clip", 1);
    check_refused(&f, "fisher", false, NULL, "fisher needs training data");
    check_refused(&f, "regmean", false, NULL, "regmean needs training data");
    close_fixture(&f);
}

/* --- stopping --------------------------------------------------------------------- */

struct stopper {
    atomic_bool stop;
    size_t reports, at;
};

/* Stops the work at its report number `at`. */
static void stop_at(void *self, const char *what, size_t done, size_t total) {
    struct stopper *s = self;
    (void)what;
    assert_true(done < total);
    if (++s->reports == s->at)
        atomic_store(&s->stop, true);
}

/* Stopped before it begins, and in the middle of the second task, where nothing further
 * is reported after it. */
static void test_stop(void **state) {
    (void)state;
    struct fixture f;
    open_fixture(&f, "vit", 1);
    atomic_bool stop = true;
    const struct work stopped = {.stop = &stop};
    static const char *const methods[] = {"ties", "fisher", "regmean", "dare",
                                          "wudi", "tsv-m",  "iso-c",   "iso-cts"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        check_refused(&f, methods[i], true, &stopped, "stopped");
    for (size_t i = 1; i < 3; i++) {
        struct stopper s = {.at = 2};
        check_refused(&f, methods[i], true,
                      &(struct work){.stop = &s.stop, .progress = stop_at, .self = &s},
                      "stopped");
        assert_int_equal(s.reports, 2);
    }
    close_fixture(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clip),
        cmocka_unit_test(test_vit),
        cmocka_unit_test(test_gpt2),
        cmocka_unit_test(test_drawn),
        cmocka_unit_test(test_parameters_refused),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_goes_with),
        cmocka_unit_test(test_dare_of_nothing),
        cmocka_unit_test(test_dare_distribution),
        cmocka_unit_test(test_dare_repeats),
        cmocka_unit_test(test_preference),
        cmocka_unit_test(test_ridge),
        cmocka_unit_test(test_agreement),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_wudi_refused),
        cmocka_unit_test(test_no_data),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
