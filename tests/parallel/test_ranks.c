/* Ranks of mpirun: what they add up, send and agree on, and jobs handed out. The
 * program starts itself by mpirun; what a rank finds wrong ends it with a line and
 * status 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "launch.h"
#include "parallel/behind.h"
#include "parallel/handout.h"
#include "parallel/ranks.h"
#include "support/patience.h"

static struct ranks *ranks;
static struct error error;

/* --- what is added up ----------------------------------------------------------- */

/* Numbers whose sum depends on the order in which they are added. */
static float number(unsigned rank, size_t i) {
    uint64_t x = (rank + 1) * 0x9e3779b97f4a7c15u + i * 0xbf58476d1ce4e5b9u;
    x ^= x >> 29;
    x *= 0x94d049bb133111ebu;
    return (float)(x >> 40) * (x & 1 ? 1e-3f : -7e2f);
}

/* The sum as the header says it: in round k rank r with r mod 2k = k goes into r - k.
 */
static float tree_sum(unsigned size, size_t i) {
    float sums[64];
    for (unsigned r = 0; r < size; r++)
        sums[r] = number(r, i);
    for (unsigned k = 1; k < size; k *= 2)
        for (unsigned r = 0; r + k < size; r += 2 * k)
            sums[r] += sums[r + k];
    return sums[0];
}

/* Long vectors: part j is begun by rank j + 1 and ended by rank j. */
static float ring_sum(unsigned size, size_t count, size_t i) {
    unsigned part = 0;
    while (i >= ranks_part(ranks, count, part + 1))
        part++;
    float sum = number((part + 1) % size, i);
    for (unsigned k = 2; k <= size; k++)
        sum += number((part + k) % size, i);
    return sum;
}

/* Children in the tree: those that rank r receives from. */
static unsigned children(unsigned rank, unsigned size) {
    unsigned count = 0;
    for (unsigned k = 1; rank + k < size && !(rank & k); k *= 2)
        count++;
    return count;
}

static void add_up(size_t count) {
    float *values = array_new(count, sizeof *values);
    double *doubles = array_new(count, sizeof *doubles);
    unsigned rank = ranks_rank(ranks), size = ranks_size(ranks);
    CHECK(values && doubles);
    for (size_t i = 0; i < count; i++) {
        values[i] = number(rank, i);
        doubles[i] = rank == 1 ? (double)i : 0;
    }
    uint64_t before = ranks_sent(ranks);
    CHECK(ranks_add_floats(ranks, values, count, &error) == 0);
    /* Up to the parent once, and down to each child; or around, all parts but one each
     * time. */
    bool ring = count / RANKS_RING_PART >= size;
    uint64_t vectors = (rank ? 1 : 0) + children(rank, size);
    uint64_t sent = (ranks_sent(ranks) - before) / sizeof *values;
    CHECK(ring ? sent + 256 > 2 * count * (size - 1) / size &&
                     sent < 2 * count * (size - 1) / size + 256
               : sent == vectors * count);
    CHECK(ranks_add_doubles(ranks, doubles, count, &error) == 0);
    for (size_t i = 0; i < count; i++) {
        float wanted = ring ? ring_sum(size, count, i) : tree_sum(size, i);
        CHECK(memcmp(&values[i], &wanted, sizeof wanted) == 0);
        CHECK(doubles[i] == (double)i);
    }
    free(values);
    free(doubles);
}

static void collectives(void) {
    unsigned rank = ranks_rank(ranks), size = ranks_size(ranks);
    add_up(0);
    add_up(1);
    add_up(3001);
    add_up(700001);
    add_up(5000011); /* in several messages */
    /* The last part has one message more than the others. */
    add_up((size_t)size * (1 << 20) + 1);
    char text[100] = "";
    if (rank == 0)
        strcpy(text, "from rank 0");
    CHECK(ranks_broadcast(ranks, text, sizeof text, &error) == 0);
    CHECK(strcmp(text, "from rank 0") == 0);
    CHECK(ranks_agree(ranks, 0, &error) == 0);
    for (unsigned k = 0; k < size; k++) {
        /* k and all above it fail: k is told of. */
        char wanted[64];
        int result = rank >= k ? error_set(&error, "no %u", rank) : 0;
        CHECK(ranks_agree(ranks, result, &error) == -1);
        snprintf(wanted, sizeof wanted, k ? "rank %u: no %u" : "no 0", k, k);
        CHECK(strcmp(error.text, wanted) == 0);
    }
    for (unsigned k = 0; k < size; k++)
        CHECK(!ranks_gone(ranks, k));
}

/* --- behind what makes it --------------------------------------------------------- */

enum { PIECES = 3, LONG = 1000003 };
static const size_t begins[PIECES + 1] = {0, 50, 500000, LONG};

/* Each piece is added up before the next is made, with the bits of the ring, though
 * every rank takes its time; `idle` makes none, and keeps nobody waiting. */
