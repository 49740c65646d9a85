/* The digest that a checkpoint is known by. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_stamp.h"
#include "base/memory.h"
#include "checkpoint/adapter.h"
#include "checkpoint/directory.h"
#include "checkpoint/tensor_files.h"

/* One model's files, and what is found of each. */
struct hashed {
    struct tensor_files files;
    char (*hex)[SHA256_HEX];
};

/* One file of one of them. */
struct hashed_part {
    size_t model, file;
    char *path;
    unsigned long long size;
};

/* One name more. */
static int add_name(struct tensor_files *files, const char *name, struct error *error) {
    char **names = array_new(files->count + 1, sizeof *names);
    char *copy = strdup(name);
    if (!names || !copy) {
        free(names);
        free(copy);
        return error_memory(error);
    }
    memcpy(names, files->names, files->count * sizeof *names);
    names[files->count++] = copy;
    free(files->names);
    files->names = names;
    return 0;
}

/* What an adapter adds depends on its configuration, too. Its tensors may lie beside a
 * model's. */
static int list_files(const char *path, struct tensor_files *files,
                      struct error *error) {
    static const char tensors[] = "adapter_model.safetensors";
    char name[PATH_MAX];
    if (tensor_files_list(path, true, files, error))
        return -1;
    if (!adapter_is(path))
        return 0;
    bool beside = strcmp(files->names[0], tensors) != 0 &&
                  file_path_in(name, path, tensors) && access(name, F_OK) == 0;
    if ((beside && add_name(files, tensors, error)) ||
        add_name(files, "adapter_config.json", error)) {
        tensor_files_free(files);
        return -1;
    }
    return 0;
}

int model_directory_stamp(const char *path, char stamp[SHA256_HEX],
                          unsigned long long *size, struct error *error) {
    struct tensor_files files;
    struct file_stamp made;
    if (list_files(path, &files, error) != 0)
        return -1;
    int result = file_stamp_begin(&made, error);
    bool whole = true;
    *size = 0;
    for (size_t i = 0; result == 0 && i < files.count; i++) {
        struct stat status = {.st_size = 0};
        char *name = text_format("%s/%s", path, files.names[i]);
        if (!name)
            result = error_memory(error);
        else if (stat(name, &status))
            whole = false; /* which reading it tells */
        file_stamp_text(&made, files.names[i]);
        file_stamp_file(&made, &status);
        *size += (unsigned long long)status.st_size;
        free(name);
    }
    file_stamp_end(&made, stamp);
    if (result || !whole)
        stamp[0] = '\0';
    tensor_files_free(&files);
    return result;
}

static void hashed_free(struct hashed *hashed, size_t count) {
    for (size_t i = 0; hashed && i < count; i++) {
        tensor_files_free(&hashed[i].files);
        free(hashed[i].hex);
    }
    free(hashed);
}

static void parts_free(struct hashed_part *parts, size_t count) {
    for (size_t i = 0; parts && i < count; i++)
        free(parts[i].path);
    free(parts);
}

/* The file with the folder that it lies in. */
static const char *short_name(const char *path) {
    const char *last = strrchr(path, '/'), *from = last ? last : path;
    while (from > path && from[-1] == '/')
        from--;
    while (from > path && from[-1] != '/')
        from--;
    return from;
}

/* Every file of every model, model by model. NULL where memory is out. */
static struct hashed_part *list_parts(const char *const *paths,
                                      const struct hashed *hashed, size_t count,
                                      size_t *part_count, unsigned long long *total,
                                      struct error *error) {
    size_t files = 0, n = 0;
    for (size_t i = 0; i < count; i++)
        files += hashed[i].files.count;
    struct hashed_part *parts = array_new(files, sizeof *parts);
    *part_count = files;
    *total = 0;
    for (size_t i = 0; parts && i < count; i++)
        for (size_t k = 0; k < hashed[i].files.count; k++, n++) {
            struct stat status;
            char *path = text_format("%s/%s", paths[i], hashed[i].files.names[k]);
            parts[n] = (struct hashed_part){.model = i, .file = k, .path = path};
            if (path && stat(path, &status) == 0)
                *total += (unsigned long long)status.st_size;
            if (path)
                continue;
            parts_free(parts, files);
            parts = NULL;
            break;
        }
    if (!parts)
        error_memory(error);
    return parts;
}

