#include "eval/finite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "model/feed.h"

static bool all_finite(const float *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

/* Whether `count` elements on the device are finite; also where they cannot be read. */
static bool finite_there(struct evaluator *e, const real *values, size_t count) {
    struct error ignored;
    float *host = array_new(count, sizeof *host);
    bool finite =
        !host || e->backend->download_real(e->backend, host, values, count, &ignored) ||
        all_finite(host, count);
    free(host);
    return finite;
}

/* The first parameter that is not finite, into text. */
static bool find_weight(struct evaluator *e, char *text, size_t size) {
    const struct layout *l = e->pool->layout;
    for (size_t i = 0; i < l->parameter_count; i++) {
        const struct parameter *p = &l->parameters[i];
        if (!finite_there(e, backend_at(e->backend, e->weights, p->offset), p->count)) {
            snprintf(text, size, "the merged weights, in %s", TEXT_CUT(p->name, 200));
            return true;
        }
    }
    return false;
}

/* The first numbers on the way through the blocks that are not finite, into text. */
static void find_activation(struct evaluator *e, const struct transformer *transformer,
                            const real *features, size_t rows, char *text,
                            size_t size) {
    const struct model_config *config = &e->pool->layout->config;
    for (size_t b = 0; b < config->layers; b++) {
        const struct block_activations *a = transformer_block(transformer, b);
        const struct {
            const real *values;
            size_t width;
            const char *name;
        } steps[] = {{a->input, config->width, "its input"},
                     {a->norm1, config->width, "its first norm"},
                     {a->qkv, 3 * config->width, "queries, keys and values"},
                     {a->mixed, config->width, "attention"},
                     {a->middle, config->width, "attention's projection"},
                     {a->norm2, config->width, "its second norm"},
                     {a->after, config->mlp_width, "the MLP"}};
        for (size_t s = 0; s < sizeof steps / sizeof *steps; s++)
            if (!finite_there(e, steps[s].values, rows * steps[s].width)) {
                snprintf(text, size, "block %zu, %s", b, steps[s].name);
                return;
            }
    }
    snprintf(text, size, "%s",
             finite_there(e, features, model_config_features(config))
                 ? "the head"
                 : "the last block's output or the final norm");
}

static int run_alone(struct evaluator *e, size_t task, size_t index, char *text,
                     size_t size, struct error *error) {
    const struct dataset *data = e->held_out[task].data;
    struct feed *feed = NULL;
    struct transformer *transformer = NULL;
    int result = -1;
    if (feed_new(e->backend, e->pool->layout, &data, 1, 1, &feed, error) == 0 &&
        feed_transformer(feed, &e->pool->form.preprocess, true, &transformer, error) ==
            0) {
        feed_put(feed, 0, data, index);
        feed_embed(feed, transformer, e->weights, 1);
        transformer_all_rows(transformer);
        const real *features = transformer_run(transformer, e->weights, 1);
        find_activation(e, transformer, features,
                        feed_rows(&e->pool->layout->config, &data, 1), text, size);
        result = 0;
    }
    transformer_free(transformer);
    feed_free(feed);
    return result;
}

int finite_check(struct evaluator *e, const struct part *part,
                 const int32_t *predictions, const float *loss, size_t batch,
                 struct error *error) {
    size_t bad = 0;
    while (bad < part->count && isfinite(loss[bad]) && predictions[bad] >= 0)
        bad++;
    if (bad == part->count)
        return 0;
    size_t example = part->first + bad;
    char where[256];
    if (e->current == CURRENT_SINGLE)
        evaluator_put_expert(e, part->task);
    if (!find_weight(e, where, sizeof where) &&
        run_alone(e, part->task, e->held_out[part->task].order[example], where,
                  sizeof where, error))
        return -1;
    return error_set(error,
                     "task %s: the model's answer to held-out example %zu (batch %zu) "
                     "is not a number; first in %s; nothing of this model is kept",
                     e->recipe->tasks[part->task].name, example + 1,
                     example / (batch ? batch : 1) + 1, where);
}
