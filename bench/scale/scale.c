/* Routers, corrections and fronts on 1 to 64 GPUs, reckoned: what a step and a point
 * read, write, compute and send, counted from the model's shape, over the rates of a
 * machine.
 *
 *   bench/scale/scale [--shape NAME] [--tasks T] [--batch B] [--examples E] [--points
 * K]
 *                     [--machine NAME | --rates MEMORY,PRODUCTS] [--network NAME]
 *
 * Rates are bytes and operations a second. Without --machine all cards of the table
 * below, over its first network.
 * bench/scale/README.md says what was found, and how far measured times agree. */
#include <config.h>

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../shapes.h"

/* --- what there is
 * -------------------------------------------------------------------- */

struct machine {
    const char *name;
    double memory;   /* bytes a second, read and written, of a large copy */
    double products; /* operations a second of large products, in the precision used */
    double capacity; /* bytes; 0: not asked */
    size_t element;  /* bytes of a weight */
    size_t together; /* of a node, between which `near` holds */
};

/* Of the cards: 0.85 of the data sheet's bandwidth and 0.6 of its dense bf16 rate,
 * shares that are usual for copies and large products. None of them was measured. */
static struct machine machines[] = {
    {"h100", 0.85 * 3.35e12, 0.6 * 989e12, 80e9, 2, 8},
    {"h200", 0.85 * 4.8e12, 0.6 * 989e12, 141e9, 2, 8},
    {"given", 0, 0, 0, 4, 1}, /* by --rates */
};
enum { MACHINES = sizeof machines / sizeof *machines };

/* A message of n bytes takes alpha + n / beta seconds. */
struct link {
    double alpha, beta;
};

struct network {
    const char *name;
    struct link near, far; /* within a node, between nodes; data sheets' */
};

static const struct network networks[] = {
    {"infiniband", {3e-6, 450e9}, {5e-6, 50e9}},  /* NVLink 4; NDR, a port a GPU */
    {"ethernet", {3e-6, 450e9}, {30e-6, 12.5e9}}, /* NVLink 4; 100 Gbit/s, TCP */
    {"shared-memory", {2e-6, 10e9}, {2e-6, 10e9}},
};
enum { NETWORKS = sizeof networks / sizeof *networks };

/* A decoder of the size of many language models, read to its last token. */
static const struct shape seven = {"gpt2-7b",
                                   {.kind = MODEL_GPT2,
                                    .layers = 32,
                                    .width = 4096,
                                    .heads = 32,
                                    .mlp_width = 16384,
                                    .vocabulary = 50257,
                                    .context = 512,
                                    .epsilon = 1e-5f,
                                    .activation = ACTIVATION_GELU_TANH,
                                    .conv1d = true,
                                    .qkv_bias = true}};

struct job {
    const struct shape *shape;
    double parameters, steered; /* steered: those with a router, of attn+mlp */
    double modules;
    double tasks, batch;     /* examples of each task in a step */
    double examples, points; /* of a point's evaluation, all tasks; of the front */
};

static int job_count(struct job *job, struct error *error) {
    struct layout *layout;
    struct upscaling *upscaling = NULL;
    if (layout_new(&job->shape->config, NULL, &layout, error))
        return -1;
    int failed = upscaling_new(layout, UPSCALE_ATTN_MLP, &upscaling, error);
    if (!failed) {
        job->parameters = shape_parameters(layout);
        job->steered = (double)shape_steered(upscaling);
        job->modules = (double)upscaling->modules;
    }
    upscaling_free(upscaling);
    layout_free(layout);
    return failed;
}

/* --- a step
 * ------------------------------------------------------------------------------ */

/* Seconds. What has no `each` every rank does whole. */
struct step {
    double merge, gradient; /* base and task vectors read, the model written; route-
                               gradient */
    double each;            /* forward and backward of a rank's examples */
    double network;
};

static double step_seconds(const struct step *s) {
    return s->merge + s->gradient + s->each + s->network;
}

static const struct link *link_of(const struct machine *m, const struct network *net,
                                  double ranks) {
    return ranks <= (double)m->together ? &net->near : &net->far;
}

/* Base and task vectors read, one model written; `vectors` beside the base. */
static double merge_seconds(const struct job *job, const struct machine *m,
                            double vectors) {
    return (vectors + 2) * job->parameters * (double)m->element / m->memory;
}

/* Of the rank that has most: examples of every task are shared out, and none is halved.
 */
static double largest_part(const struct job *job, double ranks) {
    return job->tasks * ceil(job->batch / ranks);
}

/* src/train/router.c: the gradients of `groups` (1, or the tasks under EPO) are summed
 * by a binomial tree to rank 0 and back, in f64. */
