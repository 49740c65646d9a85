#include "merge/head_ridge.h"

#include <math.h>
#include <string.h>

#include "merge/solve.h"

int head_ridge(const double *inputs, size_t features, const double *lack,
               size_t outputs, size_t n, double *gram, double *map, unsigned threads,
               struct error *error) {
    size_t d = features;
    double diagonal = 0;
    if (solve_add_products(gram, inputs, d, inputs, d, n, threads) ||
        solve_add_products(map, lack, outputs, inputs, d, n, threads))
        return error_memory(error);
    for (size_t j = 0; j < d; j++)
        diagonal += gram[j * d + j];
    if (!isfinite(diagonal))
        return error_set(error, "the merged model's features are not finite");
    if (diagonal == 0) { /* one and the same for all examples: nothing to go by */
        memset(map, 0, outputs * d * sizeof *map);
        return 0;
    }
    for (size_t j = 0; j < d; j++)
        gram[j * d + j] += HEAD_RIDGE * diagonal / (double)d;
    int status = solve_rows(gram, d, map, outputs, threads);
    return status < 0   ? error_memory(error)
           : status > 0 ? error_set(error, "heads cannot be fitted to these features")
                        : 0;
}
