/* What a device does, each figure with its floor and, where $PYTHON has PyTorch, with
 * the same work by plain PyTorch in the same run (torch_peer.py).
 *
 *     bench_device [--device D] [--shapes LIST] [--precision LIST] [--out DIR]
 *                  [--tasks T] [--batch N] [--images N] [--seconds S] [--threads N]
 *                  [--parts LIST] [--scratch DIR] [--no-peer]
 *
 * --device     cuda (the default), cuda:N, cpu
 * --shapes     vit-b32,vit-l14 (the default); tiny is for trying the program
 * --precision  bf16,f32 (the default; f32 on the CPU), fp8 (of what is not a drag in
 *              bf16, and without the peer)
 * --parts      steps,rates,products,arenas,rows,forward,drag (the default); when named,
 *              operations,algorithms,variants,large,one-steps,one-epo,one-drag
 * (bench.h)
 * --seconds    what one figure may take, about (0.5)
 *
 * Writes DIR/DEVICE-DATE.json and .md (see bench/results/README.md), anew after each
 * part, so that a run that is cut short leaves what it had. Exit status 1 where a part
 * failed; the files say which and why. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../synthetic.h"
#include "base/start.h"
#include "bench.h"
#include "machine.h"

enum { LIST_MOST = 8 };

struct settings {
    struct bench bench;
    const char *out, *precisions, *parts;
    const struct shape *shapes[LIST_MOST + 1]; /* NULL behind the last */
    char *file; /* the name of the files, without their ends */
    bool described;
    size_t failures;
};

static const struct {
    const char *name;
    int (*run)(struct bench *, struct error *);
} parts[] = {
    {"steps", bench_steps}, /* the first: it looks at memory without the peer */
    {"rates", bench_rates}, {"products", bench_products}, {"arenas", bench_arenas},
    {"rows", bench_rows},   {"forward", bench_forward}};

/* Those that open the device themselves. */
static const struct {
    const char *name;
    int (*run)(struct bench *, struct error *);
    bool peer;
} own_parts[] = {{"drag", bench_drag, true},
                 {"operations", bench_operations, false},
                 {"algorithms", bench_algorithms, false},
                 {"variants", bench_variants, false},
                 {"large", bench_large, false},
                 {"one-steps", bench_one_step, false},
                 {"one-epo", bench_one_epo_step, false},
                 {"one-drag", bench_one_drag, false}};

/* Whether a word is in a list with commas. */
static bool listed(const char *list, const char *word) {
    size_t length = strlen(word);
    for (const char *at = list; at; at = strchr(at, ','), at = at ? at + 1 : NULL)
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || !at[length]))
            return true;
    return false;
}

static void failed(struct settings *s, const char *what, const struct error *error) {
    figures_note(s->bench.figures, "%s%s%s: failed: %s",
                 s->bench.shape ? s->bench.shape->name : "", s->bench.shape ? ", " : "",
                 what, error->text);
    s->failures++;
}

static void save(struct settings *s) {
    struct error error;
    if (s->file && figures_write(s->bench.figures, s->file, &error)) {
        fprintf(stderr, "bench_device: %s\n", error.text);
        s->failures++;
    }
}

/* Opens the backend; the first time it is described and the files are named. */
static int open_device(struct settings *s, struct error *error) {
    struct bench *b = &s->bench;
    if (backend_open(b->device, b->precision, b->threads, &b->backend, NULL, error))
        return -1;
    b->cores = b->backend->threads;
    if (s->described)
        return 0;
    s->described = true;
    mkdir(s->out, 0777); /* where it fails, writing says so */
    s->file = machine_file_name(b->backend, s->out, NULL);
    return s->file ? machine_describe(b->backend, b->figures->about, error)
                   : error_memory(error);
}

/* What makes a figure one of something else: a failure. */
static void look_at_remark(struct settings *s, const char *what) {
    struct error error;
    char remark[256] = "";
    if (s->bench.backend)
        backend_remark(s->bench.backend, remark);
    if (!*remark)
        return;
    error_set(&error, "%s", remark);
    failed(s, what, &error);
    s->bench.backend->plain_products = 0;
    *s->bench.backend->remark = '\0';
}

static void close_device(struct bench *b) {
    pool_close(b->pool);
    b->pool = NULL;
    if (b->backend)
        backend_close(b->backend);
    b->backend = NULL;
}

/* One shape in one precision. A device that has failed is opened anew. */
static void run_shape(struct settings *s) {
    struct bench *b = &s->bench;
    struct error error;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!listed(s->parts, parts[i].name))
            continue;
        if ((!b->backend && open_device(s, &error)) ||
            (!b->pool &&
             synthetic_pool(b->backend, b->shape, b->tasks, &b->pool, &error))) {
            failed(s, parts[i].name, &error);
            close_device(b);
            continue;
        }
        if (parts[i].run != bench_steps)
            bench_start_peer(b);
        if (parts[i].run(b, &error)) {
            failed(s, parts[i].name, &error);
            close_device(b);
        }
        look_at_remark(s, parts[i].name);
        save(s);
    }
    close_device(b);
    for (size_t i = 0; i < sizeof own_parts / sizeof *own_parts; i++) {
        if (!listed(s->parts, own_parts[i].name))
            continue;
        if (own_parts[i].peer)
            bench_start_peer(b);
        if (own_parts[i].run(b, &error))
            failed(s, own_parts[i].name, &error);
        look_at_remark(s, own_parts[i].name);
        close_device(b);
        save(s);
    }
    peer_close(b->peer);
    b->peer = NULL;
    b->peer_failed = false;
}

