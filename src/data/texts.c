#include "data/texts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/draw.h"
#include "data/names.h"
#include "data/tsv.h"

static const char reading[] = "reading texts";

/* The tokens of one example, cut to `longest`. */
static int encode(const struct tsv_example *example,
                  const struct dataset_options *options, struct tokens *tokens,
                  struct error *error) {
    if (gpt2_tokenizer_encode(options->tokenizer, example->first,
                              strlen(example->first), tokens, error))
        return -1;
    size_t first = tokens->count;
    if (example->second &&
        gpt2_tokenizer_encode(options->tokenizer, example->second,
                              strlen(example->second), tokens, error))
        return -1;
    gpt2_tokenizer_cut(options->tokenizer, tokens, first, options->longest);
    return 0;
}

/* Of several bad texts the first is told of, whatever the threads do. */
static int encode_all(const struct tsv *tsv, const char *path, const uint32_t *kept,
                      size_t count, const struct dataset_options *options, int threads,
                      struct tokens *tokens, const struct work *work,
                      struct error *error) {
    enum { CHUNK = 1024 };
    for (size_t begin = 0; begin < count; begin += CHUNK) {
        size_t end = count - begin < CHUNK ? count : begin + CHUNK, failed = count;
        work_report(work, reading, begin, count);
        if (work_stopped(work))
            return error_set(error, "stopped");
#pragma omp parallel for schedule(dynamic, 16) num_threads(threads)
        for (size_t i = begin; i < end; i++) {
            const struct tsv_example *example = &tsv->examples[kept ? kept[i] : i];
            struct error problem;
            if (encode(example, options, &tokens[i], &problem)) {
#pragma omp critical(texts_failed)
                if (i < failed) {
                    failed = i;
                    error_set(error, "%s:%zu: %s", path, example->line, problem.text);
                }
            }
        }
        if (failed < count)
            return -1;
    }
    work_report(work, reading, count, count);
    return 0;
}

/* All examples' tokens one after another. */
static int join(const struct tokens *tokens, size_t count, struct dataset *dataset,
                struct error *error) {
    dataset->begin = array_new(count + 1, sizeof *dataset->begin);
    if (!dataset->begin)
        return error_memory(error);
    for (size_t i = 0; i < count; i++)
        dataset->begin[i + 1] = dataset->begin[i] + tokens[i].count;
    dataset->tokens = array_new(dataset->begin[count], sizeof *dataset->tokens);
    if (!dataset->tokens)
        return error_memory(error);
    for (size_t i = 0; i < count; i++)
        if (tokens[i].count)
            memcpy(dataset->tokens + dataset->begin[i], tokens[i].ids,
                   tokens[i].count * sizeof *dataset->tokens);
    return 0;
}

static int fill(const struct tsv *tsv, const char *path,
                const struct dataset_options *options, int threads,
                struct dataset *dataset, const struct work *work, struct error *error) {
    size_t count = tsv->count;
    uint32_t *kept = NULL;
    if (options->limit && options->limit < count) {
        if (draw_examples(dataset->labels, count, dataset->classes, options->limit,
                          &kept, error))
            return -1;
        count = options->limit;
        for (size_t i = 0; i < count; i++) /* kept ascends */
            dataset->labels[i] = dataset->labels[kept[i]];
    }
    dataset->count = count;
    struct tokens *tokens = array_new(count, sizeof *tokens);
    int status = tokens ? encode_all(tsv, path, kept, count, options, threads, tokens,
                                     work, error)
                        : error_memory(error);
    if (status == 0)
        status = join(tokens, count, dataset, error);
    for (size_t i = 0; tokens && i < count; i++)
        free(tokens[i].ids);
    free(tokens);
    free(kept);
    return status;
}

/* All 0, of one class. */
static int no_labels(size_t count, int32_t **labels, struct classes *own,
                     struct error *error) {
    *own = (struct classes){0};
    *labels = array_new(count, sizeof **labels);
    own->names = array_new(1, sizeof *own->names);
    if (*labels && own->names && (own->names[0] = strdup("unlabelled"))) {
        own->count = 1;
        return 0;
    }
    free(*labels);
    *labels = NULL;
    classes_clear(own);
    return error_memory(error);
}

int texts_read(const char *path, const struct dataset_options *options, int threads,
               struct dataset *dataset, const struct work *work, struct error *error) {
    struct tsv tsv;
    struct classes own;
    if (tsv_read(path, options->form, &tsv, error))
        return -1;
    const struct classes *given = options->classes;
    bool unlabelled = options->form && options->form->unlabelled;
    int status = unlabelled
                     ? no_labels(tsv.count, &dataset->labels, &own, error)
                     : tsv_labels(&tsv, path, given, &dataset->labels, &own, error);
    if (status == 0) {
        const struct classes *classes = given ? given : &own;
        dataset->class_names = class_names_copy(classes->names, classes->count);
        dataset->classes = dataset->class_names ? classes->count : 0;
        classes_clear(&own);
        status = dataset->class_names ? 0 : error_memory(error);
    }
    if (status == 0)
        status = fill(&tsv, path, options, threads, dataset, work, error);
    tsv_free(&tsv);
    return status;
}
