/* The solutions as a table: those whose series are visible and of which the filter is
 * true, in the order of one column. Whoever points at a solution anywhere finds it
 * here, and the other way round: the row that keys move is the solution pointed at. */
#ifndef PWEMOE_TUI_STATE_SOLUTION_TABLE_H
#define PWEMOE_TUI_STATE_SOLUTION_TABLE_H

#include "state/explorer.h"

/* Brings rows and places up to date, and top to where the row pointed at is seen once
 * another is; height: rows on the screen. -1: memory is out, and the table is empty. */
int solution_table_update(struct explorer *explorer, int height);

/* The columns that are shown, in the order of the screen: out [TABLE_COLUMNS_MOST]; how
 * many. */
size_t solution_table_columns(const struct explorer *explorer, size_t *out);
const char *solution_table_name(const struct explorer *explorer, size_t column);
/* What a column says of a row, in the fewest characters; "" for nothing. */
char *solution_table_text(const struct explorer *explorer, size_t row, size_t column,
                          char *out, size_t size);

/* By this column, the best or the least number first; again: the other way round. */
void solution_table_sort(struct explorer *explorer, size_t column);
/* By the next shown column to the left (-1) or right (1). */
void solution_table_sort_beside(struct explorer *explorer, int way);
/* Points at the row this many further down (or up); at the first on the screen where
 * none is pointed at. */
void solution_table_step(struct explorer *explorer, long by);
/* Moves what is seen, not what is pointed at. */
void solution_table_scroll(struct explorer *explorer, long by);
/* "" for none. On an error the table stays; *at is the byte it is about. */
int solution_table_filter(struct explorer *explorer, const char *expression, size_t *at,
                          struct error *error);

#endif
