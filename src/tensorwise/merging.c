#include "tensorwise/merging.h"

#ifdef _OPENMP
#include <omp.h>
#endif
#include <stdlib.h>
#include <string.h>

#include "base/mapped.h"
#include "base/memory.h"
#include "checkpoint/folder.h"
#include "checkpoint/write.h"
#include "tensorwise/merge_key.h"
#include "tensorwise/merged_files.h"
#include "tensorwise/shards.h"
#include "tensorwise/statistics.h"

/* Elements that a thread makes at a time: a few hundred KB with those of some experts.
 */
enum { BLOCK = 8192 };

/* What the process is itself, with its libraries, threads and the writer's buffers. */
static const uint64_t memory_of_process = (uint64_t)96 << 20;

static const char stopped[] = "stopped; nothing was written";

struct maker {
    const struct merging *merging;
    const struct work *work;
    const struct shards *shards;
    size_t first;   /* the file's first tensor */
    size_t current; /* the tensor at hand; SIZE_MAX: none */
    struct values values;
    struct blend blend;
    float *room; /* [threads] of experts + 2 blocks */
    uint64_t done;
};

/* --- one tensor ------------------------------------------------------------------- */

static void expect(void *self, const struct tensor *tensor) {
    (void)self;
    mapped_expect(tensor->data, (size_t)tensor->bytes);
}

static void let_go(void *self, const struct tensor *tensor) {
    (void)self;
    mapped_let_go(tensor->data, (size_t)tensor->bytes);
}

static void leave(struct maker *m) {
    if (m->current != SIZE_MAX) {
        models_visit(m->merging->models, m->current, let_go, NULL);
        models_leave(m->merging->models, m->current);
    }
    values_close(&m->values);
    free(m->blend.made);
    m->blend.made = NULL;
    m->current = SIZE_MAX;
}

static int enter(struct maker *m, size_t index, struct error *error) {
    const struct merging *merging = m->merging;
    const struct models *models = merging->models;
    const struct model_tensor *tensor = &models->tensors[index];
    double weights[MODELS_MAX];
    leave(m);
    m->current = index;
    if (index + 1 < models->tensor_count)
        models_visit(models, index + 1, expect, NULL);
    if (!tensor->experts)
        return 0;
    if (models_enter(models, index, error))
        return -1;
    coefficients_of(merging->coefficients, tensor->base->name, weights);
    if (values_open(models, tensor, &m->values, error))
        return -1;
    m->blend = (struct blend){.base = 1, .scale = 1};
    memcpy(m->blend.weights, weights, models->count * sizeof *weights);
    const struct tensor_input input = {.method = merging->method,
                                       .parameters = merging->parameters,
                                       .preference = merging->preference,
                                       .values = &m->values,
                                       .weights = weights,
                                       .threads = merging->threads,
                                       .work = m->work};
    if (statistics_is(tensor->base->name)) {
        statistics_decide(&input, &m->blend);
        return 0;
    }
    return merging->method->decide(&input, &m->blend, error);
}

/* Elements [from, from + count), rounded to the output's dtype. */
static int make_block(const struct maker *m, size_t from, size_t count, float *room,
                      void *out, struct error *error) {
    size_t experts = m->merging->models->count;
    float *base = room, *sum = room + BLOCK, *vectors = room + (size_t)2 * BLOCK;
    const struct tensor_source *source = &m->shards->sources[m->current];
    if (values_base(&m->values, from, count, base, error))
        return -1;
    for (size_t t = 0; t < experts && m->blend.sum != BLEND_MADE; t++)
        if (values_vector(&m->values, t, from, count, base, vectors + t * BLOCK, error))
            return -1;
    blend_block(&m->blend, experts, from, count, base, vectors, BLOCK, sum);
    return tensor_round(source->name, dtype_entry_find(source->dtype_name)->dtype, base,
                        from, count, out, error);
}

/* The same divided among threads. */
static int make(const struct maker *m, size_t from, size_t count, size_t size,
                unsigned char *out, struct error *error) {
    const struct merging *merging = m->merging;
    size_t each = (merging->models->count + 2) * BLOCK;
    size_t blocks = (count + BLOCK - 1) / BLOCK;
    unsigned threads = blocks < merging->threads ? (unsigned)blocks : merging->threads;
    int result = 0;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t b = 0; b < blocks; b++) {
        struct error own;
        size_t at = b * BLOCK, some = count - at < BLOCK ? count - at : BLOCK;
        float *room = m->room;
#ifdef _OPENMP
        room += (size_t)omp_get_thread_num() * each;
#endif
        if (make_block(m, from + at, some, room, out + at * size, &own) == 0)
            continue;
#pragma omp critical
        {
            *error = own;
            result = -1;
        }
    }
    return result;
}

