#include "merge/regmean.h"

#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>

#include "base/memory.h"
#include "merge/solve.h"

/* On the diagonal, relative to its mean: in directions without inputs this decides. */
static const double ridge = 1e-10;

struct regmean {
    size_t inputs, outputs, tasks;
    double ratio;
    unsigned threads;
    double *grams; /* [inputs, inputs] summed */
    double *right; /* [outputs, inputs] of tau_t G_t */
    double *mean;  /* [outputs, inputs] of tau_t, summed until the end */
};

struct regmean *regmean_new(size_t inputs, size_t outputs, double ratio,
                            unsigned threads) {
    size_t square, cells;
    struct regmean *regmean = array_new(1, sizeof *regmean);
    if (!regmean || !size_multiply(inputs, inputs, &square) ||
        !size_multiply(inputs, outputs, &cells)) {
        free(regmean);
        return NULL;
    }
    regmean->inputs = inputs;
    regmean->outputs = outputs;
    regmean->ratio = ratio;
    regmean->threads = threads;
    regmean->grams = array_new(square, sizeof *regmean->grams);
    regmean->right = array_new(cells, sizeof *regmean->right);
    regmean->mean = array_new(cells, sizeof *regmean->mean);
    if (!regmean->grams || !regmean->right || !regmean->mean) {
        regmean_free(regmean);
        return NULL;
    }
    return regmean;
}

void regmean_free(struct regmean *regmean) {
    if (!regmean)
        return;
    free(regmean->grams);
    free(regmean->right);
    free(regmean->mean);
    free(regmean);
}

int regmean_join(struct regmean *regmean, const float *gram, const float *vector,
                 double weight, struct error *error) {
    size_t inputs = regmean->inputs, cells = inputs * regmean->outputs;
    float *reduced = array_new(inputs * inputs, sizeof *reduced);
    float *product = array_new(cells, sizeof *product);
    if (!reduced || !product) {
        free(reduced);
        free(product);
        return error_memory(error);
    }
    float ratio = (float)regmean->ratio;
#pragma omp parallel for num_threads(regmean->threads) schedule(static)
    for (size_t i = 0; i < inputs; i++)
        for (size_t j = 0; j < inputs; j++) {
            reduced[i * inputs + j] = gram[i * inputs + j] * (i == j ? 1 : ratio);
            regmean->grams[i * inputs + j] += weight * (double)reduced[i * inputs + j];
        }
    dnnl_dim_t width = (dnnl_dim_t)inputs;
    /* oneDNN crashes where it gets no memory for its code. */
    dnnl_status_t status = dnnl_out_of_memory;
    if (memory_has_room(24 << 20))
        status = dnnl_sgemm('N', 'N', (dnnl_dim_t)regmean->outputs, width, width, 1,
                            vector, width, reduced, width, 0, product, width);
    if (status == dnnl_success) {
#pragma omp parallel for num_threads(regmean->threads) schedule(static)
        for (size_t i = 0; i < cells; i++) {
            regmean->right[i] += weight * (double)product[i];
            regmean->mean[i] += weight * (double)vector[i];
        }
        regmean->tasks++;
    }
    free(reduced);
    free(product);
    return status == dnnl_success ? 0 : error_memory(error);
}

int regmean_finish(struct regmean *regmean, float *merged, struct error *error) {
    size_t inputs = regmean->inputs, cells = inputs * regmean->outputs;
    double diagonal = 0;
    for (size_t i = 0; i < cells; i++)
        regmean->mean[i] /= (double)regmean->tasks;
    for (size_t i = 0; i < inputs; i++)
        diagonal += regmean->grams[i * inputs + i];
    if (!(diagonal > 0)) {
        for (size_t i = 0; i < cells; i++)
            merged[i] = (float)regmean->mean[i];
        return diagonal == 0 ? 0
                             : error_set(error, "RegMean: inner products of inputs are "
                                                "not numbers");
    }
    /* What the mean lacks, so that the ridge pulls to the mean and not to 0. */
    struct product lack = {
        regmean->right, inputs, regmean->mean,    inputs, regmean->grams,
        inputs,         1,      regmean->outputs, inputs, inputs};
    if (solve_subtract(&lack, regmean->threads))
        return error_memory(error);
    for (size_t i = 0; i < inputs; i++)
        regmean->grams[i * inputs + i] += ridge * diagonal / (double)inputs;
    int status = solve_rows(regmean->grams, inputs, regmean->right, regmean->outputs,
                            regmean->threads);
    if (status < 0)
        return error_memory(error);
    if (status > 0)
        return error_set(
            error,
            "RegMean: the inner products of %zu inputs cannot be inverted; "
            "take more examples or a smaller ratio than %g",
            inputs, regmean->ratio);
    for (size_t i = 0; i < cells; i++)
        merged[i] = (float)(regmean->mean[i] + regmean->right[i]);
    return 0;
}