/* Reads them side by side, a file a core; of those that fail the first is told. */
static int hash_parts(struct hashed_part *parts, size_t count, struct hashed *hashed,
                      struct sha256_reading *reading, size_t *failed,
                      struct error *error) {
    size_t first = SIZE_MAX;
#pragma omp parallel for schedule(dynamic, 1) if (count > 1)
    for (size_t i = 0; i < count; i++) {
        struct hashed_part *part = &parts[i];
        struct error problem;
        if (sha256_file(part->path, hashed[part->model].hex[part->file], &part->size,
                        reading, &problem) == 0)
            continue;
#pragma omp critical(fingerprint_failed)
        if (i < first) {
            first = i;
            *error = problem;
            *failed = part->model;
        }
    }
    return first == SIZE_MAX ? 0 : -1;
}

static int join_parts(const struct hashed_part *parts, size_t count,
                      const struct hashed *hashed, struct fingerprint *fingerprints,
                      struct error *error) {
    for (size_t i = 0; i < count; i++) {
        const struct hashed *model = &hashed[parts[i].model];
        struct fingerprint *one = &fingerprints[parts[i].model];
        if (parts[i].file == 0)
            one->size = 0;
        one->size += parts[i].size;
        if (parts[i].file + 1 < model->files.count)
            continue;
        struct sha256 *whole = sha256_new();
        if (!whole)
            return error_memory(error);
        for (size_t k = 0; k < model->files.count; k++)
            sha256_add(whole, model->hex[k], SHA256_HEX - 1);
        sha256_finish(whole, one->sha256);
        if (model->files.count == 1)
            memcpy(one->sha256, model->hex[0], SHA256_HEX);
    }
    return 0;
}

int model_directories_fingerprint(const char *const *paths, size_t count,
                                  struct fingerprint *fingerprints, size_t *failed,
                                  const struct work *work, struct error *error) {
    struct hashed *hashed = array_new(count, sizeof *hashed);
    struct sha256_reading reading = {.work = work};
    struct hashed_part *parts = NULL;
    char what[160];
    size_t part_count = 0;
    int result = hashed ? 0 : error_memory(error);
    *failed = 0;
    for (size_t i = 0; result == 0 && i < count; i++) {
        *failed = i;
        result = list_files(paths[i], &hashed[i].files, error);
        if (result)
            break;
        hashed[i].hex = array_new(hashed[i].files.count, sizeof *hashed[i].hex);
        if (!hashed[i].hex)
            result = error_memory(error);
    }
    if (result == 0) {
        parts = list_parts(paths, hashed, count, &part_count, &reading.total, error);
        result = parts ? 0 : -1;
    }
    snprintf(what, sizeof what, "fingerprints of %zu files", part_count);
    if (result == 0 && part_count == 1)
        snprintf(what, sizeof what, "fingerprint of %s", short_name(parts[0].path));
    reading.what = what;
    if (result == 0)
        result = hash_parts(parts, part_count, hashed, &reading, failed, error) ||
                         join_parts(parts, part_count, hashed, fingerprints, error)
                     ? -1
                     : 0;
    parts_free(parts, part_count);
    hashed_free(hashed, count);
    return result;
}

int model_directory_fingerprint(const char *path, struct fingerprint *fingerprint,
                                const struct work *work, struct error *error) {
    size_t failed;
    return model_directories_fingerprint(&path, 1, fingerprint, &failed, work, error);
}
