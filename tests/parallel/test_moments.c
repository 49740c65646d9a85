/* Adam's moments shared out among ranks: values to the bit those of one process that
 * has all gradients, memory and bytes as counted on paper, and a state's file that is
 * the same whoever writes it; the gradient of a correction, which travels while it is
 * being made; and closed forms whose layers ranks make together. The program starts
 * itself by mpirun; what a rank finds wrong ends it with a line and status 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/memory.h"
#include "launch.h"
#include "parallel/ranks.h"
#include "support/folder.h"
#include "support/golden.h"
#include "support/patience.h"
#include "train/distillation_state.h"

/* Pieces of which one is too small for a part each; the last is no multiple of 64. */
enum { PIECES = 3, SMALL = 64, LARGE = 64 * 700, COUNT = 64 * 1000 + 37, STEPS = 4 };
static const size_t begins[PIECES + 1] = {0, SMALL, LARGE, COUNT};

static struct ranks *ranks;
static struct error error;
static struct backend *b;

static float number(unsigned rank, unsigned step, size_t i) {
    uint64_t x = (rank + 1) * 0x9e3779b97f4a7c15u + i * 0xbf58476d1ce4e5b9u + step;
    x ^= x >> 29;
    x *= 0x94d049bb133111ebu;
    return (float)(x >> 40) * (x & 1 ? 1e-9f : -7e-4f);
}

/* Numbers of a rank's part of a piece. */
static size_t part_size(size_t piece, unsigned rank) {
    size_t count = begins[piece + 1] - begins[piece];
    return ranks_part(ranks, count, rank + 1) - ranks_part(ranks, count, rank);
}

/* All ranks' gradients in the ring's order: part j of a piece is begun by rank j + 1.
 */
static void add_up(unsigned step, float *sums) {
    unsigned size = ranks_size(ranks);
    for (size_t piece = 0; piece < PIECES; piece++) {
        size_t i = begins[piece];
        for (unsigned part = 0; part < size; part++)
            for (size_t end = i + part_size(piece, part); i < end; i++) {
                sums[i] = number((part + 1) % size, step, i);
                for (unsigned k = 2; k <= size; k++)
                    sums[i] += number((part + k) % size, step, i);
            }
    }
}

/* A step of what is shared, and of the same numbers alone. */
static void step_both(struct trained *shared, struct trained *alone, unsigned step) {
    unsigned rank = ranks_rank(ranks), size = ranks_size(ranks);
    float *sums = array_new(COUNT, sizeof *sums), *got = array_new(COUNT, sizeof *got);
    CHECK(sums && got);
    for (size_t i = 0; i < COUNT; i++)
        got[i] = number(rank, step, i);
    b->upload(b, shared->gradient, got, COUNT * sizeof *got);
    add_up(step, sums);
    b->upload(b, alone->gradient, sums, COUNT * sizeof *sums);
    uint64_t before = ranks_sent(ranks), wanted = 0;
    CHECK(trained_reduce(b, shared, &error) == 0);
    trained_step(b, shared, 1e-2, 0.01, step);
    CHECK(trained_gather(b, shared, &error) == 0);
    trained_average(b, shared, 3);
    trained_step(b, alone, 1e-2, 0.01, step);
    trained_average(b, alone, 3);
    /* Down the ring all parts but one's own, then all but the next one's. */
    for (size_t piece = 0; piece < PIECES; piece++)
        wanted += 2 * (begins[piece + 1] - begins[piece]) - part_size(piece, rank) -
                  part_size(piece, (rank + 1) % size);
    CHECK(ranks_sent(ranks) - before == wanted * sizeof(float));
    CHECK(b->download(b, got, shared->values, COUNT * sizeof *got, &error) == 0);
    CHECK(b->download(b, sums, alone->values, COUNT * sizeof *sums, &error) == 0);
    CHECK(memcmp(got, sums, COUNT * sizeof *got) == 0);
    free(sums);
    free(got);
}