static void run_precision(struct settings *s) {
    struct bench *b = &s->bench;
    struct error error;
    b->shape = NULL;
    b->copy_rate = b->product_rate = 0;
    if (open_device(s, &error) || bench_rates(b, &error)) {
        failed(s, bench_precision(b), &error);
        close_device(b);
        return;
    }
    machine_clocks(b->backend, b->figures->about,
                   b->precision == PRECISION_F32 ? "clocks_after_product_f32"
                                                 : "clocks_after_product_bf16");
    save(s);
    for (size_t i = 0; s->shapes[i]; i++) {
        b->shape = s->shapes[i];
        run_shape(s);
    }
    close_device(b);
}

/* --- options ----------------------------------------------------------------- */

static int usage(const char *why) {
    fprintf(stderr, "bench_device: %s; see the head of bench/gpu/bench_device.c\n",
            why);
    return 2;
}

static size_t count_of(const char *text) {
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    return *end == '\0' && *text != '-' ? value : 0;
}

/* The shapes of a list with commas. */
static int find_shapes(struct settings *s, const char *list, struct error *error) {
    char *copy = strdup(list), *rest = copy, *name;
    int result = copy ? 0 : error_memory(error);
    for (size_t i = 0; result == 0 && (name = strsep(&rest, ",")); i++) {
        if (i == LIST_MOST)
            result = error_set(error, "--shapes takes %d at most", LIST_MOST);
        else if (!(s->shapes[i] = shape_find(name, error)))
            result = -1;
    }
    free(copy);
    return result;
}

int main(int argc, char **argv) {
    start_process(argv, NULL); /* as the programs do */
    struct figures figures;
    struct settings s = {.bench = {.device = "cuda",
                                   .tasks = 8,
                                   .batch = 16,
                                   .images = 64,
                                   .budget = 0.5,
                                   .wants_peer = true,
                                   .figures = &figures},
                         .out = ".",
                         .parts = "steps,rates,products,arenas,rows,forward,drag"};
    struct bench *b = &s.bench;
    struct error error;
    const char *shapes = "vit-b32,vit-l14";
    enum { PARTS = 256, SCRATCH, NO_PEER };
    static const struct option options[] = {{"device", 1, 0, 'd'},
                                            {"shapes", 1, 0, 's'},
                                            {"precision", 1, 0, 'p'},
                                            {"out", 1, 0, 'o'},
                                            {"tasks", 1, 0, 't'},
                                            {"batch", 1, 0, 'b'},
                                            {"images", 1, 0, 'i'},
                                            {"seconds", 1, 0, 'S'},
                                            {"threads", 1, 0, 'T'},
                                            {"parts", 1, 0, PARTS},
                                            {"scratch", 1, 0, SCRATCH},
                                            {"no-peer", 0, 0, NO_PEER},
                                            {0}};
    const char *temporary = getenv("TMPDIR");
    b->scratch = temporary && *temporary ? temporary : "/tmp";
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'd':
            b->device = optarg;
            break;
        case 's':
            shapes = optarg;
            break;
        case 'p':
            s.precisions = optarg;
            break;
        case 'o':
            s.out = optarg;
            break;
        case 't':
            b->tasks = count_of(optarg);
            break;
        case 'b':
            b->batch = count_of(optarg);
            break;
        case 'i':
            b->images = count_of(optarg);
            break;
        case 'S':
            b->budget = atof(optarg);
            break;
        case 'T':
            b->threads = (unsigned)count_of(optarg);
            break;
        case PARTS:
            s.parts = optarg;
            break;
        case SCRATCH:
            b->scratch = optarg;
            break;
        case NO_PEER:
            b->wants_peer = false;
            break;
        default:
            return usage("an option that is not known");
        }
    }
    if (optind < argc)
        return usage("no operands are taken");
    if (b->tasks < 1 || b->tasks > POOL_TASKS_MAX || b->batch < 1 || b->images < 1)
        return usage("--tasks, --batch and --images are whole numbers from 1");
    if (!s.precisions)
        s.precisions = strcmp(b->device, "cpu") == 0 ? "f32" : "bf16,f32";
    b->small = strcmp(shapes, "tiny") == 0;
    if (find_shapes(&s, shapes, &error))
        return usage(error.text);
    if (figures_begin(&figures, &error)) {
        fprintf(stderr, "bench_device: %s\n", error.text);
        return 1;
    }
    static const struct {
        const char *name;
        enum precision precision;
    } precisions[] = {
        {"bf16", PRECISION_BF16}, {"f32", PRECISION_F32}, {"fp8", PRECISION_FP8}};
    for (size_t i = 0; i < sizeof precisions / sizeof *precisions; i++)
        if (listed(s.precisions, precisions[i].name)) {
            b->precision = precisions[i].precision;
            b->wants_peer = b->wants_peer && b->precision != PRECISION_FP8;
            run_precision(&s);
        }
    if (s.file)
        printf("%s.json and .md hold these figures\n", s.file);
    else
        s.failures++;
    free(s.file);
    figures_end(&figures);
    return s.failures > 0;
}
