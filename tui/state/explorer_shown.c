/* Which series, fronts and figures are shown, of explorer.h. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "results/front.h"
#include "state/explorer.h"

static bool is_hidden(const struct explorer *explorer, const char *key) {
    for (size_t i = 0; i < explorer->hidden_count; i++)
        if (!strcmp(explorer->hidden[i], key))
            return true;
    return false;
}

bool explorer_series_visible(const struct explorer *explorer, size_t series) {
    return !is_hidden(explorer, explorer->catalog->series[series].key);
}

void explorer_series_toggle(struct explorer *explorer, size_t series) {
    const char *key = explorer->catalog->series[series].key;
    explorer->hidden_serial++;
    for (size_t i = 0; i < explorer->hidden_count; i++)
        if (!strcmp(explorer->hidden[i], key)) {
            memcpy(explorer->hidden[i], explorer->hidden[--explorer->hidden_count],
                   sizeof explorer->hidden[i]);
            return;
        }
    if (explorer->hidden_count < HIDDEN_MAX)
        strcpy(explorer->hidden[explorer->hidden_count++], key);
}

bool *explorer_visible(const struct explorer *explorer) {
    size_t count = explorer->catalog->series_count;
    bool *visible = array_new(count, sizeof *visible);
    for (size_t s = 0; visible && s < count; s++)
        visible[s] = explorer_series_visible(explorer, s);
    return visible;
}

const size_t *explorer_pair_front(struct explorer *explorer, size_t a, size_t b,
                                  size_t *count) {
    struct catalog *catalog = explorer->catalog;
    struct pair_cache *cache = &explorer->pairs[(a + b) % 3];
    if (cache->rows && cache->catalog == catalog->serial &&
        cache->hidden == explorer->hidden_serial && cache->a == a && cache->b == b) {
        *count = cache->count;
        return cache->rows;
    }
    *count = 0;
    bool *visible = explorer_visible(explorer);
    if (!visible || array_reserve((void **)&cache->rows, &cache->capacity,
                                  catalog->count + 1, sizeof *cache->rows)) {
        free(visible);
        return cache->rows;
    }
    cache->count = front_over(catalog, visible, (size_t[]){a, b}, 2, cache->rows);
    cache->catalog = catalog->serial;
    cache->hidden = explorer->hidden_serial;
    cache->a = a;
    cache->b = b;
    free(visible);
    *count = cache->count;
    return cache->rows;
}

bool explorer_figure(const struct explorer *explorer, size_t task,
                     struct figure *figure) {
    const struct running *running = &explorer->running[task];
    *figure = (struct figure){.population = explorer->examples[task]};
    if (explorer->figures >= FIGURES_RUNNING &&
        (running->examples || running->complete)) {
        figure->value = running->value;
        figure->low = running->low;
        figure->high = running->high;
        figure->examples = running->examples;
        figure->complete = running->complete;
        if (figure->complete)
            figure->population = running->examples;
        return true;
    }
    if (!explorer->have_estimate)
        return false;
    figure->value = figure->low = figure->high = explorer->estimate[task];
    figure->estimated = true;
    return true;
}

bool explorer_wants_most(const struct explorer *explorer, size_t column) {
    if (column == TABLE_MEAN)
        column = TABLE_TASK; /* all have one direction */
    return column >= TABLE_TASK &&
           explorer->catalog->recipe->tasks[column - TABLE_TASK].objective.maximise;
}

const struct price *explorer_price(struct explorer *explorer, size_t gain,
                                   size_t loss) {
    struct kept_price *kept = &explorer->price;
    if (kept->catalog != explorer->catalog->serial ||
        kept->serial != explorer->serial || kept->gain != gain || kept->loss != loss) {
        *kept = (struct kept_price){.catalog = explorer->catalog->serial,
                                    .serial = explorer->serial,
                                    .gain = gain,
                                    .loss = loss};
        kept->known = price_at(&explorer->samples,
                               catalog_network_of(explorer->catalog, explorer->routers),
                               explorer->preference, gain, loss, &kept->price);
    }
    return kept->known ? &kept->price : NULL;
}

bool explorer_is_here(const struct explorer *explorer, const struct compared *side) {
    return side->has_preference && side->row == SIZE_MAX &&
           !memcmp(side->preference, explorer->preference,
                   explorer->tasks * sizeof *side->preference);
}

uint64_t explorer_undecided(const struct explorer *explorer) {
    uint64_t tasks = 0;
    const struct question *question = explorer->dialog.question;
    if (!question || !question->compares || explorer->figures == FIGURES_COMPLETE)
        return 0;
    for (size_t i = 0; i < 2; i++) {
        size_t other = explorer->compared[1 - i].row;
        if (!explorer_is_here(explorer, &explorer->compared[i]) || other == SIZE_MAX)
            continue;
        for (size_t t = 0; t < explorer->tasks; t++) {
            struct figure figure;
            double value = catalog_value(explorer->catalog, other, t);
            bool known = explorer_figure(explorer, t, &figure) && !figure.estimated;
            if (isfinite(value) &&
                (!known ||
                 (!figure.complete && figure.low <= value && value <= figure.high)))
                tasks |= (uint64_t)1 << t;
        }
    }
    return tasks;
}

/* The first `head` characters of a text and the last `tail`. */
static void text_ends(const char *text, size_t head, size_t tail, char *out,
                      size_t size) {
    size_t length = strlen(text), end = 0, begin = length;
    while (text[end] && (head || text_continues(text[end])))
        head -= !text_continues(text[end++]);
    while (begin > 0 && (tail || text_continues(text[begin])))
        tail -= !text_continues(text[--begin]);
    snprintf(out, size, "%.*s%s", (int)end, text, text + begin);
}

void explorer_short_name(const struct explorer *explorer, size_t task, int most,
                         char *out, size_t size) {
    const char *name = explorer_task_name(explorer, task);
    int longest = most < 4 ? most : 4, number = 0, length = (int)strlen(name);
    snprintf(out, size, "%s", name);
    if (most < 1 || text_columns(palette_marks(true), out) <= most)
        return;
    while (number < length && isdigit((unsigned char)name[length - 1 - number]))
        number++;
    number = number > most ? 0 : number;
    for (int tail = 0; tail < longest || tail <= number; tail++) {
        bool shared = false;
        if (tail && tail < number)
            continue; /* task10 is not to be read as task0 */
        text_ends(name, (size_t)(most - tail), (size_t)tail, out, size);
        for (size_t t = 0; t < explorer->tasks && !shared; t++) {
            char other[128];
            text_ends(explorer_task_name(explorer, t), (size_t)(most - tail),
                      (size_t)tail, other, sizeof other);
            shared = t != task && !strcmp(out, other);
        }
        if (!shared)
            return;
    }
    snprintf(out, size, "%zu", task + 1);
}
