/* What the files of an import of another results.db share (import_results.h). */
#ifndef PWEMOE_COMMAND_WORK_IMPORT_STATE_H
#define PWEMOE_COMMAND_WORK_IMPORT_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/work.h"
#include "store/store.h"

struct import_results;

/* Which id here an id there has. */
struct pairs {
    struct pair {
        int64_t there, here;
    } * list; /* there rises */
    size_t count, capacity;
};

int pairs_add(struct pairs *pairs, int64_t there, int64_t here, struct error *error);
/* Before anything is found in pairs that were not added in order. */
void pairs_sort(struct pairs *pairs);
/* 0 where there is none. */
int64_t pairs_find(const struct pairs *pairs, int64_t there);

struct importing {
    struct store *store, *other;
    const struct store_recipe *recipe;
    const struct work *work;
    struct pairs routers, solutions;
    struct import_results *result;
    size_t measured; /* solutions here before */
    size_t ids;      /* capacity of result->ids */
};

/* Runs with their routers, into importing->routers. */
int import_runs(struct importing *importing, struct error *error);
/* Once importing->solutions is whole. */
int import_bookmarks(struct importing *importing, struct error *error);

#endif