static void add_behind(unsigned idle) {
    struct behind behind;
    unsigned rank = ranks_rank(ranks), size = ranks_size(ranks);
    float *values = array_new(LONG, sizeof *values);
    CHECK(values);
    behind_begin(&behind, ranks, values, begins, PIECES);
    for (size_t piece = PIECES; rank != idle && piece-- > 0;) {
        nanosleep(&(struct timespec){.tv_nsec = (long)(rank + piece) * 2000000}, NULL);
        for (size_t i = begins[piece]; i < begins[piece + 1]; i++)
            values[i] = number(rank, i);
        behind_made(&behind, begins[piece]);
        for (int i = 0; idle == size && i < 30000 && behind.left > piece; i++)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        CHECK(idle < size || behind.left == piece);
    }
    CHECK(behind_end(&behind, &error) == 0);
    for (size_t piece = 0; idle == size && piece < PIECES; piece++) {
        size_t count = begins[piece + 1] - begins[piece];
        size_t end = ranks_part(ranks, count, rank + 1);
        for (size_t i = ranks_part(ranks, count, rank); i < end; i++) {
            float wanted = number((rank + 1) % size, begins[piece] + i);
            for (unsigned k = 2; k <= size; k++)
                wanted += number((rank + k) % size, begins[piece] + i);
            CHECK(memcmp(&values[begins[piece] + i], &wanted, sizeof wanted) == 0);
        }
    }
    free(values);
}

static void behind_what_makes_it(void) {
    add_behind(ranks_size(ranks));
    add_behind(1);
}

/* --- jobs ----------------------------------------------------------------------- */

enum { JOBS = 24 };

struct table {
    int kept[JOBS]; /* how often */
    long results[JOBS];
    int by_others;
    char said[256];
};

static long answer(long job) {
    struct timespec time = {.tv_nsec = job % 5 * 3000000};
    nanosleep(&time, NULL);
    return job * job + 1;
}

static int pack(void *self, size_t job, void **bytes, size_t *size, struct error *e) {
    (void)self;
    long number = (long)job;
    *bytes = malloc(sizeof number);
    if (!*bytes)
        return error_memory(e);
    memcpy(*bytes, &number, sizeof number);
    *size = sizeof number;
    return 0;
}

static int keep(void *self, size_t job, const void *bytes, size_t size,
                struct error *e) {
    struct table *table = self;
    if (size != sizeof table->results[job])
        return error_set(e, "a result of %zu bytes", size);
    memcpy(&table->results[job], bytes, size);
    table->kept[job]++;
    table->by_others++;
    return 0;
}

static void tell(void *self, const char *line) {
    struct table *table = self;
    snprintf(table->said, sizeof table->said, "%s", line);
}

/* Which job a rank fails at, or dies of; -1: none. */
static long fails_at = -1, dies_of = -1;

static int serve(void *self, const void *bytes, size_t size, void **result,
                 size_t *result_size, struct error *e) {
    (void)self;
    long job;
    CHECK(size == sizeof job);
    memcpy(&job, bytes, sizeof job);
    if (job == fails_at)
        return error_set(e, "job %ld is bad", job);
    if (job == dies_of)
        raise(SIGKILL);
    long made = answer(job);
    *result = malloc(sizeof made);
    CHECK(*result);
    memcpy(*result, &made, sizeof made);
    *result_size = sizeof made;
    return 1;
}

/* Rank 0 takes `own` jobs at most. */
static int hand_out(struct table *table, int own) {
    struct handout *handout;
    struct handout_jobs jobs = {
        .count = JOBS, .pack = pack, .keep = keep, .tell = tell, .self = table};
    memset(table, 0, sizeof *table);
    CHECK(handout_begin(ranks, &jobs, &handout, &error) == 0);
    size_t job;
    for (int i = 0; i < own && handout_take(handout, &job); i++) {
        table->results[job] = answer((long)job);
        table->kept[job]++;
    }
    return handout_end(handout, &error);
}

static void jobs(void) {
    struct table table;
    if (ranks_rank(ranks)) {
        CHECK(handout_serve(ranks, serve, NULL, &error) == 0);
        return;
    }
    /* Twice, by those that wait; all, each once; other ranks have had some. */
    for (int i = 0; i < 2; i++) {
        CHECK(hand_out(&table, i ? JOBS : 0) == 1);
        CHECK(table.by_others > 0);
        for (long k = 0; k < JOBS; k++)
            CHECK(table.kept[k] == 1 && table.results[k] == k * k + 1);
    }
    CHECK(handout_dismiss(ranks, &error) == 0);
}

/* A job that fails: what is finished is kept, the failure is told, the ranks live. */
static void failing(void) {
    struct table table;
    fails_at = 7;
    if (ranks_rank(ranks)) {
        CHECK(handout_serve(ranks, serve, NULL, &error) == 0);
        return;
    }
    CHECK(hand_out(&table, 0) == -1);
    CHECK(strstr(error.text, "job 7 is bad") && strncmp(error.text, "rank ", 5) == 0);
    for (long k = 0; k < 7; k++)
        CHECK(table.kept[k] <= 1);
    CHECK(table.kept[0] == 1 && table.kept[7] == 0);
    CHECK(handout_dismiss(ranks, &error) == 0);
}

