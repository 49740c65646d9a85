/* The methods that are one number for every model and tensor: the average, task
 * arithmetic, and those that work the numbers out from lengths and angles: SLERP
 * (Shoemake 1985), the Karcher mean on the sphere, Model Stock (Jang et al. 2024,
 * arXiv 2403.19522). The inner products of the models are all that these need. */
#include <math.h>
#include <string.h>

#include "tensorwise/method.h"

/* The shares of the weights, which do not add up to 0 (coefficients_check). */
static void shares_of(const struct tensor_input *input, double *shares) {
    size_t count = input->values->models->count;
    double sum = 0;
    for (size_t t = 0; t < count; t++)
        sum += input->weights[t];
    for (size_t t = 0; t < count; t++)
        shares[t] = input->weights[t] / sum;
}

static int decide_average(const struct tensor_input *input, struct blend *blend,
                          struct error *error) {
    (void)error;
    shares_of(input, blend->weights);
    return 0;
}

static int decide_task_arithmetic(const struct tensor_input *input, struct blend *blend,
                                  struct error *error) {
    (void)error;
    blend->scale = tensorwise_number(input, "scale");
    return 0;
}

/* theta = sum_t c[t] theta_t, in terms of theta_0 and the task vectors. */
static void set_models(struct blend *blend, const double *c, size_t count) {
    blend->base = 0;
    for (size_t t = 0; t < count; t++) {
        blend->base += c[t];
        blend->weights[t] = c[t];
    }
}

/* --- slerp ------------------------------------------------------------------------ */

/* Models whose directions differ by so little, or by half a turn, have no plane: they
 * are interpolated linearly, as mergekit does. */
static const double parallel = 0.9995;
static const double no_length = 1e-8;

static int decide_slerp(const struct tensor_input *input, struct blend *blend,
                        struct error *error) {
    double gram[4], shares[2], c[2];
    if (values_gram(input->values, true, input->threads, gram, error))
        return -1;
    shares_of(input, shares);
    double a = sqrt(gram[0]), b = sqrt(gram[3]);
    double cosine = gram[1] / (a > no_length ? a : 1) / (b > no_length ? b : 1);
    memcpy(c, shares, sizeof c);
    if (fabs(cosine) <= parallel) {
        double angle = acos(cosine);
        c[0] = sin(shares[0] * angle) / sin(angle);
        c[1] = sin(shares[1] * angle) / sin(angle);
    }
    set_models(blend, c, 2);
    return 0;
}

/* --- karcher ---------------------------------------------------------------------- */

/* The sphere's points here are sums of the models' directions u_t: x [count] stands for
 * sum_t x[t] u_t, and cosines [count, count] are the products of the u_t. */
struct sphere {
    size_t count;
    const double *cosines;
};

static double product(const struct sphere *s, const double *x, const double *y) {
    double sum = 0;
    for (size_t a = 0; a < s->count; a++)
        for (size_t b = 0; b < s->count; b++)
            sum += x[a] * s->cosines[a * s->count + b] * y[b];
    return sum;
}

static double length(const struct sphere *s, const double *x) {
    double square = product(s, x, x);
    return square > 0 ? sqrt(square) : 0;
}

/* One step: the mean of the logarithms at x, followed along the sphere. Returns its
 * length; x is left where it is below tolerance. */
static double karcher_step(const struct sphere *s, const double *shares,
                           double tolerance, double *x) {
    double tangent[MODELS_MAX] = {0};
    for (size_t t = 0; t < s->count; t++) {
        double direction[MODELS_MAX] = {0};
        direction[t] = 1;
        double cosine = fmax(-1, fmin(1, product(s, x, direction)));
        double angle = acos(cosine);
        if (angle < tolerance)
            continue;
        double factor = shares[t] * angle / sin(angle);
        for (size_t k = 0; k < s->count; k++)
            tangent[k] += factor * (direction[k] - cosine * x[k]);
    }
    double step = length(s, tangent);
    if (step < tolerance)
        return step;
    for (size_t k = 0; k < s->count; k++)
        x[k] = cos(step) * x[k] + sin(step) * tangent[k] / step;
    double norm = length(s, x);
    for (size_t k = 0; k < s->count && norm > tolerance; k++)
        x[k] /= norm;
    return step;
}