static void make(struct trained *t, struct ranks *sharing, const float *values,
                 size_t *memory) {
    const struct trained_split split = {sharing, begins, PIECES};
    size_t before, peak;
    b->memory_use(b, &before, &peak);
    CHECK(trained_new(b, t, COUNT, NULL, sharing ? &split : NULL, &error) == 0);
    CHECK(trained_keep_average(b, t, &error) == 0);
    b->memory_use(b, memory, &peak);
    *memory -= before;
    CHECK(trained_put(b, t, values, &error) == 0);
}

static void moments_take_their_part(size_t shared, size_t alone) {
    unsigned rank = ranks_rank(ranks);
    size_t kept = 0;
    for (size_t piece = 0; piece < PIECES; piece++)
        kept += part_size(piece, rank);
    CHECK(kept < COUNT / ranks_size(ranks) + 64 * PIECES + 37);
    CHECK(alone - shared == 2 * (COUNT - kept) * sizeof(float));
}

static bool same_files(const char *one, const char *other) {
    FILE *a = fopen(one, "rb"), *c = fopen(other, "rb");
    CHECK(a && c);
    int x, y;
    do {
        x = fgetc(a);
        y = fgetc(c);
    } while (x == y && x != EOF);
    fclose(a);
    fclose(c);
    return x == y;
}

static void save(struct trained *shared, struct trained *alone, const char *where) {
    struct training_state state = {.kind = "moments", .step = STEPS, .batch = 1};
    struct trained *list[1] = {shared}, *other[1] = {alone};
    char path[2][512];
    snprintf(path[0], sizeof path[0], "%s/shared", where);
    snprintf(path[1], sizeof path[1], "%s/alone", where);
    /* One that cannot be written costs nothing but itself. */
    if (ranks_rank(ranks)) {
        CHECK(trained_lend(b, list, 1, &error) == 0);
        CHECK(trained_lend(b, list, 1, &error) == 0);
        return;
    }
    CHECK(trained_save(b, list, 1, &state, "/nonexistent/state", NULL, &error) == -1);
    CHECK(trained_save(b, list, 1, &state, path[0], NULL, &error) == 0);
    CHECK(trained_save(b, other, 1, &state, path[1], NULL, &error) == 0);
    CHECK(same_files(path[0], path[1]));
}

/* What another number of ranks has saved, and goes on as one process does. */
static void resume(const char *where, const float *zeros) {
    struct training_state state = {.kind = "moments", .batch = 1};
    struct trained shared, alone;
    struct trained *list[1] = {&shared}, *other[1] = {&alone};
    size_t memory;
    char path[512];
    snprintf(path, sizeof path, "%s/shared", where);
    make(&shared, ranks, zeros, &memory);
    make(&alone, NULL, zeros, &memory);
    bool first = ranks_rank(ranks) == 0;
    if (first)
        CHECK(trained_resume(b, list, 1, STEPS, &state, path, NULL, &error) == 0);
    CHECK(trained_spread(b, list, 1, first ? path : NULL, ranks, &error) == 0);
    CHECK(trained_resume(b, other, 1, STEPS, &state, path, NULL, &error) == 0);
    step_both(&shared, &alone, STEPS);
    trained_free(b, &shared);
    trained_free(b, &alone);
}

/* --- a correction's gradient -------------------------------------------------------
 */

enum { TASKS = 3, BATCH = 3 };

/* The gradient of the first step: of D or its factors; or, of several vectors, of the
 * weights. */
struct gradient {
    const float *values;
    size_t count;
};

struct side {
    struct backend *backend;
    struct pool *pool;
    struct dataset *data[TASKS];
    struct distillation *d;
    struct gradient gradient;
    const struct trained *trained;
    double losses[TASKS];
};

/* With a closed form in it; its distillation is NULL where it cannot be made. */
static void open_side(struct side *side, const char *kind, struct ranks *sharing,
                      unsigned form, const struct work *work) {
    const struct distillation_options options = {.loss = DISTILLATION_ENTROPY,
                                                 .start = DISTILLATION_WUDI,
                                                 .alpha = 1,
                                                 .learning_rate = 1e-3,
                                                 .steps = 2,
                                                 .batch = BATCH,
                                                 .form = form,
                                                 .seed = 5,
                                                 .ranks = sharing};
    golden_pool(kind, 1, &side->backend, &side->pool);
    for (size_t t = 0; t < TASKS; t++)
        side->data[t] = golden_task_examples(kind, side->pool, t, BATCH);
    if (distillation_new(side->pool, (const struct dataset *const *)side->data,
                         &options, &side->d, work, &error))
        side->d = NULL;
}

