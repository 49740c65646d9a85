#define _GNU_SOURCE /* strcasecmp */
#include "results/estimate.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "pareto/order.h"
#include "pareto/simplex.h"
#include "results/oriented.h"

/* Interpolating from more points than this would be felt while dragging. */
enum { NEAREST_USED = 400, SEARCHED = 1500 };

int samples_make(struct samples *samples, const struct catalog *catalog,
                 int64_t routers) {
    size_t tasks = catalog->tasks, cells;
    *samples = (struct samples){.tasks = tasks};
    if (!size_multiply(catalog->count, tasks, &cells))
        return -1;
    samples->preferences = array_new(cells, sizeof(double));
    samples->values = array_new(cells, sizeof(double));
    if (!samples->preferences || !samples->values) {
        samples_free(samples);
        return -1;
    }
    for (size_t t = 0; t < tasks; t++)
        samples->less[t] = !catalog->recipe->tasks[t].objective.maximise;
    for (size_t i = 0; i < catalog->count; i++) {
        const struct store_solution *solution = &catalog->rows[i].solution;
        if (!routers || catalog_answerer(solution) != routers ||
            !catalog->solutions[i].whole || catalog->solutions[i].stale)
            continue;
        memcpy(samples->preferences + samples->count * tasks, solution->preference,
               tasks * sizeof(double));
        memcpy(samples->values + samples->count * tasks, catalog->values + i * tasks,
               tasks * sizeof(double));
        samples->count++;
    }
    return 0;
}

void samples_free(struct samples *samples) {
    free(samples->preferences);
    free(samples->values);
    *samples = (struct samples){0};
}

static double distance(const double *a, const double *b, size_t tasks) {
    double sum = 0;
    for (size_t t = 0; t < tasks; t++)
        sum += (a[t] - b[t]) * (a[t] - b[t]);
    return sum;
}

bool samples_nearest(const struct samples *samples, const double *preference,
                     size_t least, size_t most, struct samples *near) {
    size_t tasks = samples->tasks, count = samples->count, cells;
    *near = (struct samples){.tasks = tasks};
    memcpy(near->less, samples->less, sizeof near->less);
    most = most < count ? most : count;
    least = least < most ? least : most;
    double *distances = array_new(count, 2 * sizeof *distances);
    if (size_multiply(most, tasks, &cells)) {
        near->preferences = array_new(cells, sizeof(double));
        near->values = array_new(cells, sizeof(double));
    }
    if (!distances || !near->preferences || !near->values || !least) {
        free(distances);
        samples_free(near);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        distances[i] = distances[count + i] =
            distance(samples->preferences + i * tasks, preference, tasks);
    /* Distances that are equal but for rounding count as equal. */
    double reach = order_select(distances + count, count, least - 1);
    double low = reach * (1 - 1e-9), high = reach * (1 + 1e-9);
    /* Those that are as far as the farthest take what places are left. */
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < count && near->count < most; i++) {
            if (pass == 0 ? distances[i] >= low
                          : distances[i] < low || distances[i] > high)
                continue;
            memcpy(near->preferences + near->count * tasks,
                   samples->preferences + i * tasks, tasks * sizeof(double));
            memcpy(near->values + near->count * tasks, samples->values + i * tasks,
                   tasks * sizeof(double));
            near->count++;
        }
    free(distances);
    return true;
}

bool estimate_at(const struct samples *samples, const double *preference,
                 double *values) {
    if (samples->count == 0 || samples->count < samples->tasks)
        return false;
    struct samples near = {0};
    const struct samples *used = samples;
    if (samples->count > NEAREST_USED) {
        if (!samples_nearest(samples, preference, NEAREST_USED, NEAREST_USED, &near))
            return false;
        used = &near;
    }
    int result =
        simplex_interpolate(used->preferences, used->values, used->count, used->tasks,
                            used->tasks, preference, values, NULL);
    samples_free(&near);
    for (size_t t = 0; result == 0 && t < samples->tasks; t++)
        if (!isfinite(values[t]))
            return false;
    return result == 0;
}

