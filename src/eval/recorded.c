#include "eval/recorded.h"

#include <stdlib.h>

#include "base/memory.h"

/* Batches that are recorded; any more are run as they come. */
enum { MOST = 96 };

struct one {
    struct batch batch;
    struct recording *recording; /* NULL: it was run once, unrecorded */
};

struct recorded {
    struct backend *backend;
    bool records;
    struct one *all; /* [MOST] */
    size_t count;
};

int recorded_new(struct backend *b, bool records, struct recorded **out,
                 struct error *error) {
    struct recorded *r = array_new(1, sizeof *r);
    if (r)
        r->all = array_new(records ? MOST : 0, sizeof *r->all);
    if (!r || !r->all) {
        free(r);
        return error_memory(error);
    }
    r->backend = b;
    r->records = records;
    *out = r;
    return 0;
}

static void drop(struct recorded *r, struct one *one) {
    if (one->recording)
        r->backend->recording_free(r->backend, one->recording);
    one->recording = NULL;
}

void recorded_free(struct recorded *r) {
    if (!r)
        return;
    for (size_t i = 0; i < r->count; i++)
        drop(r, &r->all[i]);
    free(r->all);
    free(r);
}

void recorded_forget(struct recorded *r, const struct unloader *maker) {
    size_t kept = 0;
    for (size_t i = 0; i < r->count; i++) {
        if (r->all[i].batch.maker == maker)
            drop(r, &r->all[i]);
        else
            r->all[kept++] = r->all[i];
    }
    r->count = kept;
}

static bool same_batch(const struct batch *a, const struct batch *b) {
    if (a->weights != b->weights || a->examples != b->examples ||
        a->heads != b->heads || a->maker != b->maker)
        return false;
    if (!a->heads)
        return true;
    bool same = a->slot == b->slot && a->kept == b->kept && a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = a->parts[i].task == b->parts[i].task &&
               a->parts[i].first == b->parts[i].first &&
               a->parts[i].count == b->parts[i].count;
    return same;
}

static struct one *find(struct recorded *r, const struct batch *batch) {
    for (size_t i = 0; i < r->count; i++)
        if (same_batch(&r->all[i].batch, batch))
            return &r->all[i];
    return NULL;
}

/* NULL where none can be had, and then never. */
static struct recording *record(struct recorded *r, const struct batch *batch,
                                batch_run *run, void *self) {
    struct backend *b = r->backend;
    struct recording *made = NULL;
    if (b->record_begin(b, NULL) == 0) {
        run(self, batch);
        if (b->record_end(b, &made, NULL))
            made = NULL;
    }
    r->records = made != NULL;
    return made;
}

bool recorded_run(struct recorded *r, const struct batch *batch, batch_run *run,
                  void *self) {
    struct one *known = find(r, batch);
    if (!r->records || (!known && r->count == MOST))
        return false;
    if (known && !known->recording)
        known->recording = record(r, batch, run, self);
    if (known && known->recording) {
        r->backend->replay(r->backend, known->recording);
        return true;
    }
    run(self, batch);
    if (!known)
        r->all[r->count++] = (struct one){*batch, NULL};
    return true;
}
