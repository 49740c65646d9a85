/* Recordings, and transfers beside what runs, on backends that have them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conformance.h"

enum { ROWS = 17, WIDTH = 40, COUNT = ROWS * WIDTH, COLUMNS = 8 };

/* What is recorded: sum = x + y, sums = column sums of it (which takes working space),
 * product = sum weight^T. */
struct sequence {
    struct tensor *x, *y, *weight, *sum, *sums, *product;
};

static void run(struct backend *b, const struct sequence *s) {
    b->copy(b, s->sum->data, s->x->data, COUNT * b->real_size);
    b->add(b, s->sum->real, s->y->real, COUNT);
    b->column_sums(b, s->sums->f32, 0, s->sum->real, 1, ROWS, WIDTH, WIDTH, false);
    b->matmul(b, &(struct matmul){.m = ROWS,
                                  .n = COLUMNS,
                                  .k = WIDTH,
                                  .a = s->sum->real,
                                  .lda = WIDTH,
                                  .b = s->weight->real,
                                  .ldb = WIDTH,
                                  .transpose_b = true,
                                  .c = s->product->data,
                                  .ldc = COLUMNS,
                                  .c_is_f32 = true});
}

/* Other inputs in the same memory, and what the sequence makes of them. */
static void try_replay(struct conformance *c, const struct sequence *s,
                       struct recording *recording, const char *what) {
    struct backend *b = c->backend;
    float values[COUNT];
    double *sum = numbers(c, COUNT), *slack = numbers(c, COUNT);
    double *sums = numbers(c, WIDTH), *sums_slack = numbers(c, WIDTH);
    double *product = numbers(c, ROWS * COLUMNS);
    double *product_slack = numbers(c, ROWS * COLUMNS);
    for (size_t i = 0; i < COUNT; i++) /* exact in bf16, and so are the sums */
        values[i] = (float)((int)random_below(&c->random, 33) - 16);
    b->upload_real(b, s->x->real, values, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        sum[i] = (double)values[i] + s->y->host[i];
        slack[i] = 2 * c->store * fabs(sum[i]);
        sums[i % WIDTH] += sum[i];
        sums_slack[i % WIDTH] += slack[i] + ROWS * SINGLE * fabs(sum[i]);
    }
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        for (size_t k = 0; k < WIDTH; k++) {
            double w = s->weight->host[i % COLUMNS * WIDTH + k];
            size_t at = i / COLUMNS * WIDTH + k;
            product[i] += sum[at] * w;
            product_slack[i] += (slack[at] + WIDTH * SINGLE * fabs(sum[at])) * fabs(w);
        }
    b->replay(b, recording);
    check(c, what, s->sum, sum, slack);
    check(c, what, s->sums, sums, sums_slack);
    check(c, what, s->product, product, product_slack);
}

static void recording(struct conformance *c) {
    struct backend *b = c->backend;
    struct error error;
    if (!b->record_begin) {
        check_true(c, "all or none",
                   !b->record_end && !b->replay && !b->recording_free);
        return;
    }
    struct sequence s = {.x = tensor_random(c, ELEMENT_REAL, COUNT, 1),
                         .y = tensor_random(c, ELEMENT_REAL, COUNT, 1),
                         .weight = tensor_random(c, ELEMENT_REAL, COLUMNS * WIDTH, 1),
                         .sum = tensor_output(c, ELEMENT_REAL, COUNT),
                         .sums = tensor_output(c, ELEMENT_F32, WIDTH),
                         .product = tensor_output(c, ELEMENT_F32, ROWS * COLUMNS)};
    struct recording *made = NULL, *second = NULL;
    run(b, &s);
    b->zero(b, s.sum->data, COUNT * b->real_size);
    check_true(c, "record_begin", b->record_begin(b, &error) == 0);
    run(b, &s);
    check_true(c, "record_end", b->record_end(b, &made, &error) == 0);
    if (!made)
        return;
    check(c, "what is recorded is not run", s.sum, numbers(c, COUNT),
          numbers(c, COUNT));
    for (int i = 0; i < 3; i++)
        try_replay(c, &s, made, "replay");
    /* Working space grows: the recording still has the one that it names. */
    enum { MANY = 1 << 20 };
    struct tensor *long_one = tensor_random(c, ELEMENT_REAL, MANY, 1);
    struct tensor *wide_sums = tensor_output(c, ELEMENT_F32, MANY / 2);
    b->column_sums(b, wide_sums->f32, 0, long_one->real, 1, 2, MANY / 2, MANY / 2,
                   false);
    try_replay(c, &s, made, "replay after working space grew");
    check_true(c, "record_begin again", b->record_begin(b, &error) == 0);
    run(b, &s);
    check_true(c, "record_end again", b->record_end(b, &second, &error) == 0);
    b->recording_free(b, made);
    if (second)
        try_replay(c, &s, second, "another recording");
    b->recording_free(b, second);
    b->recording_free(b, NULL);
    run(b, &s);
    check_true(c, "synchronise", b->synchronise(b, &error) == 0);
}

/* More than a backend keeps under way at a time. */
enum { MANY_TRANSFERS = 150, EACH = 33 };

