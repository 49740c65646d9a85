#include "bench.h"

#include <math.h>
#include <time.h>

#include "base/usage.h"

enum { FEWEST = 3, MOST = 25, QUEUED_MOST = 2000 };

/* Queued runs are repeated for so long that waiting for them weighs little, seconds. */
static const double queued_for = 4e-3;

/* Seconds of one of `repeat` runs. */
static int time_runs(struct bench *s, const struct bench_what *what, size_t repeat,
                     double *seconds, struct error *error) {
    struct backend *b = s->backend;
    if (b && b->synchronise(b, error))
        return -1;
    double start = usage_clock();
    for (size_t i = 0; i < repeat; i++)
        if (what->run(what->self, error))
            return -1;
    if (b && b->synchronise(b, error))
        return -1;
    *seconds = (usage_clock() - start) / (double)repeat;
    return 0;
}

static size_t repeat_of(double seconds, bool queued) {
    double wanted = queued ? ceil(queued_for / seconds) : 1;
    return wanted > QUEUED_MOST ? QUEUED_MOST : wanted > 1 ? (size_t)wanted : 1;
}

/* Threads that still spin after the other program's turn are given time to sleep. */
static void settle(void) {
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

/* The peer's turn; a failure ends its part. */
static bool peer_turn(struct bench *s, const char *what, size_t repeat,
                      double *seconds) {
    struct error error;
    settle();
    if (peer_run(s->peer, what, repeat, seconds, &error)) {
        figures_note(s->figures, "%s: %s: %s", s->shape ? s->shape->name : "device",
                     what, error.text);
        return false;
    }
    settle();
    return true;
}

int bench_measure(struct bench *s, const struct bench_what *what,
                  struct bench_times *times, struct error *error) {
    double ours[MOST], theirs[MOST], once, peer_once = 0;
    for (int warm = 0; warm < 2; warm++)
        if (time_runs(s, what, 1, &once, error))
            return error_prefix(error, "%s", what->name);
    bool peer = s->peer && what->peer;
    for (int warm = 0; peer && warm < 2; warm++)
        peer = peer_turn(s, what->peer, 1, &peer_once);
    size_t repeat = repeat_of(once, what->queued);
    size_t peer_repeat = peer ? repeat_of(peer_once, what->queued) : 0;
    double round = once * (double)repeat + peer_once * (double)peer_repeat;
    double fit = s->budget / round;
    size_t rounds = fit > MOST ? MOST : fit > FEWEST ? (size_t)fit : FEWEST;
    for (size_t i = 0; i < rounds; i++) {
        if (time_runs(s, what, repeat, &ours[i], error))
            return error_prefix(error, "%s", what->name);
        peer = peer && peer_turn(s, what->peer, peer_repeat, &theirs[i]);
    }
    times->ours = timing_of(ours, rounds);
    times->peer = peer ? timing_of(theirs, rounds).median : NAN;
    return 0;
}

const char *bench_precision(const struct bench *s) {
    return s->precision == PRECISION_FP8    ? "fp8"
           : s->precision == PRECISION_BF16 ? "bf16"
                                            : "f32";
}

static int add(struct bench *s, struct figure *figure, const char *name,
               struct error *error) {
    char line[256];
    figure->shape = s->shape ? s->shape->name : "";
    figure->precision = bench_precision(s);
    figure->floor_unit = figure->unit;
    snprintf(figure->name, sizeof figure->name, "%s", name);
    printf("%s\n", figure_line(figure, line, sizeof line));
    fflush(stdout);
    return figures_add(s->figures, figure, error);
}

int bench_add_time(struct bench *s, const char *name, const struct bench_times *times,
                   double floor, struct error *error) {
    struct figure figure = {.value = 1e3 * times->ours.median,
                            .unit = "ms",
                            .floor = 1e3 * floor,
                            .peer = 1e3 * times->peer,
                            .repeats = times->ours.repeats,
                            .spread = times->ours.spread};
    return add(s, &figure, name, error);
}

int bench_add_rate(struct bench *s, const char *name, const struct bench_times *times,
                   double work, const char *unit, double floor, struct error *error) {
    struct figure figure = {.value = work / times->ours.median,
                            .unit = unit,
                            .more_is_better = true,
                            .floor = floor,
                            .peer = work / times->peer,
                            .repeats = times->ours.repeats,
                            .spread = times->ours.spread};
    return add(s, &figure, name, error);
}

int bench_add_value(struct bench *s, const char *name, double value, const char *unit,
                    double floor, struct error *error) {
    struct figure figure = {.value = value,
                            .unit = unit,
                            .floor = floor,
                            .peer = NAN,
                            .repeats = 1,
                            .spread = NAN};
    return add(s, &figure, name, error);
}

void bench_start_peer(struct bench *s) {
    struct error error;
    struct layout *layout;
    if (!s->wants_peer || s->peer || s->peer_failed)
        return;
    if (layout_new(&s->shape->config, NULL, &layout, &error)) {
        figures_note(s->figures, "%s", error.text);
        return;
    }
    struct peer_options options = {.device = s->device,
                                   .shape = s->shape->name,
                                   .precision = s->precision,
                                   .tasks = s->tasks,
                                   .batch = s->batch,
                                   .images = s->images,
                                   .threads = s->cores,
                                   .parameters = shape_parameters(layout)};
    layout_free(layout);
    s->peer_failed = peer_open(&options, &s->peer, &error) != 0;
    if (s->peer_failed)
        figures_note(s->figures, "%s: no figures of PyTorch: %s", s->shape->name,
                     error.text);
    else
        json_object_set_new(s->figures->about,
                            s->precision == PRECISION_BF16 ? "peer_bf16" : "peer_f32",
                            json_string(peer_name(s->peer)));
}
