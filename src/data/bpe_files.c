#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "data/bpe.h"

enum { MOST_BYTES = 64 << 20 };

/* 0 when path is a file of reasonable size; 1 when nothing is there; -1. */
static int check_file(const char *path, struct error *error) {
    struct stat about;
    if (stat(path, &about)) {
        if (errno == ENOENT)
            return 1;
        return error_set(error, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(about.st_mode))
        return error_set(error, "%s: not a file", path);
    if (about.st_size > MOST_BYTES)
        return error_set(error, "%s: larger than %d MiB, which no vocabulary is", path,
                         MOST_BYTES >> 20);
    return 0;
}

static json_t *load(const char *path, struct error *error) {
    json_error_t problem;
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &problem);
    if (!json)
        error_set(error, "%s: line %d: %s", path, problem.line, problem.text);
    return json;
}

/* merges.txt: two tokens a line; a first line "#version: ..." is passed over. */
static json_t *read_merges(FILE *file, struct error *error) {
    json_t *merges = json_array();
    char *line = NULL;
    size_t capacity = 0, number = 0;
    ssize_t length;
    int status = merges ? 0 : error_memory(error);
    while (status == 0 && (length = getline(&line, &capacity, file)) >= 0) {
        number++;
        while (length && (line[length - 1] == '\n' || line[length - 1] == '\r'))
            length--;
        if (length == 0 || (number == 1 && strncmp(line, "#version", 8) == 0))
            continue;
        json_t *text = json_stringn(line, (size_t)length);
        if (!text)
            status = error_set(error, "line %zu is not UTF-8 text", number);
        else if (json_array_append_new(merges, text))
            status = error_memory(error);
    }
    free(line);
    if (status == 0 && ferror(file))
        status = error_set(error, "%s", strerror(errno));
    if (status == 0)
        return merges;
    json_decref(merges);
    return NULL;
}

static json_t *load_merges(const char *path, struct error *error) {
    int there = check_file(path, error);
    if (there > 0)
        error_set(error, "%s: not there, beside vocab.json", path);
    FILE *file = there ? NULL : fopen(path, "re");
    if (!file) {
        if (!there)
            error_set(error, "%s: %s", path, strerror(errno));
        return NULL;
    }
    json_t *merges = read_merges(file, error);
    fclose(file);
    if (!merges)
        error_prefix(error, "%s", path);
    return merges;
}

static int read_tokenizer(const char *path, const char *suffix, json_t **vocab,
                          json_t **merges, struct error *error) {
    json_t *whole = load(path, error);
    if (!whole)
        return -1;
    const json_t *model = json_object_get(whole, "model");
    const char *type = json_string_value(json_object_get(model, "type"));
    const char *found = json_string_value(json_object_get(model, "end_of_word_suffix"));
    int status = 0;
    if (type && strcmp(type, "BPE") != 0)
        status = error_set(error, "%s: a tokenizer of type %s; BPE is known here", path,
                           type);
    else if (strcmp(found ? found : "", suffix) != 0)
        status = error_set(error, "%s: end_of_word_suffix is \"%s\", not \"%s\"", path,
                           found ? found : "", suffix);
    *vocab = json_incref(json_object_get(model, "vocab"));
    *merges = json_incref(json_object_get(model, "merges"));
    if (status == 0 && (!*vocab || !*merges))
        status = error_set(error, "%s: no model with vocab and merges", path);
    json_decref(whole);
    return status;
}

static int read_either(const char *vocab_path, const char *merges_path,
                       const char *tokenizer_path, const char *suffix, json_t **vocab,
                       json_t **merges, struct error *error) {
    int there = check_file(vocab_path, error);
    if (there < 0)
        return -1;
    if (there == 0) {
        *vocab = load(vocab_path, error);
        *merges = *vocab ? load_merges(merges_path, error) : NULL;
        return *merges ? 0 : -1;
    }
    there = check_file(tokenizer_path, error);
    if (there > 0)
        return error_set(error, "%s: not there, nor is tokenizer.json beside it",
                         vocab_path);
    if (there < 0)
        return -1;
    return read_tokenizer(tokenizer_path, suffix, vocab, merges, error);
}

int bpe_read_files(const char *directory, const char *suffix, json_t **vocab,
                   json_t **merges, struct error *error) {
    char *vocab_path = text_format("%s/vocab.json", directory);
    char *merges_path = text_format("%s/merges.txt", directory);
    char *tokenizer_path = text_format("%s/tokenizer.json", directory);
    *vocab = *merges = NULL;
    int status = -1;
    if (!vocab_path || !merges_path || !tokenizer_path)
        error_memory(error);
    else
        status = read_either(vocab_path, merges_path, tokenizer_path, suffix, vocab,
                             merges, error);
    if (status) {
        json_decref(*vocab);
        json_decref(*merges);
        *vocab = *merges = NULL;
    }
    free(vocab_path);
    free(merges_path);
    free(tokenizer_path);
    return status;
}

int bpe_check_settings(const char *directory, const char *const *flags,
                       struct error *error) {
    char *path = text_format("%s/tokenizer_config.json", directory);
    if (!path)
        return error_memory(error);
    int there = check_file(path, error), status = there < 0 ? -1 : 0;
    json_t *settings = there == 0 ? load(path, error) : NULL;
    if (there == 0 && !settings)
        status = -1;
    for (size_t i = 0; status == 0 && settings && flags[i]; i++)
        if (json_is_true(json_object_get(settings, flags[i])))
            status = error_set(error, "%s: %s is true, which is not supported", path,
                               flags[i]);
    json_decref(settings);
    free(path);
    return status;
}