/* Judges one candidate and keeps the better one. */
static void consider(const struct samples *samples, const double *bounds,
                     const double *preference, const double *values, bool stored,
                     struct target_answer *answer, double *merit) {
    double shortfall = 0, rest = 0, all = 0;
    size_t tasks = samples->tasks, unbound = 0;
    for (size_t t = 0; t < tasks; t++) {
        double value = oriented_by(!samples->less[t], values[t]);
        double bound = oriented_by(!samples->less[t], bounds[t]);
        all += value;
        if (isnan(bound)) {
            rest += value;
            unbound++;
        } else if (value > bound) {
            shortfall += value - bound;
        }
    }
    double own = unbound ? rest / (double)unbound : all / (double)tasks;
    bool first = isnan(*merit);
    if (!first && (shortfall > answer->shortfall ||
                   (shortfall == answer->shortfall && own >= *merit)))
        return;
    *merit = own;
    answer->shortfall = shortfall;
    answer->met = shortfall == 0;
    answer->stored = stored;
    memcpy(answer->preference, preference, tasks * sizeof(double));
    memcpy(answer->values, values, tasks * sizeof(double));
}

/* Estimates between the stored points. Grids as fine as the number of candidates
 * allows; beyond four tasks a grid has no inside, so candidates are drawn, every
 * second one near the best so far. */
static void search(const struct samples *samples, const double *bounds,
                   struct target_answer *answer, double *merit) {
    size_t tasks = samples->tasks;
    size_t budget = samples->count > 100 ? SEARCHED / 3 : SEARCHED;
    double preference[STORE_TASKS_MAX], values[STORE_TASKS_MAX];
    if (tasks <= 4) {
        size_t edge = 2;
        while (simplex_grid_count(tasks, edge + 1) <= budget && edge < budget)
            edge++;
        size_t count = simplex_grid_count(tasks, edge);
        for (size_t i = 0; i < count; i++) {
            simplex_grid_at(tasks, edge, i, preference);
            if (estimate_at(samples, preference, values))
                consider(samples, bounds, preference, values, false, answer, merit);
        }
        return;
    }
    struct random random;
    random_seed(&random, 1, 0);
    for (size_t i = 0; i < budget; i++) {
        random_dirichlet(&random, 1.0, tasks, preference);
        double keep = i % 2 ? random_uniform(&random) : 0;
        for (size_t t = 0; t < tasks; t++)
            preference[t] = keep * answer->preference[t] + (1 - keep) * preference[t];
        if (estimate_at(samples, preference, values))
            consider(samples, bounds, preference, values, false, answer, merit);
    }
}

bool estimate_target(const struct samples *samples, const double *bounds,
                     struct target_answer *answer) {
    size_t tasks = samples->tasks;
    double merit = NAN;
    for (size_t i = 0; i < samples->count; i++)
        consider(samples, bounds, samples->preferences + i * tasks,
                 samples->values + i * tasks, true, answer, &merit);
    if (isnan(merit))
        return false;
    /* Many samples: only those around the best stored one, found once, so that the
     * search is not felt. */
    struct samples near = {0};
    const struct samples *used = samples;
    if (samples->count > NEAREST_USED) {
        if (!samples_nearest(samples, answer->preference, NEAREST_USED, NEAREST_USED,
                             &near))
            return true;
        used = &near;
    }
    search(used, bounds, answer, &merit);
    samples_free(&near);
    return true;
}

/* The task whose name is word, or begins with it and no other's does; -1: none,
 * -2: several. */
static int find_task(const struct store_recipe *recipe, const char *word) {
    int found = -1;
    for (size_t t = 0; t < recipe->task_count; t++) {
        const char *name = recipe->tasks[t].name;
        if (!strcasecmp(name, word))
            return (int)t;
        if (!strncasecmp(name, word, strlen(word)))
            found = found == -1 ? (int)t : -2;
    }
    return found;
}

enum way { WAY_EITHER, WAY_LEAST, WAY_MOST };

/* What may stand between a name and its number. Returns where the name ends; *way is
 * what the words say, WAY_EITHER where they say nothing. */
