/* Heads that change with a correction (correction.h): of the task's own head W_t, b_t
 * and a change X_t, y_t
 *
 *     W_t(r) = W_t + g(r) X_t,    b_t(r) = b_t + g(r) y_t
 *
 * with 0 for a bias that a head has not. The change is learnt with the vector
 * (train/distillation.h); with the whole weight on one task each head is the task's
 * own. */
#ifndef PWEMOE_MOE_CORRECTION_HEADS_H
#define PWEMOE_MOE_CORRECTION_HEADS_H

#include <stddef.h>

#include "base/error.h"
#include "model/heads.h"

void correction_heads_free(struct head *heads, size_t tasks); /* NULL is fine */
/* An error where changes [tasks] are of other sizes than the heads own [tasks]. */
int correction_heads_fit(const struct head *changes, const struct head *own,
                         size_t tasks, struct error *error);
/* The heads [tasks] at g; NULL without memory, else for correction_heads_free. A head
 * has a bias where its own or its change has one. */
struct head *correction_heads_at(const struct head *own, const struct head *changes,
                                 size_t tasks, double g, struct error *error);

#endif
