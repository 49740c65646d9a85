#include "pareto/simplex.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/order.h"

/* C(n, k), or 0 where it does not fit. */
static size_t binomial(size_t n, size_t k) {
    if (k > n)
        return 0;
    if (k > n - k)
        k = n - k;
    size_t result = 1;
    for (size_t i = 1; i <= k; i++) {
        unsigned __int128 wide = (unsigned __int128)result * (n - k + i) / i;
        if (wide > SIZE_MAX)
            return 0;
        result = (size_t)wide;
    }
    return result;
}

size_t simplex_grid_count(size_t tasks, size_t edge) {
    size_t top;
    if (tasks == 0 || edge < 2 || !size_add(edge - 2, tasks, &top))
        return 0;
    return binomial(top, tasks - 1);
}

void simplex_grid_at(size_t tasks, size_t edge, size_t index, double *preference) {
    size_t left = edge - 1;
    for (size_t i = 0; i < tasks; i++) {
        size_t part = left;
        if (i + 1 < tasks) {
            /* From the greatest part down, skip the vectors that have it here. */
            for (size_t with = 1; index >= with && part > 0;
                 with = simplex_grid_count(tasks - i - 1, left - part + 1)) {
                index -= with;
                part--;
            }
        }
        preference[i] = (double)part / (double)(edge - 1);
        left -= part;
    }
}

bool simplex_grid_find(size_t tasks, size_t edge, const double *preference,
                       size_t *index) {
    size_t left = edge - 1;
    *index = 0;
    for (size_t i = 0; i < tasks; i++) {
        double part = round(preference[i] * (double)(edge - 1));
        if (!(part >= 0 && part <= (double)left) ||
            fabs(preference[i] - part / (double)(edge - 1)) > 1e-9)
            return false;
        left -= (size_t)part;
        /* Those before it have more here: as many as there are ways to share left - 1
         * among this place and all behind it. */
        *index += left > 1 ? simplex_grid_count(tasks - i, left) : left;
    }
    return left == 0;
}

/* Numbers are read and written with a point, whatever the user's locale has. */
static locale_t plain_begin(locale_t *plain) {
    *plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return *plain ? uselocale(*plain) : (locale_t)0;
}

static void plain_end(locale_t plain, locale_t before) {
    if (!plain)
        return;
    uselocale(before);
    freelocale(plain);
}

static double read_number(const char *text, char **end) {
    locale_t plain, before = plain_begin(&plain);
    double value = strtod(text, end);
    plain_end(plain, before);
    return value;
}

/* Shares of any sum, which *total becomes; fractions: "1/3" is one. */
static int parse(const char *text, size_t tasks, bool fractions, double *preference,
                 double *total, struct error *error) {
    size_t count = 0;
    double sum = 0;
    const char *at = text;
    bool comma = false;
    for (;;) {
        while (isspace((unsigned char)*at))
            at++;
        if (*at == '\0' && !comma)
            break;
        char *end;
        double value = read_number(at, &end);
        if (fractions && end != at && *end == '/') {
            const char *below = end + 1;
            double divisor = read_number(below, &end);
            value = end != below && divisor > 0 ? value / divisor : (double)NAN;
        }
        if (end == at || isnan(value))
            return error_set(error,
                             "preference \"%s\": number %zu cannot be read; give %zu "
                             "numbers that sum to 1",
                             text, count + 1, tasks);
        if (value < 0 || isinf(value))
            return error_set(error,
                             "preference \"%s\": number %zu is not between 0 and 1; "
                             "give %zu numbers that sum to 1",
                             text, count + 1, tasks);
        if (count < tasks)
            preference[count] = value;
        count++;
        sum += value;
        at = end;
        while (isspace((unsigned char)*at))
            at++;
        comma = *at == ',';
        if (comma)
            at++;
        else if (at == end && *at != '\0')
            return error_set(error,
                             "preference \"%s\": \"%s\" after number %zu; separate "
                             "numbers by commas",
                             text, TEXT_CUT(at, 16), count);
    }
    if (count != tasks)
        return error_set(
            error, "preference \"%s\" has %zu numbers; give %zu, one for each task",
            text, count, tasks);
    *total = sum;
    return 0;
}

