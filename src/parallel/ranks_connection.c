#include "parallel/ranks.h"

#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config.h"

#include "base/memory.h"
#include "parallel/ranks_state.h"

#define MPI_MODULE "pwemoe-mpi.so"

enum {
    MESSAGE_MOST = 1 << 30,
    CHECK = 200 /* looks between two at whether the other rank lives */
};

/* --- waiting -------------------------------------------------------------------- */

/* MPI itself waits by using all of a core. Here a wait that lasts gives it back: ranks
 * that have nothing to do yet do not slow those that compute beside them. */
static void wait_a_little(unsigned *looks) {
    if (++*looks < 1000)
        return;
    if (*looks < 1100) {
        sched_yield();
        return;
    }
    struct timespec time = {.tv_nsec = *looks < 2000 ? 50000 : 500000};
    nanosleep(&time, NULL);
}

static int failed(struct ranks *r, const char *why, struct error *error) {
    r->lost = true;
    return error_set(error, "the connection with other ranks is lost: %s", why);
}

/* A little, for what that rank has to do; fails where it has ended. */
static int wait_for(struct ranks *r, unsigned rank, unsigned *looks,
                    struct error *error) {
    char why[64];
    if (*looks % CHECK == CHECK - 1 && ranks_gone(r, rank)) {
        snprintf(why, sizeof why, "rank %u has ended", rank);
        return failed(r, why, error);
    }
    wait_a_little(looks);
    return 0;
}

int ranks_send_bytes(struct ranks *r, unsigned to, int tag, const void *bytes,
                     size_t size, struct error *error) {
    char why[256] = "";
    if (r->module->send((int)to, tag, bytes, size, why))
        return failed(r, why, error);
    r->sent += size;
    return 0;
}

int ranks_receive_bytes(struct ranks *r, unsigned from, void *bytes, size_t size,
                        struct error *error) {
    char why[256] = "";
    int there = 0, sender;
    size_t found = 0;
    for (unsigned looks = 0; !there;) {
        if (r->module->look((int)from, TAG_TOGETHER, &there, &sender, &found, why))
            return failed(r, why, error);
        if (!there && wait_for(r, from, &looks, error))
            return -1;
    }
    r->lost = found != size;
    if (found != size)
        return error_set(error,
                         "rank %u sends %zu bytes where rank %u expects %zu: they do "
                         "not run the same program with the same options",
                         from, found, r->rank, size);
    return r->module->receive((int)from, TAG_TOGETHER, bytes, size, why)
               ? failed(r, why, error)
               : 0;
}

int ranks_exchange(struct ranks *r, unsigned to, const void *out, size_t out_size,
                   unsigned from, void *in, size_t in_size, struct error *error) {
    char why[256] = "";
    int done = out_size == 0;
    if (!done && r->module->send_begin((int)to, TAG_TOGETHER, out, out_size, why))
        return failed(r, why, error);
    if (in_size && ranks_receive_bytes(r, from, in, in_size, error))
        return -1;
    for (unsigned looks = 0; !done;) {
        if (r->module->send_done(&done, why))
            return failed(r, why, error);
        if (!done && wait_for(r, to, &looks, error))
            return -1;
    }
    r->sent += out_size;
    return 0;
}

/* --- who is there --------------------------------------------------------------- */

/* A number that the environment has under one of these names, ended by NULL. */
static bool from_environment(const char *const *names, unsigned *number) {
    for (; *names; names++) {
        const char *text = getenv(*names);
        char *end;
        unsigned long value = text ? strtoul(text, &end, 10) : 0;
        if (!text || !*text || *end || value > 1000000)
            continue;
        *number = (unsigned)value;
        return true;
    }
    return false;
}

struct launched ranks_launched(void) {
    static const char *const rank[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
                                       NULL};
    static const char *const size[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE",
                                       "SLURM_STEP_NUM_TASKS", NULL};
    static const char *const local[] = {"OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID",
                                        NULL};
    static const char *const local_size[] = {"OMPI_COMM_WORLD_LOCAL_SIZE", NULL};
    struct launched l = {.size = 1, .local_size = 1};
    if (!from_environment(rank, &l.rank) || !from_environment(size, &l.size) ||
        l.size < 2 || l.rank >= l.size)
        return (struct launched){.size = 1, .local_size = 1};
    from_environment(local, &l.local);
    from_environment(local_size, &l.local_size);
    if (l.local_size == 0)
        l.local_size = 1;
    return l;
}