static struct step router_step(const struct job *job, const struct machine *m,
                               const struct network *net, double ranks, double groups) {
    const struct link *link = link_of(m, net, ranks);
    double sent = 8 * (job->modules * groups * job->tasks + job->tasks + 2);
    return (struct step){
        .merge = merge_seconds(job, m, job->tasks),
        .gradient = job->steered *
                    (job->tasks * (double)m->element + groups * sizeof(float)) /
                    m->memory,
        .each = largest_part(job, ranks) *
                shape_step_operations(&job->shape->config, UPSCALE_ATTN_MLP) /
                m->products,
        .network = 2 * ceil(log2(ranks)) * (link->alpha + sent / link->beta)};
}

/* A correction: weight gradients of every parameter in f32, summed by a ring after the
 * backward pass, each rank's part on it; of that part Adam's two moments, the gradient
 * and the vector are read, and all but the gradient written; then the vector goes
 * around in the ring and is written. Or the sum goes `behind` the backward pass, of
 * which what takes longer than it is visible. The experts' own answers are kept, not
 * computed. */
static struct step correction_step(const struct job *job, const struct machine *m,
                                   const struct network *net, double ranks,
                                   bool behind) {
    const struct link *link = link_of(m, net, ranks);
    double bytes = job->parameters * sizeof(float);
    double each = largest_part(job, ranks) * 3 *
                  shape_forward_operations(&job->shape->config, true) / m->products;
    double round = (ranks - 1) * (link->alpha + bytes / ranks / link->beta);
    double sum = behind ? fmax(0, round - 2 * each / 3) : round;
    return (struct step){.merge = merge_seconds(job, m, job->tasks + 1),
                         .gradient = (7 / ranks + (ranks > 1)) * bytes / m->memory,
                         .each = each,
                         .network = sum + round};
}

/* The merge shared out, too: each rank merges its part and all gather the whole. */
static struct step shared_merge(const struct job *job, const struct machine *m,
                                const struct network *net, double ranks,
                                struct step step) {
    const struct link *link = link_of(m, net, ranks);
    double bytes = job->parameters * (double)m->element;
    step.merge /= ranks;
    step.network += (ranks - 1) * (link->alpha + bytes / ranks / link->beta);
    return step;
}

/* --- a front
 * --------------------------------------------------------------------------- */

static double point_seconds(const struct job *job, const struct machine *m) {
    return merge_seconds(job, m, job->tasks) +
           job->examples * shape_forward_operations(&job->shape->config, true) /
               m->products;
}

/* Points are handed out one at a time, a message each way. */
static double front_seconds(const struct job *job, const struct machine *m,
                            const struct network *net, double ranks) {
    const struct link *link = link_of(m, net, ranks);
    return ceil(job->points / ranks) * (point_seconds(job, m) + 2 * link->alpha);
}

/* --- tables
 * ------------------------------------------------------------------------------ */

/* The first number of ranks at which half of the time is not their examples, or the
 * next ones would get none. */
static void print_end(const char *name, const struct job *job, const struct machine *m,
                      const struct network *net, double groups) {
    for (double ranks = 1; ranks <= 64; ranks *= 2) {
        struct step s = groups > 0 ? router_step(job, m, net, ranks, groups)
                                   : correction_step(job, m, net, ranks, false);
        double rest = s.merge + s.gradient + s.network;
        const char *why = s.network > s.merge + s.gradient ? "the network"
                          : s.merge >= s.gradient ? "the merge, which every rank does"
                                                  : "the routers' gradient";
        if (ranks > job->batch) {
            printf("%s: ends at %.0f ranks, an example of each task for each\n", name,
                   job->batch);
            return;
        }
        if (rest > s.each) {
            printf("%s: from %.0f on more than half is %s (%.2f of %.2f ms)\n", name,
                   ranks, why,
                   1e3 * (s.network > s.merge + s.gradient ? s.network
                                                           : fmax(s.merge, s.gradient)),
                   1e3 * step_seconds(&s));
            return;
        }
    }
    printf("%s: goes on past 64\n", name);
}

static void print_table(const struct job *job, const struct machine *m,
                        const struct network *net) {
    double held = (job->tasks + 2) * job->parameters * (double)m->element;
    printf("\n%s, %.0f tasks, on %s over %s: %.1f million parameters, pool and model "
           "%.1f GB%s\n",
           job->shape->name, job->tasks, m->name, net->name, 1e-6 * job->parameters,
           1e-9 * held,
           m->capacity > 0 && held > m->capacity
               ? ", more than one has: parts of it are another's, which is not reckoned"
               : "");
    printf("%5s %9s %6s %9s %6s %9s %6s %9s %9s %9s %6s\n", "ranks", "LS ms", "eff.",
           "EPO ms", "eff.", "LS* ms", "eff.", "distil ms", "distil*", "front s",
           "eff.");
    double first[4] = {0};
    for (double ranks = 1; ranks <= 64; ranks *= 2) {
        struct step ls = router_step(job, m, net, ranks, 1);
        struct step epo = router_step(job, m, net, ranks, job->tasks);
        struct step other = shared_merge(job, m, net, ranks, ls);
        struct step distil = correction_step(job, m, net, ranks, false);
        struct step behind = correction_step(job, m, net, ranks, true);
        double times[4] = {step_seconds(&ls), step_seconds(&epo), step_seconds(&other),
                           front_seconds(job, m, net, ranks)};
        if (ranks == 1)
            memcpy(first, times, sizeof first);
        printf("%5.0f %9.2f %6.2f %9.2f %6.2f %9.2f %6.2f %9.2f %9.2f %9.2f %6.2f\n",
               ranks, 1e3 * times[0], first[0] / ranks / times[0], 1e3 * times[1],
               first[1] / ranks / times[1], 1e3 * times[2], first[2] / ranks / times[2],
               1e3 * step_seconds(&distil), 1e3 * step_seconds(&behind), times[3],
               first[3] / ranks / times[3]);
    }
    print_end("LS", job, m, net, 1);
    print_end("EPO", job, m, net, job->tasks);
    print_end("distil", job, m, net, 0);
}