int simplex_parse(const char *text, size_t tasks, double *preference,
                  struct error *error) {
    double sum;
    if (parse(text, tasks, false, preference, &sum, error))
        return -1;
    if (!(fabs(sum - 1) <= 1e-6))
        return error_set(error, "preference \"%s\" sums to %.9g; it has to sum to 1",
                         text, sum);
    return 0;
}

int simplex_parse_shares(const char *text, size_t tasks, double *preference,
                         double *sum, struct error *error) {
    if (parse(text, tasks, true, preference, sum, error))
        return -1;
    if (isinf(*sum))
        return error_set(error, "preference \"%s\": its shares are too large", text);
    if (!(*sum > 0))
        return error_set(error, "preference \"%s\": one share at least must be above 0",
                         text);
    for (size_t t = 0; t < tasks; t++)
        preference[t] /= *sum;
    return 0;
}

char *simplex_text(const double *preference, size_t tasks, char *out, size_t size) {
    size_t used = 0;
    if (size > 0)
        out[0] = '\0';
    locale_t plain, before = plain_begin(&plain);
    for (size_t i = 0; i < tasks && used < size; i++) {
        int length =
            snprintf(out + used, size - used, "%s%.6g", i ? "," : "", preference[i]);
        if (length < 0)
            break;
        used += (size_t)length;
    }
    plain_end(plain, before);
    return out;
}

void simplex_project(double *vector, size_t tasks) {
    /* Michelot's (1986) way to the same threshold as by sorting: take the mean excess
     * of those above the threshold until no more of them fall below it. */
    double threshold = -INFINITY;
    size_t above = tasks + 1;
    for (;;) {
        double sum = 0;
        size_t count = 0;
        for (size_t i = 0; i < tasks; i++)
            if (vector[i] > threshold) {
                sum += vector[i];
                count++;
            }
        if (count == above || count == 0)
            break;
        above = count;
        threshold = (sum - 1) / (double)count;
    }
    double total = 0;
    for (size_t i = 0; i < tasks; i++) {
        vector[i] = fmax(vector[i] - threshold, 0);
        total += vector[i];
    }
    for (size_t i = 0; i < tasks && total > 0; i++)
        vector[i] /= total;
}

/* Solves matrix [size, size] x = right for each of the columns of `right`, in place
 * (Cholesky; the lower triangle is read); false where the matrix is not positive
 * definite. */
static bool solve(double *matrix, double *right, size_t size, size_t columns) {
    for (size_t j = 0; j < size; j++) {
        double pivot = matrix[j * size + j];
        for (size_t k = 0; k < j; k++)
            pivot -= matrix[j * size + k] * matrix[j * size + k];
        if (!(pivot > 0))
            return false;
        pivot = sqrt(pivot);
        matrix[j * size + j] = pivot;
        for (size_t i = j + 1; i < size; i++) {
            double sum = matrix[i * size + j];
            for (size_t k = 0; k < j; k++)
                sum -= matrix[i * size + k] * matrix[j * size + k];
            matrix[i * size + j] = sum / pivot;
        }
    }
    for (size_t c = 0; c < columns; c++) {
        double *x = right + c * size;
        for (size_t i = 0; i < size; i++) {
            for (size_t k = 0; k < i; k++)
                x[i] -= matrix[i * size + k] * x[k];
            x[i] /= matrix[i * size + i];
        }
        for (size_t i = size; i-- > 0;) {
            for (size_t k = i + 1; k < size; k++)
                x[i] -= matrix[k * size + i] * x[k];
            x[i] /= matrix[i * size + i];
        }
    }
    return true;
}

/* Below this distance two preferences are one: they are shown with six digits. */
#define SAME_PREFERENCE 1e-7

/* distances [count] to preference, of which *nearest is the least; the width of the
 * Gaussian is the distance of the neighbour that makes a plane determined. */
static double neighbour_width(const double *preferences, size_t count, size_t tasks,
                              const double *preference, double *distances,
                              double *scratch, double *nearest) {
    *nearest = INFINITY;
    for (size_t i = 0; i < count; i++) {
        double square = 0;
        for (size_t j = 0; j < tasks; j++) {
            double d = preferences[i * tasks + j] - preference[j];
            square += d * d;
        }
        distances[i] = scratch[i] = sqrt(square);
        *nearest = distances[i] < *nearest ? distances[i] : *nearest;
    }
    size_t rank = count - 1 < tasks ? count - 1 : tasks;
    return fmax(order_select(scratch, count, rank), SAME_PREFERENCE);
}