/* The module lies where that of CUDA lies, or where the environment says. It stays
 * open: MPI's own threads do not survive being unloaded. */
static const struct parallel_module *open_module(struct error *error) {
    const char *folder = getenv("PWEMOE_MODULE_DIR");
    char *path = text_format("%s/%s", folder && *folder ? folder : PWEMOE_MODULE_DIR,
                             MPI_MODULE);
    const struct parallel_module *module = NULL;
    parallel_module_function *function = NULL;
    if (!path) {
        error_memory(error);
        return NULL;
    }
    void *handle = access(path, F_OK) == 0 ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!handle && access(path, F_OK) == 0) {
        const char *why = dlerror();
        error_set(error, "MPI cannot be loaded: %s", why ? why : path);
    } else if (!handle) {
        error_set(error,
                  "this pwemoe has no MPI (there is no %s): install the package "
                  "pwemoe-mpi, or configure with --with-mpi=yes",
                  path);
    } else {
        void *symbol = dlsym(handle, PARALLEL_MODULE_SYMBOL);
        memcpy(&function, &symbol, sizeof function);
        module = function ? function() : NULL;
        if (!module || module->api_version != PARALLEL_API_VERSION) {
            error_set(
                error,
                "%s is from another build of pwemoe; install both from the same build",
                path);
            module = NULL;
            dlclose(handle);
        }
    }
    free(path);
    return module;
}

static void free_ranks(struct ranks *r) {
    if (r) {
        free(r->piece);
        free(r->peers);
    }
    free(r);
}

/* Where numbers of processes mean the same: this boot of the machine, this name space
 * of processes. */
static struct peer own_peer(void) {
    struct peer peer = {.process = getpid()};
    char boot[64] = "", space[40] = "";
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (file && !fgets(boot, sizeof boot, file))
        boot[0] = '\0';
    if (file)
        fclose(file);
    if (readlink("/proc/self/ns/pid", space, sizeof space - 1) > 0 && *boot)
        snprintf(peer.machine, sizeof peer.machine, "%.*s %s", (int)strcspn(boot, "\n"),
                 boot, space);
    return peer;
}

/* Every rank learns of every other. */
static int introduce(struct ranks *r, struct error *error) {
    r->peers[r->rank] = own_peer();
    for (unsigned i = 1; i < r->size; i++) {
        if (r->rank == 0 &&
            ranks_receive_bytes(r, i, &r->peers[i], sizeof *r->peers, error))
            return -1;
        if (r->rank == i &&
            ranks_send_bytes(r, 0, TAG_TOGETHER, &r->peers[i], sizeof *r->peers, error))
            return -1;
    }
    return ranks_broadcast(r, r->peers, r->size * sizeof *r->peers, error);
}

bool ranks_gone(const struct ranks *r, unsigned rank) {
    const struct peer *peer = &r->peers[rank];
    return *peer->machine && strcmp(peer->machine, r->peers[r->rank].machine) == 0 &&
           kill((pid_t)peer->process, 0) != 0 && errno == ESRCH;
}

int ranks_join(struct ranks **out, struct error *error) {
    *out = NULL;
    struct launched launched = ranks_launched();
    if (launched.size < 2)
        return 0;
    struct ranks *r = array_new(1, sizeof *r);
    if (r)
        *r = (struct ranks){.piece = malloc(PIECE),
                            .peers = array_new(launched.size, sizeof *r->peers)};
    if (!r || !r->piece || !r->peers) {
        free_ranks(r);
        return error_memory(error);
    }
    char why[256] = "";
    int rank = 0, size = 0, result = -1;
    if (!(r->module = open_module(error)))
        ;
    else if (r->module->start(&rank, &size, why))
        error_set(error, "MPI cannot be started: %s", why);
    else if ((unsigned)size != launched.size)
        error_set(
            error,
            "%u processes were started, but MPI finds %d: the launcher belongs to "
            "another MPI than pwemoe, which was built with %s; use that one's mpirun",
            launched.size, size, r->module->version());
    else {
        r->rank = (unsigned)rank;
        r->size = (unsigned)size;
        result = introduce(r, error);
    }
    if (result) {
        free_ranks(r);
        return error_prefix(error, "rank %u of %u", launched.rank, launched.size);
    }
    *out = r;
    return 0;
}

void ranks_give_up(struct ranks *r) {
    if (r)
        r->lost = true;
}