static void transfers(struct conformance *c) {
    struct backend *b = c->backend;
    struct error error;
    if (!b->pin) {
        check_true(c, "all or none",
                   !b->unpin && !b->download_late && !b->upload_early && !b->follow &&
                       !b->done && !b->wait);
        return;
    }
    float *pinned = NULL;
    backend_ticket tickets[MANY_TRANSFERS];
    size_t bytes = MANY_TRANSFERS * EACH * sizeof *pinned;
    check_true(c, "pin", b->pin(b, bytes, (void **)&pinned, &error) == 0);
    if (!pinned)
        return;
    check_true(c, "aligned to 256", (uintptr_t)pinned % 256 == 0);
    for (size_t i = 0; i < MANY_TRANSFERS * EACH; i++)
        check_true(c, "zeroed", pinned[i] == 0);

    /* Values that change between the downloads: each sees those of its own moment. */
    struct tensor *one = tensor_random(c, ELEMENT_F32, EACH, 1);
    struct tensor *sums = tensor_output(c, ELEMENT_F32, MANY_TRANSFERS * EACH);
    b->zero(b, sums->data, bytes);
    for (size_t i = 0; i < MANY_TRANSFERS; i++) {
        float *part = sums->f32 + i * EACH;
        b->add_scaled(b, part, one->f32, (float)i, EACH);
        tickets[i] = b->download_late(b, pinned + i * EACH, part, EACH * sizeof *part);
        check_true(c, "tickets count up",
                   tickets[i] > (i ? tickets[i - 1] : (backend_ticket)0));
    }
    bool done = false;
    check_true(c, "no ticket is done", b->done(b, 0, &done, &error) == 0 && done);
    check_true(c, "wait", b->wait(b, tickets[MANY_TRANSFERS - 1], &error) == 0);
    for (size_t i = 0; i < MANY_TRANSFERS; i++) {
        check_true(c, "wait for an old one", b->wait(b, tickets[i], &error) == 0);
        check_true(c, "it is done", b->done(b, tickets[i], &done, &error) == 0 && done);
        for (size_t j = 0; j < EACH; j++)
            check_true(c, "downloaded",
                       fabs((double)pinned[i * EACH + j] - (double)i * one->host[j]) <=
                           2 * SINGLE * fabs((double)i * one->host[j]));
    }

    /* An upload into memory that nothing queued uses, and what follows it. */
    for (size_t round = 0; round < 3; round++) {
        struct tensor *to = tensor_output(c, ELEMENT_F32, EACH);
        struct tensor *twice = tensor_output(c, ELEMENT_F32, EACH);
        double *wanted = numbers(c, EACH), *none = numbers(c, EACH);
        for (size_t j = 0; j < EACH; j++) {
            pinned[j] = (float)random_normal(&c->random);
            wanted[j] = 2 * (double)pinned[j];
        }
        b->zero(b, twice->data, EACH * sizeof(float));
        backend_ticket up = b->upload_early(b, to->data, pinned, EACH * sizeof(float));
        b->follow(b, up);
        b->add_scaled(b, twice->f32, to->f32, 2, EACH);
        check(c, "what follows an upload", twice, wanted, none);
        check_true(c, "wait for an upload", b->wait(b, up, &error) == 0);
    }
    /* Asked for until it is done. */
    backend_ticket last = b->download_late(b, pinned, one->data, EACH * sizeof *pinned);
    size_t asked = 0;
    do
        check_true(c, "done", b->done(b, last, &done, &error) == 0);
    while (!done && ++asked < 100000000);
    for (size_t j = 0; j < EACH; j++)
        check_true(c, "after it is done", (double)pinned[j] == one->host[j]);
    b->unpin(b, pinned);
    b->unpin(b, NULL);
    void *too_much = NULL;
    check_true(c, "too much is refused",
               b->pin(b, SIZE_MAX - 64, &too_much, &error) == -1);
    check_true(c, "in one line", error.text[0] && !strchr(error.text, '\n'));
    check_true(c, "and harms nothing", b->synchronise(b, &error) == 0);
}

/* What takes a device a while: sums over sums of many numbers. */
static void keep_busy(struct conformance *c, struct tensor *sums, struct tensor *many) {
    for (int i = 0; i < 8; i++)
        c->backend->add_scaled(c->backend, sums->f32, many->f32, 1, many->count);
}

/* Uploads while the device is busy. From the host's ordinary memory: it is the caller's
 * again at once. Beside what runs, into memory that was allocated just now: its zeros
 * come first. */