static void step_side(struct side *side, const char *kind, struct ranks *sharing,
                      unsigned form, uint64_t rank) {
    const struct distillation_options options = {.start = DISTILLATION_ZERO,
                                                 .alpha = 1,
                                                 .learning_rate = 1e-3,
                                                 .steps = 2,
                                                 .batch = BATCH,
                                                 .rank = rank,
                                                 .form = form,
                                                 .seed = 5,
                                                 .ranks = sharing};
    struct trained *list[2];
    golden_pool(kind, 1, &side->backend, &side->pool);
    for (size_t t = 0; t < TASKS; t++)
        side->data[t] = golden_task_examples(kind, side->pool, t, BATCH);
    CHECK(distillation_new(side->pool, (const struct dataset *const *)side->data,
                           &options, &side->d, NULL, &error) == 0);
    CHECK(distillation_step(side->d, side->losses, &error) == 0);
    distillation_list(side->d, list);
    side->trained = list[0];
    side->gradient = (struct gradient){list[0]->gradient, list[0]->count};
    if (side->d->count > 1)
        side->gradient =
            (struct gradient){side->d->slope, side->pool->layout->text_begin};
}

static void close_side(struct side *side) {
    distillation_free(side->d);
    for (size_t t = 0; t < TASKS; t++)
        dataset_close(side->data[t]);
    pool_close(side->pool);
    backend_close(side->backend);
}

/* Sums of 9 examples' gradients in f32 in another order: 1e-5 of the greatest is some
 * hundred units. A block that was sent before it was made, or a rank's part that is
 * left out, is off by a good part of it. */
static void same_gradient(const char *kind, unsigned form, uint64_t rank) {
    struct side shared, alone;
    step_side(&shared, kind, ranks, form, rank);
    step_side(&alone, kind, NULL, form, rank);
    size_t count = alone.gradient.count, compared = 0;
    float *got = array_new(count, sizeof *got), *wanted = array_new(count, sizeof *got);
    float greatest = 0;
    CHECK(got && wanted && shared.gradient.count == count);
    CHECK(b->download(b, got, shared.gradient.values, count * sizeof *got, &error) ==
          0);
    CHECK(b->download(b, wanted, alone.gradient.values, count * sizeof *got, &error) ==
          0);
    for (size_t i = 0; i < count; i++)
        greatest = fmaxf(greatest, fabsf(wanted[i]));
    CHECK(greatest > 0);
    for (size_t k = 0; k < shared.trained->pieces; k++) {
        struct trained_run run = shared.trained->runs[k];
        if (shared.d->count > 1)
            run = (struct trained_run){0, count, 0};
        for (size_t i = run.begin; i < run.begin + run.count; i++, compared++)
            CHECK(fabsf(got[i] - wanted[i]) <= 1e-5f * greatest);
    }
    CHECK(compared >= count / ranks_size(ranks) / 2);
    for (size_t t = 0; t < TASKS; t++)
        CHECK(fabs(shared.losses[t] - alone.losses[t]) <= 1e-5 * alone.losses[t]);
    free(got);
    free(wanted);
    close_side(&shared);
    close_side(&alone);
}

static void gradients(void) {
    same_gradient("clip", CORRECTION_ONE, 0);
    same_gradient("vit", CORRECTION_ONE, 0);
    same_gradient("gpt2", CORRECTION_ONE, 0);
    same_gradient("clip", CORRECTION_ONE, 2);
    same_gradient("clip", CORRECTION_TASK, 0);
}

/* --- closed forms ----------------------------------------------------------------- */