/* A tensor that is not merged: its bytes, or rounded to --dtype. */
static int copy(const struct maker *m, size_t from, size_t count, size_t size,
                unsigned char *out, struct error *error) {
    const struct tensor *base = m->merging->models->tensors[m->current].base;
    const struct tensor_source *source = &m->shards->sources[m->current];
    if (source->dtype_name == base->dtype_name) {
        memcpy(out, (const unsigned char *)base->data + from * size, count * size);
        return 0;
    }
    const struct values values = {.models = m->merging->models,
                                  .tensor = &m->merging->models->tensors[m->current]};
    for (size_t at = 0; at < count; at += BLOCK) {
        size_t some = count - at < BLOCK ? count - at : BLOCK;
        if (values_base(&values, from + at, some, m->room, error) ||
            tensor_round(source->name, dtype_entry_find(source->dtype_name)->dtype,
                         m->room, from + at, some, out + at * size, error))
            return -1;
    }
    return 0;
}

/* tensor_read of the writer. */
static int read_bytes(void *self, size_t index, uint64_t offset, void *out, size_t room,
                      size_t *got, struct error *error) {
    struct maker *m = self;
    index += m->first;
    const struct tensor_source *source = &m->shards->sources[index];
    if (work_stopped(m->work))
        return error_set(error, "%s", stopped);
    if (m->current != index && enter(m, index, error))
        return -1;
    const struct model_tensor *tensor = &m->merging->models->tensors[index];
    size_t size = dtype_size(dtype_entry_find(source->dtype_name)->dtype);
    size = size ? size : 1; /* narrow kinds are copied byte by byte */
    size_t from = (size_t)offset / size, count = room / size;
    int result = tensor->experts ? make(m, from, count, size, out, error)
                                 : copy(m, from, count, size, out, error);
    *got = count * size;
    m->done += *got;
    work_report(m->work, "merging", (size_t)m->done, (size_t)m->shards->bytes);
    return result;
}

/* --- the directory ---------------------------------------------------------------- */

struct folder_filling {
    struct maker *maker;
    const json_t *about;
    bool resumes; /* files that are there are those of this very merge */
    size_t whole; /* files */
};

static int write_shard(struct maker *m, size_t shard, const char *folder,
                       const char *shown, struct error *error) {
    static const char *const metadata[] = {"format", "pt", NULL};
    size_t first = m->shards->first[shard], end = m->shards->first[shard + 1];
    char *name = shards_name(m->shards, shard);
    char *path = name ? text_format("%s/%s", folder, name) : NULL;
    char *path_shown = name ? text_format("%s/%s", shown, name) : NULL;
    m->first = first;
    int result =
        path && path_shown
            ? safetensors_write_as(path, path_shown, m->shards->sources + first,
                                   end - first, metadata, read_bytes, m, error)
            : error_memory(error);
    leave(m);
    free(name);
    free(path);
    free(path_shown);
    return result;
}

/* Whether a shard was written by a merge that was ended: a file has its name only when
 * it is whole. */
static bool is_there(const struct shards *shards, size_t shard, const char *folder) {
    char *name = shards_name(shards, shard);
    char *path = name ? text_format("%s/%s", folder, name) : NULL;
    struct safetensors *file = NULL;
    struct error error;
    size_t count = shards->first[shard + 1] - shards->first[shard];
    bool there = path && safetensors_open(path, &file, &error) == 0 &&
                 safetensors_count(file) == count;
    safetensors_close(file);
    free(path);
    free(name);
    return there;
}

static void pass_over(struct maker *m, size_t shard) {
    for (size_t i = m->shards->first[shard]; i < m->shards->first[shard + 1]; i++)
        m->done += m->shards->sources[i].bytes;
}