static bool any_gone(const struct ranks *r) {
    bool any = false;
    for (unsigned i = 0; i < r->size; i++)
        any = any || (i != r->rank && ranks_gone(r, i));
    return any;
}

/* MPI_Finalize may wait for ever for a rank that has died. Rank 0 ends all when it is
 * through; the others wait for that. */
static _Noreturn void leave_without(struct ranks *r, int status) {
    if (r->rank == 0 || r->lost)
        r->module->abort(status);
    while (!ranks_gone(r, 0))
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    _exit(status);
}

void ranks_leave(struct ranks *r, int status) {
    if (!r)
        return;
    fflush(stdout);
    if (r->lost || any_gone(r))
        leave_without(r, status);
    r->module->finish();
    free_ranks(r);
}

unsigned ranks_rank(const struct ranks *r) {
    return r ? r->rank : 0;
}

unsigned ranks_size(const struct ranks *r) {
    return r ? r->size : 1;
}

uint64_t ranks_sent(const struct ranks *r) {
    return r ? r->sent : 0;
}

const char *ranks_library(char line[256]) {
    struct error error;
    const struct parallel_module *module = open_module(&error);
    if (!module && error.memory)
        return NULL;
    snprintf(line, 256, "%s", TEXT_CUT(module ? module->version() : error.text, 255));
    return line;
}

/* --- all together --------------------------------------------------------------- */

int ranks_agree(struct ranks *r, int result, struct error *error) {
    if (!r || r->lost)
        return result;
    /* The first rank that failed tells all others. */
    double *failures = array_new(r->size, sizeof *failures);
    struct error said = {.text = ""};
    if (!failures)
        return error_memory(error);
    failures[r->rank] = result != 0;
    int lost = ranks_add_doubles(r, failures, r->size, error);
    unsigned first = 0;
    while (first < r->size && failures[first] == 0)
        first++;
    free(failures);
    if (lost || first == r->size)
        return lost;
    if (first == r->rank)
        said = *error;
    /* From there to rank 0, which the others listen to. */
    if (first && r->rank == first)
        lost = ranks_send_bytes(r, 0, TAG_TOGETHER, &said, sizeof said, error);
    else if (first && r->rank == 0)
        lost = ranks_receive_bytes(r, first, &said, sizeof said, error);
    if (lost || ranks_broadcast(r, &said, sizeof said, error))
        return -1;
    *error = said;
    return first ? error_prefix(error, "rank %u", first) : -1;
}

/* --- from one to another -------------------------------------------------------- */

int ranks_send(struct ranks *r, unsigned to, int kind, const void *bytes, size_t size,
               struct error *error) {
    if (size >= MESSAGE_MOST)
        return error_set(error, "a message of %zu bytes is too long", size);
    unsigned char *message = malloc(size + 1);
    if (!message)
        return error_memory(error);
    message[0] = (unsigned char)kind;
    if (size)
        memcpy(message + 1, bytes, size);
    int result = ranks_send_bytes(r, to, TAG_MESSAGE, message, size + 1, error);
    free(message);
    return result;
}

int ranks_look(struct ranks *r, struct ranks_message *message, struct error *error) {
    char why[256] = "";
    int there = 0, sender = 0;
    size_t size = 0;
    *message = (struct ranks_message){0};
    if (r->module->look(-1, TAG_MESSAGE, &there, &sender, &size, why))
        return failed(r, why, error);
    if (!there)
        return 0;
    unsigned char *bytes = malloc(size + 1);
    if (!bytes)
        return error_memory(error);
    if (size == 0 || r->module->receive(sender, TAG_MESSAGE, bytes, size, why)) {
        free(bytes);
        return failed(r, size ? why : "an empty message", error);
    }
    message->from = (unsigned)sender;
    message->kind = bytes[0];
    message->size = size - 1;
    memmove(bytes, bytes + 1, size - 1);
    bytes[size - 1] = '\0';
    message->bytes = bytes;
    return 1;
}

int ranks_wait(struct ranks *r, struct ranks_message *message, struct error *error) {
    for (unsigned looks = 0;; wait_a_little(&looks)) {
        int result = ranks_look(r, message, error);
        if (result)
            return result < 0 ? -1 : 0;
        if (r->rank && looks % CHECK == CHECK - 1 && ranks_gone(r, 0))
            return failed(r, "rank 0 has ended", error);
    }
}
