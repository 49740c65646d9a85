/* The arithmetic follows Pillow's, which the tests hold it to byte by byte: each
 * axis has its own pass with a rounding to 8 bits between, columns first unless the
 * height shrinks by more than twice the pixels that the width shrinks by; an
 * output pixel's filter weights are computed in f64, divided by their sum and
 * rounded to fixed point of 22 bits; sums start at one half and are clipped. When
 * an edge shrinks the filter is stretched by the same factor. An axis that keeps
 * its size is not filtered. Nearest neighbour adds up the step in f64. */
#include "data/resize.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/image.h"

enum { FRACTION_BITS = 32 - 8 - 2 };

static double filter_box(double x) {
    return x > -0.5 && x <= 0.5 ? 1 : 0;
}

static double filter_triangle(double x) {
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

static double filter_hamming(double x) {
    x = fabs(x);
    if (x == 0)
        return 1;
    if (x >= 1)
        return 0;
    x *= M_PI;
    /* The constants are rounded to f32 in Pillow. */
    return sin(x) / x * ((double)0.54f + (double)0.46f * cos(x));
}

/* Keys' cubic convolution with a = -1/2. */
static double filter_cubic(double x) {
    const double a = -0.5;
    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

static double sinc(double x) {
    return x == 0 ? 1 : sin(x * M_PI) / (x * M_PI);
}

static double filter_lanczos(double x) {
    return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

static const struct filter {
    double (*weight)(double x);
    double support; /* it is zero farther from 0 */
} filters[] = {
    [RESAMPLE_LANCZOS] = {filter_lanczos, 3},
    [RESAMPLE_BILINEAR] = {filter_triangle, 1},
    [RESAMPLE_BICUBIC] = {filter_cubic, 2},
    [RESAMPLE_BOX] = {filter_box, 0.5},
    [RESAMPLE_HAMMING] = {filter_hamming, 1},
};

/* Where each of `count` output pixels of one axis comes from: source[i] is the
 * first input pixel, taps[i] how many, weights + i * stride their weights. */
struct axis {
    size_t count, stride;
    size_t *source, *taps;
    int32_t *weights;
};

static void axis_release(struct axis *axis) {
    free(axis->source);
    free(axis->taps);
    free(axis->weights);
}

static int axis_allocate(struct axis *axis, size_t count, size_t stride,
                         struct error *error) {
    size_t weights;
    if (!size_multiply(count, stride, &weights))
        return error_memory(error);
    *axis = (struct axis){count, stride, array_new(count, sizeof *axis->source),
                          array_new(count, sizeof *axis->taps),
                          array_new(weights, sizeof *axis->weights)};
    if (!axis->source || !axis->taps || !axis->weights) {
        axis_release(axis);
        return error_memory(error);
    }
    return 0;
}

static int32_t to_fixed(double weight) {
    double scaled = weight * (1 << FRACTION_BITS);
    return (int32_t)(weight < 0 ? scaled - 0.5 : scaled + 0.5);
}

static int axis_filter(struct axis *axis, const struct filter *filter, size_t from,
                       size_t to, size_t first, size_t count, struct error *error) {
    double scale = (double)from / (double)to, stretch = scale < 1 ? 1 : scale;
    double support = filter->support * stretch, inverse = 1 / stretch;
    size_t stride = (size_t)ceil(support) * 2 + 1;
    if (axis_allocate(axis, count, stride, error))
        return -1;
    double *weights = array_new(stride, sizeof *weights);
    if (!weights) {
        axis_release(axis);
        return error_memory(error);
    }
    for (size_t i = 0; i < count; i++) {
        double centre = ((double)(first + i) + 0.5) * scale, sum = 0;
        ptrdiff_t begin = (ptrdiff_t)(centre - support + 0.5);
        ptrdiff_t end = (ptrdiff_t)(centre + support + 0.5);
        begin = begin < 0 ? 0 : begin;
        end = end > (ptrdiff_t)from ? (ptrdiff_t)from : end;
        size_t taps = (size_t)(end - begin);
        for (size_t k = 0; k < taps; k++) {
            double x = (double)((ptrdiff_t)k + begin);
            weights[k] = filter->weight((x - centre + 0.5) * inverse);
            sum += weights[k];
        }
        for (size_t k = 0; k < taps; k++)
            axis->weights[i * stride + k] =
                to_fixed(sum != 0 ? weights[k] / sum : weights[k]);
        axis->source[i] = (size_t)begin;
        axis->taps[i] = taps;
    }
    free(weights);
    return 0;
}

/* Each output pixel is one input pixel. */
static int axis_pick(struct axis *axis, size_t from, size_t to, size_t first,
                     size_t count, struct error *error) {
    if (axis_allocate(axis, count, 1, error))
        return -1;
    double step = (double)from / (double)to, at = step * 0.5;
    for (size_t i = 0; i < first + count; i++, at += step) {
        if (i < first)
            continue;
        size_t source = from == to ? i : (size_t)at;
        axis->source[i - first] = source < from ? source : from - 1;
        axis->taps[i - first] = 1;
        axis->weights[i - first] = 1 << FRACTION_BITS;
    }
    return 0;
}

static int axis_plan(struct axis *axis, enum resample resample, size_t from, size_t to,
                     size_t first, size_t count, struct error *error) {
    if (from == to || resample == RESAMPLE_NEAREST)
        return axis_pick(axis, from, to, first, count, error);
    return axis_filter(axis, &filters[resample], from, to, first, count, error);
}

static uint8_t to_byte(int32_t sum) {
    int32_t value = sum >> FRACTION_BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* One row of interleaved pixels to three rows of `axis->count`, plane apart. */
static void filter_columns(const struct axis *axis, const uint8_t *restrict row,
                           uint8_t *restrict out, size_t plane) {
    for (size_t i = 0; i < axis->count; i++) {
        const uint8_t *pixel = row + 3 * axis->source[i];
        const int32_t *weights = axis->weights + i * axis->stride;
        size_t taps = axis->taps[i];
        int32_t red = 1 << (FRACTION_BITS - 1), green = red, blue = red;
        for (size_t k = 0; k < taps; k++) {
            red += pixel[3 * k] * weights[k];
            green += pixel[3 * k + 1] * weights[k];
            blue += pixel[3 * k + 2] * weights[k];
        }
        out[i] = to_byte(red);
        out[plane + i] = to_byte(green);
        out[2 * plane + i] = to_byte(blue);
    }
}

/* `taps` rows of `width` bytes, `stride` apart, to one; sums has room for width
 * numbers. */
static void filter_rows(const uint8_t *restrict rows, size_t width, size_t stride,
                        size_t taps, const int32_t *restrict weights,
                        int32_t *restrict sums, uint8_t *restrict out) {
    for (size_t x = 0; x < width; x++)
        sums[x] = 1 << (FRACTION_BITS - 1);
    for (size_t k = 0; k < taps; k++) {
        const uint8_t *restrict row = rows + k * stride;
        int32_t weight = weights[k];
#pragma omp simd
        for (size_t x = 0; x < width; x++)
            sums[x] += row[x] * weight;
    }
#pragma omp simd
    for (size_t x = 0; x < width; x++)
        out[x] = to_byte(sums[x]);
}

struct resize_target {
    uint8_t *pixels;
    size_t row_stride, plane_stride;
};

/* What lies between the passes, and sums for filter_rows. */
struct middle {
    uint8_t *pixels;
    int32_t *sums;
};

static int middle_allocate(struct middle *middle, size_t rows, size_t row_bytes,
                           size_t sums, struct error *error) {
    enum { MOST_BYTES = 1 << 30 }; /* a picture very long for its width */
    size_t bytes;
    if (!size_multiply(rows, row_bytes, &bytes) || bytes > MOST_BYTES)
        return error_set(error, "the picture is too long for its width; crop it");
    *middle = (struct middle){malloc(bytes), array_new(sums, sizeof *middle->sums)};
    if (middle->pixels && middle->sums)
        return 0;
    free(middle->pixels);
    free(middle->sums);
    return error_memory(error);
}

/* The input pixels [begin, end) of an axis that its window needs. */
static void axis_range(const struct axis *axis, size_t *begin, size_t *end) {
    size_t last = axis->count - 1;
    *begin = axis->source[0];
    *end = axis->source[last] + axis->taps[last];
}

static int columns_first(const uint8_t *rgb, size_t width, const struct axis *columns,
                         const struct axis *rows, struct resize_target out,
                         struct error *error) {
    struct middle middle;
    size_t begin, end, across = columns->count;
    axis_range(rows, &begin, &end);
    size_t plane = across * (end - begin); /* both at most IMAGE_LONGEST_EDGE */
    if (middle_allocate(&middle, end - begin, across * 3, across, error))
        return -1;
    for (size_t y = begin; y < end; y++)
        filter_columns(columns, rgb + y * width * 3,
                       middle.pixels + (y - begin) * across, plane);
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < rows->count; i++)
            filter_rows(middle.pixels + c * plane + (rows->source[i] - begin) * across,
                        across, across, rows->taps[i], rows->weights + i * rows->stride,
                        middle.sums,
                        out.pixels + c * out.plane_stride + i * out.row_stride);
    free(middle.pixels);
    free(middle.sums);
    return 0;
}

static int rows_first(const uint8_t *rgb, size_t width, struct axis *columns,
                      const struct axis *rows, struct resize_target out,
                      struct error *error) {
    struct middle middle;
    size_t begin, end;
    axis_range(columns, &begin, &end);
    size_t row_bytes = (end - begin) * 3;
    if (middle_allocate(&middle, rows->count, row_bytes, row_bytes, error))
        return -1;
    for (size_t i = 0; i < columns->count; i++)
        columns->source[i] -= begin;
    for (size_t i = 0; i < rows->count; i++) {
        uint8_t *row = middle.pixels + i * row_bytes;
        filter_rows(rgb + (rows->source[i] * width + begin) * 3, row_bytes, width * 3,
                    rows->taps[i], rows->weights + i * rows->stride, middle.sums, row);
        filter_columns(columns, row, out.pixels + i * out.row_stride, out.plane_stride);
    }
    free(middle.pixels);
    free(middle.sums);
    return 0;
}

static bool edge_is_good(size_t edge) {
    return edge > 0 && edge <= IMAGE_LONGEST_EDGE;
}

int resize_rgb(const uint8_t *rgb, size_t width, size_t height, size_t to_width,
               size_t to_height, enum resample resample, struct window window,
               uint8_t *out, size_t row_stride, size_t plane_stride,
               struct error *error) {
    if (!edge_is_good(width) || !edge_is_good(height) || !edge_is_good(to_width) ||
        !edge_is_good(to_height))
        return error_set(
            error, "a picture of %zu x %zu pixels cannot be made %zu x %zu pixels",
            width, height, to_width, to_height);
    struct axis columns, rows;
    if (axis_plan(&columns, resample, width, to_width, window.left, window.width,
                  error))
        return -1;
    if (axis_plan(&rows, resample, height, to_height, window.top, window.height,
                  error)) {
        axis_release(&columns);
        return -1;
    }
    struct resize_target target = {out, row_stride, plane_stride};
    ptrdiff_t shorter = (ptrdiff_t)height - (ptrdiff_t)to_height;
    ptrdiff_t narrower = (ptrdiff_t)width - (ptrdiff_t)to_width;
    int status = shorter > 0 && shorter > 2 * narrower
                     ? rows_first(rgb, width, &columns, &rows, target, error)
                     : columns_first(rgb, width, &columns, &rows, target, error);
    axis_release(&columns);
    axis_release(&rows);
    return status;
}
