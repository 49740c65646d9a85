/* Filters over solutions, as people write them:
 *
 *     digits >= 80 && method == ls || knee
 *
 * In order of how tightly they bind: !, comparisons (== != < <= > >=), &&, ||; brackets
 * group. Left of a comparison is a name; right of it is a number, a text where the name
 * is one of a text (bare, or in quotes where it has other characters than letters,
 * digits and + - . _), or another name of a number. A name alone is a flag.
 *
 *     TASK                 its figure; TASK.low .high .examples .loss .weight: its
 *                          interval, examples, loss, and share of the preference
 *     average scale step id seconds   numbers
 *     kind method upscale state series label   texts
 *     front knee dominated stale merged answers selected   flags
 *     parameters.NAME      a number or a text among the parameters
 *
 * A task's name in quotes is never taken for anything else. What is not there, as the
 * scale of what has none, is neither equal nor unequal to anything: every comparison
 * with it is false. */
#ifndef PWEMOE_RESULTS_FILTER_H
#define PWEMOE_RESULTS_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "results/catalog.h"

struct filter;

/* An error says what is wrong and where: *at is the byte of text that it is about (may
 * be NULL), of which the message has the number, counted in characters from 1. */
int filter_parse(const char *text, const struct store_recipe *recipe,
                 struct filter **filter, size_t *at, struct error *error);
void filter_free(struct filter *filter); /* NULL is fine */

/* The names that do not belong to a task, in turn, NULL after the last; *text: texts
 * are compared with it. And what may stand behind a task's name and a point. */
const char *filter_known_name(size_t index, bool *text);
const char *filter_known_part(size_t index);

/* catalog: of the recipe that it was parsed for. */
bool filter_matches(const struct filter *filter, const struct catalog *catalog,
                    size_t row);
/* May other solutions match once the selection is another? */
bool filter_asks_selection(const struct filter *filter);

#endif
