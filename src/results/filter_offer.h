/* What is valid where a filter is being typed: names, or the values that a text has. */
#ifndef PWEMOE_RESULTS_FILTER_OFFER_H
#define PWEMOE_RESULTS_FILTER_OFFER_H

#include <stddef.h>

#include "results/catalog.h"

struct filter_offer {
    size_t begin; /* the byte at which the word begins that is being typed */
    char **words; /* [count], each once, in quotes where it needs them */
    size_t count;
    char *common; /* what all words begin with; "" where there are none */
};

/* at: the byte of text before which one types. The words begin with what is typed
 * there. Behind == and != of a text they are its values in the catalog. -1: memory is
 * out, and nothing is to be freed. */
int filter_offer_make(const char *text, size_t at, const struct catalog *catalog,
                      struct filter_offer *offer);
void filter_offer_free(struct filter_offer *offer);

#endif
