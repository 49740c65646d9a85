#include "merge/head_map.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "merge/head_ridge.h"

struct head_fit_map {
    size_t rows, features;
    double *inputs, *lack;  /* (rows, D) features, and what they lack, weighted */
    double *mean, *missing; /* (D) their weighted means */
    double *gram, *change;  /* (D, D); change becomes M */
};

static void close_map(struct head_fit_map *map) {
    free(map->inputs);
    free(map->lack);
    free(map->mean);
    free(map->missing);
    free(map->gram);
    free(map->change);
}

static int open_map(struct head_fit_map *map, const struct head_map_input *input,
                    struct error *error) {
    size_t d = input->heads[0].features;
    *map = (struct head_fit_map){.features = d};
    for (size_t t = 0; t < input->tasks; t++)
        map->rows += input->preference[t] > 0 ? input->counts[t] : 0;
    map->inputs = array_new(map->rows, d * sizeof *map->inputs);
    map->lack = array_new(map->rows, d * sizeof *map->lack);
    map->mean = array_new(d, sizeof *map->mean);
    map->missing = array_new(d, sizeof *map->missing);
    map->gram = array_new(d, d * sizeof *map->gram);
    map->change = array_new(d, d * sizeof *map->change);
    return map->inputs && map->lack && map->mean && map->missing && map->gram &&
                   map->change
               ? 0
               : error_memory(error);
}

/* Both, less their means where there are any, each row times the root of its weight. */
static void fill(struct head_fit_map *map, const struct head_map_input *input) {
    size_t d = map->features, row = 0;
    for (int pass = input->with_bias ? 0 : 1; pass < 2; pass++)
        for (size_t t = row = 0; t < input->tasks; t++) {
            double weight = input->preference[t] / (double)input->counts[t];
            size_t n = input->preference[t] > 0 ? input->counts[t] : 0;
            for (size_t i = 0; i < n; i++, row++)
                for (size_t j = 0; j < d; j++) {
                    double x = (double)input->merged[t][i * d + j];
                    double y = (double)input->expert[t][i * d + j] - x;
                    if (pass == 0) {
                        map->mean[j] += weight * x;
                        map->missing[j] += weight * y;
                        continue;
                    }
                    map->inputs[row * d + j] = sqrt(weight) * (x - map->mean[j]);
                    map->lack[row * d + j] = sqrt(weight) * (y - map->missing[j]);
                }
        }
}

/* A head with the map folded in. */
static int fold(const struct head_fit_map *map, const struct head *head, bool with_bias,
                struct head *fitted, struct error *error) {
    size_t d = map->features, classes = head->classes;
    *fitted = (struct head){.classes = classes, .features = d};
    fitted->weight = array_new(classes, d * sizeof *fitted->weight);
    fitted->bias = with_bias ? array_new(classes, sizeof *fitted->bias) : NULL;
    double *row = array_new(d, sizeof *row);
    if (!fitted->weight || (with_bias && !fitted->bias) || !row) {
        free(row);
        return error_memory(error);
    }
    for (size_t c = 0; c < classes; c++) {
        const float *w = head->weight + c * d;
        double bias = head->bias ? (double)head->bias[c] : 0;
        memset(row, 0, d * sizeof *row);
        for (size_t i = 0; i < d; i++) {
            bias += (double)w[i] * map->missing[i];
            for (size_t j = 0; j < d; j++)
                row[j] += (double)w[i] * map->change[i * d + j];
        }
        for (size_t j = 0; j < d; j++) {
            bias -= row[j] * map->mean[j];
            fitted->weight[c * d + j] = (float)((double)w[j] + row[j]);
        }
        if (with_bias)
            fitted->bias[c] = (float)bias;
    }
    free(row);
    return 0;
}

int head_map_solve(const struct head_map_input *input, unsigned threads,
                   struct head *fitted, struct error *error) {
    struct head_fit_map map;
    int result = open_map(&map, input, error);
    for (size_t t = 0; t < input->tasks; t++)
        fitted[t] = (struct head){0};
    if (result == 0) {
        fill(&map, input);
        result = head_ridge(map.inputs, map.features, map.lack, map.features, map.rows,
                            map.gram, map.change, threads, error);
    }
    for (size_t t = 0; result == 0 && t < input->tasks; t++)
        result = fold(&map, &input->heads[t], input->with_bias, &fitted[t], error);
    for (size_t t = 0; result && t < input->tasks; t++)
        head_clear(&fitted[t]);
    close_map(&map);
    return result;
}