/* Weighted least squares around a preference: the unknowns are the value there, and
 * the slopes along all coordinates but the last, which the others determine. */
struct local_fit {
    const double *preferences, *values; /* [count, tasks], [count, objectives] */
    size_t count, tasks, objectives;
    double *distances; /* [count], and as many to work with */
    double *matrix;    /* [tasks, tasks], of which the lower triangle is there */
    double *right;     /* [objectives, tasks] */
    double *row;       /* [tasks] */
};

/* A stored preference's part in the fit, and in the weighted mean. */
static void add_to_fit(struct local_fit *f, size_t i, const double *preference,
                       double width, double weight, double *mean) {
    const size_t size = f->tasks;
    const double *values = f->values + i * f->objectives;
    f->row[0] = 1;
    for (size_t j = 0; j + 1 < size; j++)
        f->row[j + 1] = (f->preferences[i * size + j] - preference[j]) / width;
    for (size_t a = 0; a < size; a++) {
        for (size_t b = 0; b <= a; b++)
            f->matrix[a * size + b] += weight * f->row[a] * f->row[b];
        for (size_t j = 0; j < f->objectives; j++)
            f->right[j * size + a] += weight * f->row[a] * values[j];
    }
    for (size_t j = 0; j < f->objectives; j++)
        mean[j] += weight * values[j];
}

/* The weighted mean, and the fit; `same` where stored preferences are this very one,
 * which then count alone. */
static void fill_fit(struct local_fit *f, const double *preference, bool *same,
                     double *mean) {
    double nearest;
    double width = neighbour_width(f->preferences, f->count, f->tasks, preference,
                                   f->distances, f->distances + f->count, &nearest);
    double total = 0;
    *same = nearest < SAME_PREFERENCE;
    for (size_t j = 0; j < f->objectives; j++)
        mean[j] = 0;
    for (size_t i = 0; i < f->count; i++) {
        double d = f->distances[i];
        if (*same && d >= SAME_PREFERENCE)
            continue;
        /* Without bound at a stored preference, so that the estimate has its value
         * there and nothing jumps on the way to it. */
        double weight =
            *same ? 1 : exp(-d * d / (2 * width * width)) * width * width / (d * d);
        total += weight;
        add_to_fit(f, i, preference, width, weight, mean);
    }
    for (size_t j = 0; j < f->objectives; j++)
        mean[j] /= total;
}

/* The value at the preference, within what is stored; the mean stays where there is no
 * solution. */
static void solve_fit(struct local_fit *f, double *estimate) {
    const size_t size = f->tasks, objectives = f->objectives;
    /* A direction in which the stored preferences do not spread has slope 0. */
    double trace = 0;
    for (size_t a = 1; a < size; a++)
        trace += f->matrix[a * size + a];
    for (size_t a = 1; a < size; a++)
        f->matrix[a * size + a] += 1e-9 * trace;
    if (!solve(f->matrix, f->right, size, objectives))
        return;
    for (size_t j = 0; j < objectives; j++) {
        double low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < f->count; i++) {
            double value = f->values[i * objectives + j]; /* no function call for it */
            low = value < low ? value : low;
            high = value > high ? value : high;
        }
        estimate[j] = fmin(fmax(f->right[j * size], low), high);
    }
}

int simplex_interpolate(const double *preferences, const double *values, size_t count,
                        size_t tasks, size_t objectives, const double *preference,
                        double *estimate, struct error *error) {
    size_t cells, rights;
    if (count == 0 || tasks == 0 || !size_multiply(tasks, tasks, &cells) ||
        !size_multiply(tasks, objectives, &rights))
        return error_set(error, "nothing to interpolate from; evaluate a preference");
    struct local_fit f = {.preferences = preferences,
                          .values = values,
                          .count = count,
                          .tasks = tasks,
                          .objectives = objectives};
    f.distances = array_new(count, 2 * sizeof *f.distances);
    f.matrix = array_new(cells, sizeof *f.matrix);
    f.right = array_new(rights, sizeof *f.right);
    f.row = array_new(tasks, sizeof *f.row);
    bool whole = f.distances && f.matrix && f.right && f.row, same;
    if (whole) {
        fill_fit(&f, preference, &same, estimate);
        if (!same)
            solve_fit(&f, estimate);
    }
    free(f.row);
    free(f.right);
    free(f.matrix);
    free(f.distances);
    return whole ? 0 : error_memory(error);
}