static int fill(void *self, const char *folder, const char *shown,
                struct error *error) {
    struct folder_filling *filling = self;
    struct maker *m = filling->maker;
    size_t *kept = m->merging->kept;
    for (size_t s = 0; s < m->shards->count; s++, filling->whole++) {
        bool there = filling->resumes && is_there(m->shards, s, folder);
        if (there)
            pass_over(m, s);
        else if (write_shard(m, s, folder, shown, error))
            return -1;
        if (kept)
            *kept += there;
    }
    if (merged_files_write(m->merging->models, m->shards, m->merging->dtype,
                           filling->about, folder, shown, m->work, error))
        return -1;
    return work_stopped(m->work) ? error_set(error, "%s", stopped) : 0;
}

static bool keeps(void *self) {
    const struct folder_filling *filling = self;
    return filling->whole > 0;
}

/* --- going on --------------------------------------------------------------------- */

/* What is left for the same merge to go on from is told with the reason of the end. */
static void tell_kept(const struct folder_filling *filling, const char *path,
                      struct error *error) {
    struct error why = *error;
    char *nothing = strstr(why.text, stopped);
    if (nothing)
        nothing[strlen("stopped")] = '\0';
    error_set(
        error,
        "%s; %zu of %zu files are whole and kept beside %s: the same command goes "
        "on",
        why.text, filling->whole, filling->maker->shards->count, path);
}

static int write_kept(struct folder_filling *filling, const char *path,
                      struct error *error) {
    char key[SHA256_HEX];
    const struct maker *m = filling->maker;
    if (merge_key(m->merging->models, m->shards, filling->about, key, error))
        return -1;
    filling->resumes = *key != '\0';
    if (!filling->resumes)
        return folder_write(path, fill, filling, error);
    int result = folder_write_kept(path, key, fill, keeps, filling, error);
    if (result && filling->whole)
        tell_kept(filling, path, error);
    return result;
}

int merging_write(const struct merging *merging, const char *path, const json_t *about,
                  const struct work *work, struct error *error) {
    struct shards shards;
    struct maker maker = {
        .merging = merging, .work = work, .shards = &shards, .current = SIZE_MAX};
    struct folder_filling filling = {.maker = &maker, .about = about};
    size_t blocks = (merging->models->count + 2) * merging->threads;
    int result = shards_plan(merging->models, merging->dtype, merging->shard_size,
                             &shards, error);
    maker.room = array_new(blocks, BLOCK * sizeof *maker.room);
    if (result == 0 && !maker.room)
        result = error_memory(error);
    if (merging->kept)
        *merging->kept = 0;
    if (result == 0)
        result = merging->kept && shards.count > 1
                     ? write_kept(&filling, path, error)
                     : folder_write(path, fill, &filling, error);
    leave(&maker);
    free(maker.room);
    shards_free(&shards);
    return result;
}

/* --- what it will take ------------------------------------------------------------ */

/* Pages of a file; factors of products are in memory as well, once more while they are
 * read. */
static void add_memory(void *self, const struct tensor *tensor) {
    *(uint64_t *)self += tensor->bytes;
}

/* A tensor's pages in every model, and what the method needs. */
static uint64_t memory_of(const struct merging *merging, size_t index) {
    const struct models *models = merging->models;
    const struct model_tensor *tensor = &models->tensors[index];
    uint64_t sum = 0;
    models_visit(models, index, add_memory, &sum);
    sum += models_room(models, index);
    for (size_t t = 0; tensor->experts && t < models->count; t++) {
        const struct low_rank *product = tensor->experts[t].product;
        if (product)
            sum += 2 * sizeof(float) * (product->a->count + product->b->count);
    }
    if (tensor->experts && merging->method->room)
        sum += merging->method->room(tensor, models->count);
    return sum;
}

int merging_costs(const struct merging *merging, struct merging_costs *costs,
                  struct error *error) {
    struct shards shards;
    uint64_t most = 0;
    size_t statistics = 0;
    int result = shards_plan(merging->models, merging->dtype, merging->shard_size,
                             &shards, error);
    for (size_t i = 0; result == 0 && i < merging->models->tensor_count; i++) {
        uint64_t memory = memory_of(merging, i);
        const struct model_tensor *tensor = &merging->models->tensors[i];
        most = memory > most ? memory : most;
        statistics += tensor->experts && statistics_is(tensor->base->name);
    }
    uint64_t blocks = (merging->models->count + 2) * merging->threads;
    *costs = (struct merging_costs){.memory = most + memory_of_process +
                                              blocks * BLOCK * sizeof(float),
                                    .reads = models_bytes(merging->models),
                                    .writes = shards.bytes,
                                    .files = shards.count,
                                    .statistics = statistics};
    shards_free(&shards);
    return result;
}