static void busy(struct conformance *c) {
    struct backend *b = c->backend;
    struct error error;
    enum { MANY = 1 << 20 };
    struct tensor *many = tensor_random(c, ELEMENT_F32, MANY, 1);
    struct tensor *sums = tensor_output(c, ELEMENT_F32, MANY);
    static const size_t sizes[] = {1, 100, 30000, 300001};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t n = sizes[i];
        struct tensor *to = tensor_output(c, ELEMENT_F32, n);
        struct tensor *reals = tensor_output(c, ELEMENT_REAL, n);
        double *wanted = numbers(c, n), *slack = numbers(c, n);
        float *host = calloc(n, sizeof *host);
        if (!host) {
            check_true(c, "memory", false);
            return;
        }
        for (size_t j = 0; j < n; j++) {
            wanted[j] = (double)(host[j] = (float)random_normal(&c->random));
            slack[j] = b->precision == PRECISION_F32 ? 0 : c->store * fabs(wanted[j]);
        }
        keep_busy(c, sums, many);
        b->upload(b, to->data, host, n * sizeof *host);
        b->upload_real(b, reals->real, host, n);
        memset(host, 0xff, n * sizeof *host);
        check(c, "uploaded while busy", to, wanted, numbers(c, n));
        check(c, "uploaded as reals while busy", reals, wanted, slack);
        free(host);
    }
    if (!b->pin)
        return;
    enum { PINNED = 5000 };
    float *pinned = NULL;
    struct tensor *copied = tensor_output(c, ELEMENT_F32, PINNED);
    double *wanted = numbers(c, PINNED);
    void *fresh = NULL;
    check_true(c, "pin",
               b->pin(b, PINNED * sizeof *pinned, (void **)&pinned, &error) == 0);
    if (!pinned)
        return;
    for (size_t j = 0; j < PINNED; j++)
        wanted[j] = (double)(pinned[j] = (float)random_normal(&c->random));
    for (int round = 0; round < 4; round++) {
        keep_busy(c, sums, many);
        check_true(c, "allocate while busy",
                   b->allocate(b, PINNED * sizeof *pinned, &fresh, &error) == 0);
        b->follow(b, b->upload_early(b, fresh, pinned, PINNED * sizeof *pinned));
        b->copy(b, copied->data, fresh, PINNED * sizeof *pinned);
        check(c, "uploaded into fresh memory", copied, wanted, numbers(c, PINNED));
        b->release(b, fresh);
    }
    b->unpin(b, pinned);
}

/* sums = column sums of x, beside product = sum weight^T, which is of other memory;
 * then x is written, which has to come after the sums. */
static void run_beside(struct backend *b, const struct sequence *s) {
    b->aside(b);
    b->column_sums(b, s->sums->f32, 0, s->x->real, 1, ROWS, WIDTH, WIDTH, false);
    unsigned first = b->back(b);
    b->aside(b); /* in its order: it adds to what the first left */
    b->column_sums(b, s->sums->f32, 0, s->y->real, 1, ROWS, WIDTH, WIDTH, true);
    unsigned second = b->back(b);
    b->copy(b, s->sum->data, s->x->data, COUNT * b->real_size);
    b->join(b, first);
    b->add(b, s->x->real, s->y->real, COUNT);
    b->join(b, second);
    b->add(b, s->y->real, s->x->real, COUNT);
}

static void beside(struct conformance *c) {
    struct backend *b = c->backend;
    struct error error;
    struct recording *made = NULL;
    if (!b->aside || !b->record_begin) {
        check_true(c, "all or none", !b->aside == !b->back && !b->aside == !b->join);
        return;
    }
    struct sequence s = {.x = tensor_random(c, ELEMENT_REAL, COUNT, 1),
                         .y = tensor_random(c, ELEMENT_REAL, COUNT, 1),
                         .sum = tensor_output(c, ELEMENT_REAL, COUNT),
                         .sums = tensor_output(c, ELEMENT_F32, WIDTH)};
    double *x = numbers(c, COUNT), *y = numbers(c, COUNT), *slack = numbers(c, COUNT);
    double *sums = numbers(c, WIDTH), *sums_slack = numbers(c, WIDTH);
    float values[COUNT];
    for (int i = 0; i < 4; i++) {
        for (size_t k = 0; k < WIDTH; k++)
            sums[k] = sums_slack[k] = 0;
        for (size_t k = 0; k < COUNT; k++) { /* exact in bf16, and so are the sums */
            int left = (int)random_below(&c->random, 33) - 16;
            int right = (int)random_below(&c->random, 33) - 16;
            x[k] = left + right;
            y[k] = left + 2 * right;
            sums[k % WIDTH] += x[k];
            values[k] = (float)left;
            s.y->host[k] = right;
        }
        b->upload_real(b, s.x->real, values, COUNT);
        for (size_t k = 0; k < COUNT; k++)
            values[k] = (float)s.y->host[k];
        b->upload_real(b, s.y->real, values, COUNT);
        if (i == 1 && (b->record_begin(b, &error) ||
                       (run_beside(b, &s), b->record_end(b, &made, &error))))
            check_true(c, error.text, false);
        if (made)
            b->replay(b, made);
        else
            run_beside(b, &s);
        check(c, "what was read beside", s.sums, sums, sums_slack);
        check(c, "written after it", s.x, x, slack);
        check(c, "written after all", s.y, y, slack);
    }
    b->recording_free(b, made);
}

const struct conformance_case conformance_stream_cases[] = {{"recording", recording},
                                                            {"beside", beside},
                                                            {"transfers", transfers},
                                                            {"busy", busy},
                                                            {NULL, NULL}};
