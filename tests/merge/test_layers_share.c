/* A model's linear layers made by several processes, here one of which plays the others
 * with a pool of its own: the same bits as by one, every layer once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "merge/layers_share.h"
#include "support/golden.h"

enum { TASKS = 3, LAYERS_MOST = 64 };

/* Others with a pool of their own, as message.c tells them what is to be made. */
struct helper {
    struct backend *backend;
    struct pool *pool;
    unsigned count;           /* of them */
    bool fails;               /* what they send is too short */
    size_t made[LAYERS_MOST]; /* how often each layer was, here and there */
    size_t here, there;
};

static unsigned others(void *self) {
    const struct helper *h = self;
    return h->count;
}

static int make_there(struct helper *h, struct layers_groups *groups, size_t group,
                      struct error *error) {
    struct merge_input input = *layers_group_input(groups);
    struct merge_kept kept = {0};
    size_t count, size;
    void *bytes;
    const size_t *indices = layers_group(groups, group, &count);
    input.pool = h->pool;
    input.share = NULL;
    input.train = NULL;
    input.kept = &kept;
    int result = layers_serve(&input, indices, count, &bytes, &size, error);
    merge_kept_clear(&kept);
    if (result)
        return -1;
    result = layers_group_put(groups, group, bytes, h->fails ? size - 4 : size, error);
    free(bytes);
    return result;
}

/* Every second group elsewhere, the first one last. */
static int run(void *self, struct layers_groups *groups, struct error *error) {
    struct helper *h = self;
    double before = INFINITY;
    for (size_t g = layers_group_count(groups); g-- > 0;) {
        size_t count;
        const size_t *indices = layers_group(groups, g, &count);
        for (size_t i = 0; i < count; i++)
            h->made[indices[i]]++;
        *(g % 2 ? &h->there : &h->here) += count;
        if (g % 2 ? make_there(h, groups, g, error)
                  : layers_group_make(groups, g, error))
            return -1;
    }
    /* Those that cost most go first. */
    const struct merge_input *input = layers_group_input(groups);
    for (size_t g = 0; g < layers_group_count(groups); g++) {
        size_t count, offset;
        const size_t *indices = layers_group(groups, g, &count);
        for (size_t i = 0; i < count; i++) {
            struct linear_layer l =
                input->method->layers->at(input->pool->layout, indices[i], &offset);
            double cost = (double)l.inputs * (double)l.inputs * (double)l.outputs;
            assert_true(cost <= before);
            before = cost;
        }
    }
    return 0;
}

/* The merged vector, as the method's result has it; free(). */
static float *merged_by(struct pool *pool, const char *method, json_t *given,
                        const double *preference, const struct merge_share *share,
                        struct error *error) {
    struct backend *b = pool->backend;
    const struct merge_method *found = merge_method_find(method, error);
    assert_non_null(found);
    json_t *parameters = merge_parameters(found, given, error);
    assert_non_null(parameters);
    struct merge_input input = {.method = found,
                                .pool = pool,
                                .parameters = parameters,
                                .preference = preference,
                                .share = share};
    struct merge_result result;
    float *vector = NULL;
    if (merge_run(&input, &result, error) == 0) {
        vector = malloc(pool->layout->size * sizeof *vector);
        assert_non_null(vector);
        assert_int_equal(
            b->download_real(b, vector, result.vectors, pool->layout->size, error), 0);
        merge_result_clear(pool, &result);
    }
    json_decref(parameters);
    return vector;
}

static const struct {
    const char *method, *parameters;
    bool takes_preference;
} cases[] = {{"wudi", "{\"ridge\": 0.1}", true},
             {"wudi", "{\"shrink\": 0}", true}, /* a ridge that is settled first */
             {"tsv-m", "{\"scale\": 0.7}", false},
             {"iso-c", "{}", false},
             {"iso-cts", "{\"common\": 0.5}", false}};

static void check_case(const char *kind, size_t c, unsigned count, unsigned threads) {
    static const double preference[TASKS] = {0.5, 0.2, 0.3};
    struct error error;
    struct backend *backend;
    struct pool *pool;
    struct helper h = {.count = count};
    struct merge_share share = {.others = others, .run = run, .self = &h};
    golden_pool(kind, threads, &backend, &pool);
    golden_pool(kind, 2, &h.backend, &h.pool);
    json_t *given = json_loads(cases[c].parameters, 0, NULL);
    const double *at = cases[c].takes_preference ? preference : NULL;
    float *alone = merged_by(pool, cases[c].method, given, at, NULL, &error);
    float *shared = merged_by(pool, cases[c].method, given, at, &share, &error);
    if (!alone || !shared)
        fail_msg("%s: %s", cases[c].method, error.text);
    assert_memory_equal(alone, shared, pool->layout->size * sizeof *alone);
    size_t layers =
        merge_method_find(cases[c].method, &error)->layers->count(pool->layout);
    if (count == 0) {
        assert_int_equal(h.here + h.there, 0);
    } else {
        assert_true(h.there > 0 && h.here + h.there == layers);
        for (size_t i = 0; i < LAYERS_MOST; i++)
            assert_int_equal(h.made[i], i < layers);
    }
    free(alone);
    free(shared);
    json_decref(given);
    pool_close(h.pool);
    backend_close(h.backend);
    pool_close(pool);
    backend_close(backend);
}

/* Whatever the method, however many there are, on any number of threads. */
static void test_same_bits(void **state) {
    (void)state;
    static const char *const kinds[] = {"clip", "vit", "gpt2"};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
            for (unsigned count = 0; count < 4; count++)
                check_case(kinds[k], c, count, 1 + count);
}

/* A failure elsewhere is one of the model; what does not fit is not taken. */
static void test_refused(void **state) {
    (void)state;
    struct error error;
    struct helper h = {.count = 1, .fails = true};
    struct merge_share share = {.others = others, .run = run, .self = &h};
    golden_pool("clip", 1, &h.backend, &h.pool);
    json_t *none = json_object();
    assert_null(merged_by(h.pool, "tsv-m", none, NULL, &share, &error));
    assert_non_null(strstr(error.text, "another process made"));
    const struct merge_method *tsv = merge_method_find("tsv-m", &error);
    json_t *parameters = merge_parameters(tsv, none, &error);
    struct merge_input input = {
        .method = tsv, .pool = h.pool, .parameters = parameters};
    size_t index = tsv->layers->count(h.pool->layout), size;
    void *bytes;
    assert_int_equal(layers_serve(&input, &index, 1, &bytes, &size, &error), -1);
    assert_non_null(strstr(error.text, "linear layers, not"));
    input.method = merge_method_find("ties", &error);
    assert_int_equal(layers_serve(&input, &index, 1, &bytes, &size, &error), -1);
    assert_string_equal(error.text, "ties does not make layers one by one");
    json_decref(parameters);
    json_decref(none);
    pool_close(h.pool);
    backend_close(h.backend);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
