#include "train/combine.h"

#include <string.h>

#include "train/epo.h"
#include "train/mgda.h"
#include "train/tchebycheff.h"

static const char *const names[] = {[COMBINE_LS] = "ls",
                                    [COMBINE_EPO] = "epo",
                                    [COMBINE_MGDA] = "mgda",
                                    [COMBINE_STCH] = "stch",
                                    [COMBINE_HV] = "hv"};

const char *combine_name(enum combine combine) {
    return names[combine];
}

bool combine_is(const char *name, enum combine combine) {
    return strcmp(name, names[combine]) == 0;
}

int combine_parse(const char *text, enum combine *out, struct error *error) {
    for (int i = COMBINE_LS; i <= COMBINE_HV; i++) {
        if (combine_is(text, (enum combine)i)) {
            *out = (enum combine)i;
            return 0;
        }
    }
    return error_set(error, "method \"%s\" is not one of ls, epo, mgda, stch, hv",
                     text);
}

bool combine_per_task(enum combine combine) {
    return combine != COMBINE_LS;
}

int combine_weights(enum combine combine, double smoothing, const double *gram,
                    const double *losses, const double *preference, size_t tasks,
                    double *weights, struct error *error) {
    switch (combine) {
    case COMBINE_LS:
        memcpy(weights, preference, tasks * sizeof *weights);
        return 0;
    case COMBINE_EPO:
        return epo_weights(gram, losses, preference, tasks, weights, NULL, error);
    case COMBINE_MGDA:
        return mgda_weights(gram, tasks, weights, error);
    case COMBINE_STCH:
        tchebycheff_weights(losses, preference, tasks, smoothing, weights);
        return 0;
    case COMBINE_HV:
        break;
    }
    return error_set(error, "no such method");
}