static char *before_words(char *part, char *end, enum way *way) {
    static const struct {
        const char *word;
        enum way way;
    } words[] = {{"at least", WAY_LEAST}, {">=", WAY_LEAST},     {">", WAY_LEAST},
                 {"\u2265", WAY_LEAST},   {"at most", WAY_MOST}, {"<=", WAY_MOST},
                 {"<", WAY_MOST},         {"\u2264", WAY_MOST},  {"=", WAY_EITHER},
                 {":", WAY_EITHER}};
    *way = WAY_EITHER;
    for (bool again = true; again;) {
        again = false;
        while (end > part && isspace((unsigned char)end[-1]))
            end--;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            size_t length = strlen(words[i].word);
            if ((size_t)(end - part) >= length &&
                !strncasecmp(end - length, words[i].word, length)) {
                end -= length;
                *way = words[i].way ? words[i].way : *way;
                again = true;
            }
        }
    }
    return end;
}

char *target_example(const struct store_recipe *recipe, char *out, size_t size) {
    const struct store_objective *objective = &recipe->tasks[0].objective;
    snprintf(out, size, "%.60s %s%s", recipe->tasks[0].name,
             objective->maximise ? "" : "at most ",
             strcmp(objective->unit, "%") ? "0.3" : "72");
    return out;
}

/* One "name at least number" or "number"; position counts the commas before it. "then
 * the best of the rest" is what happens anyway. */
static int parse_bound(char *part, size_t position, const struct store_recipe *recipe,
                       double *bounds, struct error *error) {
    char example[128];
    enum way way;
    while (isspace((unsigned char)*part))
        part++;
    size_t length = strlen(part);
    while (length &&
           (isspace((unsigned char)part[length - 1]) || part[length - 1] == '%'))
        part[--length] = '\0';
    if (!length || !strncasecmp(part, "then ", 5))
        return 0;
    /* The number comes last. */
    char *number = part + length;
    while (number > part && strchr("0123456789.+-eE", number[-1]))
        number--;
    /* "sun397" is a name. */
    bool apart = number == part || isspace((unsigned char)number[-1]) ||
                 strchr("=<>:\xa4\xa5", number[-1]);
    char *end;
    double value = strtod(number, &end);
    if (!apart || end == number || *end || !isfinite(value))
        return error_set(error, "%s: end with a number, as in \"%s\"", part,
                         target_example(recipe, example, sizeof example));
    int task = (int)position;
    *before_words(part, number, &way) = '\0';
    if (*part) {
        task = find_task(recipe, part);
        if (task == -2)
            return error_set(error, "%s: more than one task begins with this", part);
        if (task == -1)
            return error_set(error, "%s: there is no such task", part);
    } else if (position >= recipe->task_count) {
        return error_set(error, "there are only %zu tasks", recipe->task_count);
    }
    bool more = recipe->tasks[task].objective.maximise;
    if (way == (more ? WAY_MOST : WAY_LEAST))
        return error_set(error, "%s: %s is better; write \"at %s\"",
                         recipe->tasks[task].name, more ? "more" : "less",
                         more ? "least" : "most");
    bounds[task] = value;
    return 0;
}

int target_parse(const char *text, const struct store_recipe *recipe, double *bounds,
                 struct error *error) {
    char copy[512], example[128];
    bool any = false;
    size_t position = 0;
    if (strlen(text) >= sizeof copy)
        return error_set(error, "too long");
    strcpy(copy, text);
    for (size_t t = 0; t < recipe->task_count; t++)
        bounds[t] = NAN;
    for (char *part = copy; part; position++) {
        char *comma = strchr(part, ',');
        if (comma)
            *comma = '\0';
        if (parse_bound(part, position, recipe, bounds, error))
            return -1;
        part = comma ? comma + 1 : NULL;
    }
    for (size_t t = 0; t < recipe->task_count; t++)
        any = any || !isnan(bounds[t]);
    return any ? 0
               : error_set(error, "write what must be reached, as in \"%s\"",
                           target_example(recipe, example, sizeof example));
}