/* --- the program
 * ------------------------------------------------------------------------- */

struct asked {
    struct job job;
    const char *shape, *machine, *network;
};

static int number(const char *text, double *value) {
    char *end;
    *value = strtod(text, &end);
    return *end || !(*value >= 1) || !(*value <= 1e18) ? -1 : 0;
}

static int rates(char *text) {
    char *comma = strchr(text, ',');
    if (!comma)
        return -1;
    *comma = '\0';
    struct machine *given = &machines[MACHINES - 1];
    return number(text, &given->memory) || number(comma + 1, &given->products);
}

static int read_options(int argc, char **argv, struct asked *asked) {
    static const struct option options[] = {{"shape", required_argument, NULL, 's'},
                                            {"tasks", required_argument, NULL, 't'},
                                            {"batch", required_argument, NULL, 'b'},
                                            {"examples", required_argument, NULL, 'e'},
                                            {"points", required_argument, NULL, 'p'},
                                            {"machine", required_argument, NULL, 'm'},
                                            {"rates", required_argument, NULL, 'r'},
                                            {"network", required_argument, NULL, 'n'},
                                            {0}};
    int option, wrong = 0;
    while (!wrong && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        double *value = option == 't'   ? &asked->job.tasks
                        : option == 'b' ? &asked->job.batch
                        : option == 'e' ? &asked->job.examples
                        : option == 'p' ? &asked->job.points
                                        : NULL;
        if (value)
            wrong = number(optarg, value);
        else if (option == 's')
            asked->shape = optarg;
        else if (option == 'm')
            asked->machine = optarg;
        else if (option == 'n')
            asked->network = optarg;
        else
            wrong = option != 'r' || rates(optarg);
    }
    return wrong || optind < argc ? -1 : 0;
}

/* Every table that was asked for; how many there were. */
static int print_shape(struct asked *asked, const struct shape *shape) {
    struct error error;
    int printed = 0;
    asked->job.shape = shape;
    if (job_count(&asked->job, &error)) {
        fprintf(stderr, "scale: %s\n", error.text);
        return 0;
    }
    const struct machine *given = &machines[MACHINES - 1];
    const char *machine = given->memory > 0 ? given->name : asked->machine;
    const char *network = asked->network      ? asked->network
                          : given->memory > 0 ? "shared-memory"
                                              : networks[0].name;
    for (size_t m = 0; m < MACHINES; m++)
        for (size_t n = 0; n < NETWORKS; n++)
            if (machines[m].memory > 0 && strcmp(network, networks[n].name) == 0 &&
                (!machine || strcmp(machine, machines[m].name) == 0)) {
                print_table(&asked->job, &machines[m], &networks[n]);
                printed++;
            }
    return printed;
}

int main(int argc, char **argv) {
    struct asked asked = {
        .job = {.tasks = 8, .batch = 16, .examples = 8000, .points = 66}};
    if (read_options(argc, argv, &asked)) {
        fprintf(stderr, "usage: scale [--shape vit-b32|vit-l14|gpt2-7b] [--tasks T] "
                        "[--batch B]\n    [--examples E] [--points K] [--machine "
                        "h100|h200 | --rates MEMORY,PRODUCTS]\n    [--network "
                        "infiniband|ethernet|shared-memory]\n");
        return 2;
    }
    printf("A step has %.0f examples of each task, a point %.0f of all, a front %.0f "
           "points.\nWhat pwemoe does not do: LS*, the merge shared out, too; distil*, "
           "the gradient\nsummed behind the backward pass (on the CPU it is).\n",
           asked.job.batch, asked.job.examples, asked.job.points);
    static const char *const usual[] = {"vit-b32", "vit-l14", "gpt2-7b"};
    int printed = 0;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        struct error error;
        const char *name = asked.shape ? asked.shape : usual[i];
        const struct shape *shape =
            strcmp(name, seven.name) == 0 ? &seven : shape_find(name, &error);
        if (!shape) {
            fprintf(stderr, "scale: %s\n", error.text);
            return 1;
        }
        printed += print_shape(&asked, shape);
        if (asked.shape)
            break;
    }
    if (!printed)
        fprintf(stderr, "scale: no such machine or network, or --rates is missing\n");
    return printed ? 0 : 1;
}