/* One that is killed, where mpirun lets the others go on: its job is lost. */
static void dying(void) {
    struct table table;
    dies_of = 5;
    if (ranks_rank(ranks)) {
        CHECK(handout_serve(ranks, serve, NULL, &error) == 0);
        return;
    }
    CHECK(hand_out(&table, 0) == 0);
    CHECK(strstr(table.said, "has ended unexpectedly; what it worked on is left out"));
    for (long k = 0; k < JOBS; k++)
        CHECK(table.kept[k] == (k != 5));
    CHECK(handout_dismiss(ranks, &error) == 0);
    puts("all others are kept");
}

/* --- the program under mpirun --------------------------------------------------- */

static int be_a_rank(const char *role) {
    if (ranks_join(&ranks, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    if (strcmp(role, "collectives") == 0)
        collectives();
    else if (strcmp(role, "behind") == 0)
        behind_what_makes_it();
    else if (strcmp(role, "jobs") == 0)
        jobs();
    else if (strcmp(role, "failing") == 0)
        failing();
    else if (strcmp(role, "dying") == 0)
        dying();
    ranks_leave(ranks, 0);
    return 0;
}

/* --- the program that starts it ------------------------------------------------- */

static const char *program;

/* Its exit status; what it prints first into said. */
static int start_ranks(const char *options, unsigned size, const char *role,
                       char said[256]) {
    char words[1024];
    const char *missing = launch_missing();
    if (missing) {
        print_message("skipped: %s\n", missing);
        skip();
    }
    snprintf(words, sizeof words, "timeout " PATIENCE_TEXT " mpirun %s -n %u %s %s",
             options, size, program, role);
    FILE *output = popen(words, "r");
    assert_non_null(output);
    said[0] = '\0';
    if (!fgets(said, 256, output))
        said[0] = '\0';
    int status = pclose(output);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void start(const char *options, unsigned size, const char *role) {
    char said[256];
    assert_int_equal(start_ranks(options, size, role, said), 0);
}

static void ranks_add_up_in_one_order(void **state) {
    (void)state;
    for (unsigned size = 2; size <= 5; size++)
        start("", size, "collectives");
}

static void pieces_are_added_up_as_they_are_made(void **state) {
    (void)state;
    for (unsigned size = 2; size <= 4; size++)
        start("", size, "behind");
}

static void jobs_are_done_once(void **state) {
    (void)state;
    start("", 2, "jobs");
    start("", 4, "jobs");
}

static void a_job_that_fails_is_told(void **state) {
    (void)state;
    start("", 3, "failing");
}

static void a_rank_that_dies_costs_its_job(void **state) {
    (void)state;
    char said[256];
    /* 124: timeout(1) had to end it */
    assert_int_not_equal(start_ranks("--enable-recovery", 3, "dying", said), 124);
    assert_string_equal(said, "all others are kept\n");
}

static void one_process_needs_no_mpi(void **state) {
    (void)state;
    struct ranks *none;
    float value = 3;
    assert_int_equal(ranks_join(&none, &error), 0);
    assert_null(none);
    assert_int_equal(ranks_size(none), 1);
    assert_int_equal(ranks_rank(none), 0);
    assert_int_equal(ranks_add_floats(none, &value, 1, &error), 0);
    assert_true(value == 3);
    ranks_leave(none, 0);
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[1024];
    while (maps && fgets(line, sizeof line, maps))
        assert_null(strstr(line, "libmpi"));
    if (maps)
        fclose(maps);
}

/* mpirun would start as many that know nothing of each other. */
static void no_module_is_an_error(void **state) {
    (void)state;
    struct ranks *none;
    setenv("OMPI_COMM_WORLD_SIZE", "3", 1);
    setenv("OMPI_COMM_WORLD_RANK", "1", 1);
    setenv("PWEMOE_MODULE_DIR", "/nonexistent", 1);
    assert_int_equal(ranks_join(&none, &error), -1);
    unsetenv("OMPI_COMM_WORLD_SIZE");
    unsetenv("OMPI_COMM_WORLD_RANK");
    unsetenv("PWEMOE_MODULE_DIR");
    assert_string_equal(
        error.text, "rank 1 of 3: this pwemoe has no MPI (there is no "
                    "/nonexistent/pwemoe-mpi.so): install the package pwemoe-mpi, or "
                    "configure with --with-mpi=yes");
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc > 1)
        return be_a_rank(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_process_needs_no_mpi),
        cmocka_unit_test(no_module_is_an_error),
        cmocka_unit_test(ranks_add_up_in_one_order),
        cmocka_unit_test(pieces_are_added_up_as_they_are_made),
        cmocka_unit_test(jobs_are_done_once),
        cmocka_unit_test(a_job_that_fails_is_told),
        cmocka_unit_test(a_rank_that_dies_costs_its_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