static int decide_karcher(const struct tensor_input *input, struct blend *blend,
                          struct error *error) {
    size_t count = input->values->models->count;
    double gram[MODELS_MAX * MODELS_MAX], shares[MODELS_MAX], norms[MODELS_MAX];
    double x[MODELS_MAX] = {0}, scale = 0;
    double tolerance = tensorwise_number(input, "tolerance");
    if (values_gram(input->values, true, input->threads, gram, error))
        return -1;
    shares_of(input, shares);
    double present = 0;
    for (size_t t = 0; t < count; t++) {
        norms[t] = sqrt(gram[t * count + t]);
        scale += shares[t] * norms[t];
        shares[t] = norms[t] > tolerance ? shares[t] : 0;
        present += shares[t];
    }
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < count; b++)
            gram[a * count + b] /= norms[a] * norms[b] > 0 ? norms[a] * norms[b] : 1;
    const struct sphere s = {count, gram};
    size_t first = 0;
    for (size_t t = count; t-- > 0;) {
        x[t] = shares[t] /= present != 0 ? present : 1;
        first = shares[t] != 0 ? t : first;
    }
    double norm = length(&s, x);
    for (size_t t = 0; t < count; t++)
        x[t] = norm < tolerance ? t == first : x[t] / norm;
    double steps = tensorwise_number(input, "iterations");
    for (double i = 0; i < steps; i++)
        if (karcher_step(&s, shares, tolerance, x) < tolerance)
            break;
    for (size_t t = 0; t < count; t++)
        x[t] = norms[t] > tolerance ? scale * x[t] / norms[t] : 0;
    set_models(blend, x, count);
    return 0;
}

/* --- model stock ------------------------------------------------------------------ */

/* With the mean cosine c of the task vectors and N models: theta_0 and the average are
 * interpolated by t = N c / (1 + (N - 1) c). */
static int decide_model_stock(const struct tensor_input *input, struct blend *blend,
                              struct error *error) {
    size_t count = input->values->models->count;
    double gram[MODELS_MAX * MODELS_MAX], sum = 0;
    if (values_gram(input->values, false, input->threads, gram, error))
        return -1;
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < a; b++) {
            double norms = sqrt(gram[a * count + a]) * sqrt(gram[b * count + b]);
            double cosine = gram[a * count + b] / fmax(norms, 1e-6);
            sum += fmax(-1, fmin(1, cosine));
        }
    double n = (double)count, cosine = sum / (n * (n - 1) / 2);
    double divisor = 1 + (n - 1) * cosine;
    double t = fabs(divisor) < 1e-6 ? 0 : n * cosine / divisor;
    for (size_t k = 0; k < count; k++)
        blend->weights[k] = t / n;
    return 0;
}

/* --- the rows --------------------------------------------------------------------- */

const struct tensorwise_method tensorwise_average = {
    .head = {.name = "average", .summary = "the mean of the experts"},
    .least = 1,
    .relative = true,
    .decide = decide_average};

static const struct merge_parameter task_arithmetic_parameters[] = {
    MERGE_SCALE, MERGE_WEIGHT, {0}};

const struct tensorwise_method tensorwise_task_arithmetic = {
    .head = {.name = "task-arithmetic",
             .summary = "theta_0 + scale * sum of task vectors (Ilharco et al. 2023)",
             .parameters = task_arithmetic_parameters},
    .least = 1,
    .needs_pretrained = true,
    .decide = decide_task_arithmetic};

const struct tensorwise_method tensorwise_slerp = {
    .head = {.name = "slerp",
             .summary = "two experts, along the arc between them (Shoemake 1985)"},
    .least = 2,
    .most = 2,
    .relative = true,
    .decide = decide_slerp};

static const struct merge_parameter karcher_parameters[] = {
    {.name = "iterations",
     .whole = true,
     .initial = 10,
     .low = 1,
     .high = 1000,
     .help = "steps at most"},
    {.name = "tolerance",
     .initial = 1e-5,
     .low = 0,
     .high = 1,
     .above_low = true,
     .help = "the length of a step that is the last"},
    {0}};

const struct tensorwise_method tensorwise_karcher = {
    .head = {.name = "karcher",
             .summary = "the mean of the experts' directions on the sphere, of their "
                        "mean length",
             .parameters = karcher_parameters},
    .least = 1,
    .relative = true,
    .decide = decide_karcher};

const struct tensorwise_method tensorwise_model_stock = {
    .head = {.name = "model-stock",
             .summary = "from the pretrained model towards the average, by the angles "
                        "between the task vectors (Jang et al. 2024)"},
    .least = 2,
    .needs_pretrained = true,
    .unweighted = true,
    .decide = decide_model_stock};
