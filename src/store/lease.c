#include "store/lease.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/sql.h"

/* --- processes -------------------------------------------------------------------- */

/* The first line of a small file of the system's, "" where there is none. */
static void system_line(const char *path, char *out, int size) {
    FILE *file = fopen(path, "re");
    *out = '\0';
    if (!file)
        return;
    if (!fgets(out, size, file))
        *out = '\0';
    out[strcspn(out, "\n")] = '\0';
    fclose(file);
}

/* When a process of this machine began, in the system's own units; -1 where it cannot
 * be told, because there is no such process or no /proc. */
static int64_t process_began(int64_t pid) {
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    system_line(path, line, sizeof line);
    /* The name, in brackets, may hold anything; the 20th field after it is the start.
     */
    char *at = strrchr(line, ')'), *end;
    for (int field = 0; at && field < 20; field++)
        at = strchr(at + 1, ' ');
    if (!at)
        return -1;
    errno = 0;
    int64_t began = strtoll(at, &end, 10);
    return end == at || errno || began < 0 ? -1 : began;
}

/* Who holds a lease. Numbers of processes compare where `place` is the same: one run of
 * one system, and one namespace of processes. */
struct holder {
    char machine[64], place[160], host[128];
    int64_t pid, began; /* began -1: not known */
};

static void holder_here(struct holder *holder) {
    char boot[64], space[64];
    memset(holder, 0, sizeof *holder);
    system_line("/etc/machine-id", holder->machine, sizeof holder->machine);
    system_line("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
    ssize_t length = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    space[length > 0 ? length : 0] = '\0';
    snprintf(holder->place, sizeof holder->place, "%s %s", boot, space);
    if (gethostname(holder->host, sizeof holder->host - 1))
        snprintf(holder->host, sizeof holder->host, "?");
    holder->pid = getpid();
    holder->began = process_began(holder->pid);
}

struct lease {
    char token[33];
    struct holder holder;
    double renewed;
};

/* Whether two texts have the same first word. */
static bool same_word(const char *a, const char *b) {
    size_t length = strcspn(a, " ");
    return length == strcspn(b, " ") && strncmp(a, b, length) == 0;
}

static bool holder_lives(const struct lease *lease) {
    const struct holder *holder = &lease->holder;
    struct holder here;
    holder_here(&here);
    bool boot_known = *here.place != ' ' && *holder->place != ' ';
    if (boot_known && strcmp(here.place, holder->place) == 0) {
        int64_t began = process_began(holder->pid);
        if (began >= 0 && holder->began >= 0)
            return began == holder->began;
        return began >= 0 || kill((pid_t)holder->pid, 0) == 0 || errno == EPERM;
    }
    /* This machine has been started again since. */
    if (boot_known && *here.machine && strcmp(here.machine, holder->machine) == 0 &&
        !same_word(here.place, holder->place))
        return false;
    return fabs(sql_now() - lease->renewed) < LEASE_SECONDS;
}

/* --- rows ------------------------------------------------------------------------- */

static void copy_text(struct sql_row *row, int column, char *out, size_t size) {
    size_t length = 0;
    const char *text = sql_text_here(row, column, &length);
    snprintf(out, size, "%s", text ? text : "");
}

static void read_columns(struct sql_row *row, void *to) {
    struct lease *lease = to;
    copy_text(row, 0, lease->token, sizeof lease->token);
    copy_text(row, 1, lease->holder.machine, sizeof lease->holder.machine);
    copy_text(row, 2, lease->holder.place, sizeof lease->holder.place);
    copy_text(row, 3, lease->holder.host, sizeof lease->holder.host);
    lease->holder.pid = sql_integer(row, 4, 1, INT32_MAX);
    lease->holder.began = sql_integer(row, 5, -1, INT64_MAX);
    lease->renewed = sql_real(row, 6);
}

/* found false where the run has no lease. */
static int read_lease(struct store *store, int64_t run, bool *found,
                      struct lease *lease, struct error *error) {
    memset(lease, 0, sizeof *lease);
    int result =
        sql_one(store, error, "a lease", read_columns, lease,
                "SELECT token, machine, place, host, pid, began, renewed FROM lease"
                " WHERE run = ?",
                "i", run);
    *found = result > 0;
    return result < 0 ? -1 : 0;
}

static int held_elsewhere(struct store *store, int64_t run, const struct lease *lease,
                          struct error *error) {
    return error_set(error,
                     "%s: run %" PRId64 " is being trained by process %" PRId64
                     " on %s; stop that one first",
                     store->path, run, lease->holder.pid, lease->holder.host);
}

static int taken_over(struct store *store, int64_t run, struct error *error) {
    return error_set(error,
                     "%s: another process has taken run %" PRId64
                     " over; this one saves nothing more of it",
                     store->path, run);
}

int store_lease_check(struct store *store, int64_t run, struct error *error) {
    bool found;
    struct lease lease;
    if (read_lease(store, run, &found, &lease, error))
        return -1;
    if (store->leased == run)
        return found && strcmp(lease.token, store->lease_token) == 0
                   ? 0
                   : taken_over(store, run, error);
    return found && holder_lives(&lease) ? held_elsewhere(store, run, &lease, error)
                                         : 0;
}

static int write_lease(struct store *store, int64_t run, struct error *error) {
    struct holder here;
    unsigned char bytes[16];
    holder_here(&here);
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return error_set(error, "%s: %s", store->path, strerror(errno));
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(store->lease_token + 2 * i, 3, "%02x", bytes[i]);
    return sql_write(store, error,
                     "INSERT OR REPLACE INTO lease (run, token, machine, place, host,"
                     " pid, began, renewed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                     "ittttiid", run, store->lease_token, here.machine, here.place,
                     here.host, here.pid, here.began, sql_now());
}

int store_lease_take(struct store *store, int64_t run, struct error *error) {
    bool found;
    struct lease lease;
    lease_release(store);
    /* The lock is taken before the row is read: of two that come at once one has it. */
    if (sql_write_begin(store, error))
        return -1;
    int result = read_lease(store, run, &found, &lease, error);
    if (result == 0 && found && holder_lives(&lease))
        result = held_elsewhere(store, run, &lease, error);
    if (result == 0)
        result = write_lease(store, run, error);
    if (sql_write_end(store, result, error))
        return -1;
    store->leased = run;
    store->lease_renewed = sql_now();
    return 0;
}

int store_lease_renew(struct store *store, struct error *error) {
    double now = sql_now();
    /* A clock that was put back is no reason to wait. */
    if (!store->leased || fabs(now - store->lease_renewed) < LEASE_RENEWAL)
        return 0;
    if (sql_write(store, error,
                  "UPDATE lease SET renewed = ? WHERE run = ? AND token = ?", "dit",
                  now, store->leased, store->lease_token))
        return -1;
    if (sqlite3_changes64(store->db) != 1)
        return taken_over(store, store->leased, error);
    store->lease_renewed = now;
    return 0;
}

void lease_release(struct store *store) {
    if (store->leased)
        sql_write(store, NULL, "DELETE FROM lease WHERE run = ? AND token = ?", "it",
                  store->leased, store->lease_token);
    store->leased = 0;
}
