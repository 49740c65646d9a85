/* Solutions to be measured and what was measured, as bytes from rank to rank of one
 * program: what a store would be asked and given; and layers of one that another rank
 * makes. */
#ifndef PWEMOE_COMMAND_WORK_MESSAGE_H
#define PWEMOE_COMMAND_WORK_MESSAGE_H

#include <stddef.h>

#include "base/error.h"
#include "store/store.h"

/* What a rank is asked for. Any other first byte is refused by the readers. */
enum message_kind { MESSAGE_SOLUTION = 1, MESSAGE_LAYERS, MESSAGE_READY };
enum message_kind message_kind(const void *bytes, size_t size);

/* To load models and data, as layers will be asked for. */
int message_ready(void **bytes, size_t *size, struct error *error);

/* What is to be made: kind, method, parameters, preference [tasks], routers, label.
 * bytes are for free(); what is read is for store_solution_clear. */
int message_solution(const struct store_solution *solution, size_t tasks, void **bytes,
                     size_t *size, struct error *error);
int message_solution_read(const void *bytes, size_t size, size_t tasks,
                          struct store_solution *solution, struct error *error);

/* Layers [count] of a model by a method (merge/layers_share.h). What is read is for
 * message_layers_clear. */
struct message_layers {
    char *method, *parameters;
    double *preference; /* [tasks], or NULL */
    size_t *indices;    /* [count] */
    size_t count;
};
int message_layers(const struct message_layers *layers, size_t tasks, void **bytes,
                   size_t *size, struct error *error);
int message_layers_read(const void *bytes, size_t size, size_t tasks,
                        struct message_layers *layers, struct error *error);
void message_layers_clear(struct message_layers *layers);

/* What came of a solution: hash, cost, and evaluations [tasks]. Those that are read
 * point into the bytes. */
int message_figures(const struct store_solution *solution,
                    const struct store_evaluation *evaluations, size_t tasks,
                    void **bytes, size_t *size, struct error *error);
int message_figures_read(const void *bytes, size_t size, size_t tasks,
                         struct store_solution *solution,
                         struct store_evaluation *evaluations, struct error *error);

#endif
