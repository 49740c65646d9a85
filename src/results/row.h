/* What one solution's row says, beyond its columns. */
#ifndef PWEMOE_RESULTS_ROW_H
#define PWEMOE_RESULTS_ROW_H

#include "store/store.h"

/* The mean of the figures that are present; NaN without any, and where figures of
 * several units would go into it (store_recipe_averages). */
double row_average(const struct store_row *row, const struct store_recipe *recipe);
/* How many decimals a figure of an objective is written with, or a difference of two:
 * losses want more than percentages. */
int row_digits(const struct store_objective *objective, double value);
/* The scaling coefficient among the parameters; NaN where there is none. */
double row_scale(const struct store_row *row);

#endif
