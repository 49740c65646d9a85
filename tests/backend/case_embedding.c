#include <math.h>
#include <string.h>

#include "conformance.h"

static void patches(struct conformance *c) {
    static const struct {
        size_t images, channels, size, patch;
    } shapes[] = {
        {3, 3, 12, 4}, {1, 1, 17, 17}, {2, 4, 9, 3}, {1, 3, 64, 32}, {2, 3, 7, 2}};
    static const float scale[] = {0.0145f, 0.0149f, 0.0143f, 0.02f};
    static const float shift[] = {-1.79f, -1.75f, -1.48f, 0.5f};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        size_t images = shapes[s].images, channels = shapes[s].channels;
        size_t size = shapes[s].size, patch = shapes[s].patch, edge = size / patch;
        size_t bytes = images * channels * size * size;
        /* Bytes travel in a tensor of integers, four each. */
        double *words = numbers(c, bytes / 4 + 1);
        for (size_t i = 0; i < bytes / 4 + 1; i++)
            words[i] = (double)(int32_t)(random_next(&c->random) & 0x7fffffff);
        struct tensor *pixels = tensor_from(c, ELEMENT_I32, bytes / 4 + 1, words);
        size_t width = channels * patch * patch, n = images * edge * edge * width;
        struct tensor *out = tensor_output(c, ELEMENT_REAL, n);
        c->backend->patches(c->backend, out->real, (const uint8_t *)pixels->data,
                            images, channels, size, patch, scale, shift);
        double *wanted = numbers(c, n), *tolerance = numbers(c, n);
        for (size_t i = 0; i < n; i++) {
            size_t x = i % patch, y = i / patch % patch,
                   ch = i / (patch * patch) % channels;
            size_t left = i / width % edge, top = i / width / edge % edge;
            size_t image = i / width / edge / edge;
            size_t at = ((image * channels + ch) * size + top * patch + y) * size +
                        left * patch + x;
            int32_t word = (int32_t)words[at / 4];
            uint8_t pixel;
            memcpy(&pixel, (char *)&word + at % 4, 1);
            double scaled = (double)scale[ch] * pixel;
            wanted[i] = scaled + (double)shift[ch];
            tolerance[i] = 2 * SINGLE * (scaled + fabs((double)shift[ch])) +
                           c->store * fabs(wanted[i]);
        }
        check(c, "columns", out, wanted, tolerance);
    }
}

static void tokens(struct conformance *c) {
    static const struct {
        size_t images, patches, width;
    } shapes[] = {{1, 1, 1}, {3, 4, 17}, {2, 49, 64}, {5, 3, 257}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        size_t images = shapes[s].images, count = shapes[s].patches;
        size_t width = shapes[s].width, rows = count + 1;
        struct tensor *embedded =
            tensor_random(c, ELEMENT_REAL, images * count * width, 1);
        struct tensor *class_vector = tensor_random(c, ELEMENT_REAL, width, 1);
        struct tensor *position = tensor_random(c, ELEMENT_REAL, rows * width, 1);
        tensor_set(c, embedded, 0, (double)NAN);
        size_t n = images * rows * width;
        struct tensor *out = tensor_output(c, ELEMENT_REAL, n);
        c->backend->assemble_tokens(c->backend, out->real, embedded->real,
                                    class_vector->real, position->real, images, count,
                                    width);
        double *wanted = numbers(c, n), *tolerance = numbers(c, n);
        for (size_t i = 0; i < n; i++) {
            size_t image = i / width / rows, row = i / width % rows, j = i % width;
            double from = row == 0
                              ? class_vector->host[j]
                              : embedded->host[(image * count + row - 1) * width + j];
            wanted[i] = from + position->host[row * width + j];
            tolerance[i] = c->store * fabs(wanted[i]);
        }
        check(c, "tokens", out, wanted, tolerance);

        struct tensor *dtokens = tensor_random(c, ELEMENT_REAL, n, 1);
        struct tensor *back = tensor_output(c, ELEMENT_REAL, images * count * width);
        c->backend->assemble_tokens_backward(c->backend, back->real, dtokens->real,
                                             images, count, width);
        for (size_t i = 0; i < images * count * width; i++)
            wanted[i] = dtokens->host[i + (i / width / count + 1) * width];
        check(c, "dembedded", back, wanted, numbers(c, images * count * width));
    }
}

static void rows(struct conformance *c) {
    static const struct {
        size_t rows, count, width;
    } shapes[] = {{1, 1, 1}, {17, 5, 3}, {257, 40, 17}, {50, 50, 64}, {9, 3, 257}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        size_t all = shapes[s].rows, count = shapes[s].count, width = shapes[s].width;
        /* Gathering may take a row twice; scattering takes each at most once. */
        double *any = numbers(c, count), *once = numbers(c, count);
        uint32_t order[257];
        random_permutation(&c->random, all, order);
        for (size_t i = 0; i < count; i++) {
            any[i] = (double)random_below(&c->random, all);
            once[i] = order[i];
        }
        struct tensor *x = tensor_random(c, ELEMENT_REAL, all * width, 1);
        tensor_set(c, x, (size_t)any[0] * width, (double)NAN);
        struct tensor *index = tensor_from(c, ELEMENT_I32, count, any);
        struct tensor *out = tensor_output(c, ELEMENT_REAL, count * width);
        c->backend->gather_rows(c->backend, out->real, x->real, index->i32, count,
                                width);
        double *wanted = numbers(c, (all + count) * width);
        for (size_t i = 0; i < count * width; i++)
            wanted[i] = x->host[(size_t)any[i / width] * width + i % width];
        check(c, "gathered", out, wanted, numbers(c, count * width));

        struct tensor *from = tensor_random(c, ELEMENT_REAL, count * width, 1);
        struct tensor *to = tensor_random(c, ELEMENT_REAL, all * width, 1);
        index = tensor_from(c, ELEMENT_I32, count, once);
        c->backend->scatter_rows(c->backend, to->real, from->real, index->i32, count,
                                 width);
        memcpy(wanted, to->host, all * width * sizeof *wanted);
        for (size_t i = 0; i < count * width; i++)
            wanted[(size_t)once[i / width] * width + i % width] = from->host[i];
        check(c, "scattered", to, wanted, numbers(c, all * width));
    }
}

