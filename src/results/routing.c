#include "results/routing.h"

#include "base/memory.h"
#include "moe/routers.h"

float *routing_weights(const struct catalog *catalog, int64_t routers,
                       const double *preference, size_t *modules) {
    const struct routers *network = catalog_network_of(catalog, routers);
    size_t cells;
    if (!network || network->tasks != catalog->tasks ||
        !size_multiply(network->modules + 1, network->tasks, &cells))
        return NULL; /* the last row is the scaling of all */
    float *weights = array_new(cells, sizeof *weights);
    if (weights)
        routers_forward(network, preference, weights);
    *modules = network->modules;
    return weights;
}
