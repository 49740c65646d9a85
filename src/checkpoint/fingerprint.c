/* The digest that a checkpoint is known by. */
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

struct hashing {
    struct sha256_reading reading;
    char what[160]; /* "fingerprint of vit/model.safetensors" */
};

/* The file with the folder that it lies in. */
static void name_file(struct hashing *hashing, const char *path) {
    const char *last = strrchr(path, '/'), *from = last ? last : path;
    while (from > path && from[-1] == '/')
        from--;
    while (from > path && from[-1] != '/')
        from--;
    snprintf(hashing->what, sizeof hashing->what, "fingerprint of %s", from);
    hashing->reading.what = hashing->what;
}

static int digest_files(const char *directory, const struct tensor_files *files,
                        struct fingerprint *fingerprint, struct hashing *hashing,
                        struct error *error) {
    struct sha256 *whole = sha256_new();
    if (!whole)
        return error_memory(error);
    char hex[SHA256_HEX];
    for (size_t i = 0; i < files->count; i++) {
        char *path = text_format("%s/%s", directory, files->names[i]);
        unsigned long long size;
        if (path)
            name_file(hashing, path);
        int result = path ? sha256_file(path, hex, &size, &hashing->reading, error)
                          : error_memory(error);
        free(path);
        if (result != 0) {
            sha256_free(whole);
            return -1;
        }
        sha256_add(whole, hex, SHA256_HEX - 1);
    }
    sha256_finish(whole, fingerprint->sha256);
    if (files->count == 1)
        memcpy(fingerprint->sha256, hex, SHA256_HEX);
    fingerprint->size = hashing->reading.done;
    return 0;
}

static unsigned long long size_of_files(const char *directory,
                                        const struct tensor_files *files) {
    unsigned long long total = 0;
    for (size_t i = 0; i < files->count; i++) {
        struct stat status;
        char path[PATH_MAX];
        if (file_path_in(path, directory, files->names[i]) && stat(path, &status) == 0)
            total += (unsigned long long)status.st_size;
    }
    return total;
}

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

int model_directory_fingerprint(const char *path, struct fingerprint *fingerprint,
                                const struct work *work, struct error *error) {
    struct tensor_files files;
    if (list_files(path, &files, error) != 0)
        return -1;
    struct hashing hashing = {
        .reading = {.work = work, .total = size_of_files(path, &files)}};
    int result = digest_files(path, &files, fingerprint, &hashing, error);
    tensor_files_free(&files);
    return result;
}
