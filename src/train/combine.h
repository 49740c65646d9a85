/* How the losses of several tasks become one update: LS, EPO, MGDA, STCH; and of
 * several models of one step, HV. */
#ifndef PWEMOE_TRAIN_COMBINE_H
#define PWEMOE_TRAIN_COMBINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum combine { COMBINE_LS, COMBINE_EPO, COMBINE_MGDA, COMBINE_STCH, COMBINE_HV };
/* Their names in that order, as the choices of an option: of one model a step, and all.
 */
#define COMBINE_NAMES "ls|epo|mgda|stch"
#define COMBINE_ALL_NAMES COMBINE_NAMES "|hv"

const char *combine_name(enum combine combine); /* "ls" */
bool combine_is(const char *name, enum combine combine);
int combine_parse(const char *text, enum combine *out, struct error *error);
/* Whether the method looks at each task's own gradient. */
bool combine_per_task(enum combine combine);

/* weights [tasks] of the tasks' gradients, from their inner products gram [tasks,
 * tasks], losses [tasks] and the preference [tasks]. LS: the preference itself
 * (gram may be NULL). EPO: epo.h. MGDA: mgda.h, which has no preference. STCH:
 * tchebycheff.h, with that smoothing, which the others pass over (gram may be NULL).
 * HV is of several models: hypervolume.h. */
int combine_weights(enum combine combine, double smoothing, const double *gram,
                    const double *losses, const double *preference, size_t tasks,
                    double *weights, struct error *error);

#endif
