#include "command/work/curve.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/memory.h"

int curve_new(size_t first, size_t tasks, struct curve *curve, struct error *error) {
    memset(curve, 0, sizeof *curve);
    curve->first = first;
    curve->tasks = tasks;
    curve->sums = array_new(tasks, sizeof *curve->sums);
    return curve->sums ? 0 : error_memory(error);
}

static int add_point(struct curve *curve, unsigned step, size_t task, double loss,
                     struct error *error) {
    if (array_reserve((void **)&curve->points, &curve->capacity, curve->count + 1,
                      sizeof *curve->points))
        return error_memory(error);
    curve->points[curve->count++] =
        (struct store_curve_point){.step = step, .task = task, .loss = loss};
    return 0;
}

int curve_add(struct curve *curve, unsigned step, const double *losses,
              struct error *error) {
    for (size_t t = 0; t < curve->tasks; t++) {
        if (!isfinite(losses[t]))
            return error_set(
                error, "the loss is no longer finite at step %u; try a smaller --lr",
                step);
        curve->sums[t] += losses[t];
    }
    curve->steps++;
    if (step % CURVE_STEPS != 0 && step != 1)
        return 0;
    for (size_t t = 0; t < curve->tasks; t++) {
        if (add_point(curve, step, curve->first + t, curve->sums[t] / curve->steps,
                      error))
            return -1;
        curve->sums[t] = 0;
    }
    curve->steps = 0;
    return 0;
}

void curve_saved(struct curve *curve) {
    curve->count = 0;
}

void curve_free(struct curve *curve) {
    free(curve->sums);
    free(curve->points);
    memset(curve, 0, sizeof *curve);
}

/* --- kept in a state -------------------------------------------------------------- */

char *curve_text(const struct curve *curve, bool points) {
    json_t *sums = json_array(), *list = json_array();
    int result = 0;
    for (size_t t = 0; t < curve->tasks; t++)
        result |= json_array_append_new(sums, json_real(curve->sums[t]));
    for (size_t i = 0; points && i < curve->count; i++) {
        const struct store_curve_point *p = &curve->points[i];
        result |=
            json_array_append_new(list, json_pack("[I, I, f]", (json_int_t)p->step,
                                                  (json_int_t)p->task, p->loss));
    }
    json_t *object = json_pack("{s:i, s:o, s:o}", "steps", (int)curve->steps, "sums",
                               sums, "points", list);
    /* 17 digits bring a double back to the last bit. */
    char *text = object && result == 0
                     ? json_text_dump(object, JSON_COMPACT | JSON_REAL_PRECISION(17))
                     : NULL;
    json_decref(object);
    return text;
}

static bool take_sums(struct curve *curve, unsigned step, const json_t *object) {
    const json_t *steps = json_object_get(object, "steps");
    const json_t *sums = json_object_get(object, "sums");
    json_int_t count = json_integer_value(steps);
    if (!json_is_integer(steps) || count < 0 || count >= CURVE_STEPS || count > step ||
        json_array_size(sums) != curve->tasks)
        return false;
    curve->steps = (unsigned)count;
    for (size_t t = 0; t < curve->tasks; t++) {
        const json_t *sum = json_array_get(sums, t);
        if (!json_is_number(sum) || !isfinite(json_number_value(sum)))
            return false;
        curve->sums[t] = json_number_value(sum);
    }
    return true;
}

static bool take_point(const struct curve *curve, unsigned step, const json_t *point,
                       struct store_curve_point *out) {
    json_int_t at = json_integer_value(json_array_get(point, 0));
    json_int_t task = json_integer_value(json_array_get(point, 1));
    const json_t *loss = json_array_get(point, 2);
    if (!json_is_number(loss) || at < 1 || at > step || task < 0 ||
        (size_t)task < curve->first || (size_t)task >= curve->first + curve->tasks)
        return false;
    *out = (struct store_curve_point){
        .step = (unsigned)at, .task = (size_t)task, .loss = json_number_value(loss)};
    return isfinite(out->loss);
}

int curve_resume(struct curve *curve, unsigned step, const char *text,
                 struct error *error) {
    json_t *object = json_loads(text, 0, NULL);
    const json_t *list = json_object_get(object, "points");
    bool sound = json_is_array(list) && take_sums(curve, step, object);
    int result = 0;
    for (size_t i = 0; sound && result == 0 && i < json_array_size(list); i++) {
        struct store_curve_point p;
        sound = take_point(curve, step, json_array_get(list, i), &p);
        if (sound)
            result = add_point(curve, p.step, p.task, p.loss, error);
    }
    json_decref(object);
    if (sound)
        return result;
    return error_set(error, "the saved state's curve is damaged; start a new run");
}
