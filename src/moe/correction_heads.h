/* Heads that change with a correction (correction.h): of the task's own head W_t, b_t
 * and a change X_t, y_t
 *
 *     W_t(r) = W_t + g(r) X_t,    b_t(r) = b_t + g(r) y_t
 *
 * with 0 for a bias that a head has not. The change is what heads fitted to the merged
 * body at equal weights (merge/head_fit.h), where g is 1, have over the tasks' own;
 * with the whole weight on one task each head is the task's own. */
#ifndef PWEMOE_MOE_CORRECTION_HEADS_H
#define PWEMOE_MOE_CORRECTION_HEADS_H

#include <stddef.h>

#include "base/error.h"
#include "model/heads.h"

/* Changes [tasks] from own to fitted heads of the same sizes; NULL without memory, else
 * for correction_heads_free. A change has a bias where the fitted head has one. */
struct head *correction_heads_changes(const struct head *own, const struct head *fitted,
                                      size_t tasks, struct error *error);
void correction_heads_free(struct head *heads, size_t tasks); /* NULL is fine */
/* An error where changes [tasks] are of other sizes than the heads own [tasks]. */
int correction_heads_fit(const struct head *changes, const struct head *own,
                         size_t tasks, struct error *error);
/* The heads at g; NULL without memory, else for correction_heads_free. */
struct head *correction_heads_at(const struct head *own, const struct head *changes,
                                 size_t tasks, double g, struct error *error);

#endif
