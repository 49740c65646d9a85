/* The merging weights that stored routers give at a preference. */
#ifndef PWEMOE_RESULTS_ROUTING_H
#define PWEMOE_RESULTS_ROUTING_H

#include "results/catalog.h"

/* weights [modules, tasks], freed with free(); NULL where these routers have none or
 * cannot be read, or memory is out. */
float *routing_weights(const struct catalog *catalog, int64_t routers,
                       const double *preference, size_t *modules);

#endif