/* Ids of `count` rows; most come more than once. */
static double *some_ids(struct conformance *c, size_t count, size_t vocabulary) {
    double *ids = numbers(c, count);
    for (size_t i = 0; i < count; i++)
        ids[i] = (double)random_below(&c->random, vocabulary);
    return ids;
}

struct text_shape {
    size_t sequences, tokens, width, vocabulary;
};

static const struct text_shape text_shapes[] = {
    {1, 1, 1, 1}, {3, 7, 17, 5}, {2, 31, 64, 40}, {5, 3, 257, 9}, {9, 37, 3, 11}};

static void embedded_texts(struct conformance *c) {
    for (size_t s = 0; s < sizeof text_shapes / sizeof *text_shapes; s++) {
        struct text_shape shape = text_shapes[s];
        size_t w = shape.width, n = shape.sequences * shape.tokens * w;
        double *ids = some_ids(c, n / w, shape.vocabulary);
        struct tensor *table = tensor_random(c, ELEMENT_REAL, shape.vocabulary * w, 1);
        struct tensor *position = tensor_random(c, ELEMENT_REAL, shape.tokens * w, 1);
        tensor_set(c, table, (size_t)ids[0] * w, (double)NAN);
        struct tensor *index = tensor_from(c, ELEMENT_I32, n / w, ids);
        struct tensor *out = tensor_output(c, ELEMENT_REAL, n);
        c->backend->embed_tokens(c->backend, out->real, table->real, position->real,
                                 index->i32, shape.sequences, shape.tokens, w);
        double *wanted = numbers(c, n), *tolerance = numbers(c, n);
        for (size_t i = 0; i < n; i++) {
            wanted[i] = table->host[(size_t)ids[i / w] * w + i % w] +
                        position->host[i / w % shape.tokens * w + i % w];
            tolerance[i] = c->store * fabs(wanted[i]);
        }
        check(c, "embedded texts", out, wanted, tolerance);
    }
}

/* One sum of all groups, or the squares of each group's own. */
static void table_gradient(struct conformance *c, struct text_shape shape,
                           bool squared) {
    size_t w = shape.width, rows = shape.tokens, all = shape.sequences * rows;
    size_t cells = shape.vocabulary * w;
    float scale = squared ? 0.37f : 1;
    double *ids = some_ids(c, all, shape.vocabulary);
    struct tensor *dx = tensor_random(c, ELEMENT_REAL, all * w, 1);
    tensor_set(c, dx, all * w - 1, (double)NAN);
    struct tensor *index = tensor_from(c, ELEMENT_I32, all, ids);
    struct tensor *to = tensor_random(c, ELEMENT_F32, cells, 1);
    double *wanted = numbers(c, cells), *tolerance = numbers(c, cells);
    memcpy(wanted, to->host, cells * sizeof *wanted);
    for (size_t i = 0; i < cells; i++)
        tolerance[i] = SINGLE * fabs(wanted[i]);
    for (size_t g = 0; g < shape.sequences; g++) {
        double *sum = numbers(c, cells), *size = numbers(c, cells);
        for (size_t i = g * rows; i < (g + 1) * rows; i++)
            for (size_t j = 0; j < w; j++) {
                sum[(size_t)ids[i] * w + j] += dx->host[i * w + j];
                size[(size_t)ids[i] * w + j] += fabs(dx->host[i * w + j]);
            }
        /* Each of `all` additions at most rounds what there is so far. */
        for (size_t i = 0; i < cells; i++) {
            double more = squared ? sum[i] * sum[i] : sum[i];
            double most = squared ? size[i] * size[i] : size[i];
            wanted[i] += (double)scale * more;
            tolerance[i] += (double)(2 * all + 4) * SINGLE * most;
        }
    }
    c->backend->embedding_gradient(c->backend, to->f32, dx->real, index->i32,
                                   shape.sequences, rows, w, squared, scale);
    check(c, squared ? "squared sums" : "sums", to, wanted, tolerance);
}

static void embedding_gradients(struct conformance *c) {
    for (size_t s = 0; s < sizeof text_shapes / sizeof *text_shapes; s++) {
        table_gradient(c, text_shapes[s], false);
        table_gradient(c, text_shapes[s], true);
    }
}

const struct conformance_case conformance_embedding_cases[] = {
    {"patches", patches},
    {"tokens", tokens},
    {"embedded texts", embedded_texts},
    {"embedding gradient", embedding_gradients},
    {"rows by index", rows},
    {NULL, NULL}};