static float *weights_at(struct side *side, const double *preference) {
    size_t size = side->pool->layout->size;
    float *weights = array_new(size, sizeof *weights);
    CHECK(weights && distillation_merge(side->d, preference, &error) == 0);
    CHECK(side->backend->download_real(side->backend, weights, side->d->weights, size,
                                       &error) == 0);
    return weights;
}

/* What a correction starts from, and what is its base: each rank makes a part of the
 * layers, and all have the bits of one process. */
static void same_layers(const char *kind, unsigned form) {
    static const double preference[TASKS] = {0.5, 0.2, 0.3};
    struct side sides[2];
    float *weights[2];
    double made, all;
    for (int i = 0; i < 2; i++) {
        open_side(&sides[i], kind, i ? NULL : ranks, form, NULL);
        CHECK(sides[i].d);
        weights[i] = weights_at(&sides[i], preference);
    }
    const struct shared_layers *layers = &sides[0].d->layers;
    made = (double)layers->here;
    all = (double)layers->in_all;
    CHECK(made > 0 && made < all);
    CHECK(ranks_add_doubles(ranks, &made, 1, &error) == 0 && made == all);
    CHECK(memcmp(weights[0], weights[1],
                 sides[0].pool->layout->size * sizeof *weights[0]) == 0);
    for (int i = 0; i < 2; i++) {
        free(weights[i]);
        close_side(&sides[i]);
    }
}

/* One that is stopped while layers are made, which all others are told. */
static void stopped_layers(unsigned form) {
    atomic_bool stop = true;
    const struct work work = {.stop = &stop};
    struct side side;
    open_side(&side, "clip", ranks, form, ranks_rank(ranks) == 1 ? &work : NULL);
    CHECK(!side.d && strstr(error.text, "stopped"));
    close_side(&side);
}

static void closed_forms(void) {
    same_layers("clip", CORRECTION_ONE);
    same_layers("gpt2", CORRECTION_ONE);
    same_layers("vit", CORRECTION_WUDI);
    stopped_layers(CORRECTION_ONE);
    stopped_layers(CORRECTION_WUDI);
}

static int be_a_rank(const char *role, const char *where) {
    struct trained shared, alone;
    size_t memory[2];
    if (ranks_join(&ranks, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    float *values = array_new(COUNT, sizeof *values);
    CHECK(values);
    CHECK(backend_open("cpu", PRECISION_F32, 1, &b, NULL, &error) == 0);
    if (strcmp(role, "resume") == 0) {
        resume(where, values);
    } else if (strcmp(role, "gradients") == 0) {
        gradients();
        closed_forms();
    } else {
        for (size_t i = 0; i < COUNT; i++)
            values[i] = number(77, 0, i);
        make(&shared, ranks, values, &memory[0]);
        make(&alone, NULL, values, &memory[1]);
        moments_take_their_part(memory[0], memory[1]);
        for (unsigned step = 0; step < STEPS; step++)
            step_both(&shared, &alone, step);
        save(&shared, &alone, where);
        trained_free(b, &shared);
        trained_free(b, &alone);
    }
    free(values);
    backend_close(b);
    ranks_leave(ranks, 0);
    return 0;
}

/* --- the program that starts it ------------------------------------------------- */

static const char *program;

static void start(unsigned size, const char *role) {
    char words[1024];
    snprintf(words, sizeof words, "timeout " PATIENCE_TEXT " mpirun -n %u %s %s %s",
             size, program, role, folder());
    int status = system(words);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void moments_are_shared_out(void **state) {
    (void)state;
    for (unsigned size = 2; size <= 4; size++) {
        start(size, "train");
        for (unsigned other = 2; other <= 4; other++)
            if (other != size)
                start(other, "resume");
    }
}

static void gradients_and_closed_forms_are_those_of_one_process(void **state) {
    (void)state;
    for (unsigned size = 2; size <= 3; size++)
        start(size, "gradients");
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc > 2)
        return be_a_rank(argv[1], argv[2]);
    const char *missing = launch_missing();
    if (missing) {
        print_message("skipped: %s\n", missing);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_shared_out),
        cmocka_unit_test(gradients_and_closed_forms_are_those_of_one_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
