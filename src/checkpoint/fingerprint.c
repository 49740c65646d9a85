/* The digest that a checkpoint is known by. */
#include <errno.h>
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

enum { CHUNK = 1 << 20 };

struct hashing {
    const struct work *work;
    char what[160]; /* for the report: "fingerprint of vit/model.safetensors" */
    unsigned long long done, total;
};

/* Adds the file's bytes to a digest of their own, which goes to hex. */
static int digest_file(const char *path, struct hashing *progress, char hex[SHA256_HEX],
                       struct error *error) {
    uint64_t size;
    int result = -1, descriptor = file_open(path, UINT64_MAX, &size, error);
    unsigned char *chunk = malloc(CHUNK);
    struct sha256 *hash = sha256_new();
    if (descriptor < 0)
        goto done;
    if (!chunk || !hash) {
        error_memory(error);
        goto done;
    }
    for (;;) {
        if (work_stopped(progress->work)) {
            error_set(error, "%s: stopped", path);
            goto done;
        }
        ssize_t got = read(descriptor, chunk, CHUNK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            error_set(error, "%s: %s", path, strerror(errno));
            goto done;
        }
        if (got == 0)
            break;
        sha256_add(hash, chunk, (size_t)got);
        progress->done += (unsigned long long)got;
        work_report(progress->work, progress->what, (size_t)progress->done,
                    (size_t)progress->total);
    }
    sha256_finish(hash, hex);
    hash = NULL;
    result = 0;
done:
    sha256_free(hash);
    free(chunk);
    if (descriptor >= 0)
        close(descriptor);
    return result;
}

/* The file with the folder that it lies in. */
static void name_file(struct hashing *progress, const char *path) {
    const char *last = strrchr(path, '/'), *from = last ? last : path;
    while (from > path && from[-1] == '/')
        from--;
    while (from > path && from[-1] != '/')
        from--;
    snprintf(progress->what, sizeof progress->what, "fingerprint of %s", from);
}

static int digest_files(const char *directory, const struct tensor_files *files,
                        struct fingerprint *fingerprint, struct hashing *progress,
                        struct error *error) {
    struct sha256 *whole = sha256_new();
    if (!whole)
        return error_memory(error);
    char hex[SHA256_HEX];
    for (size_t i = 0; i < files->count; i++) {
        char *path = text_format("%s/%s", directory, files->names[i]);
        if (path)
            name_file(progress, path);
        int result =
            path ? digest_file(path, progress, hex, error) : error_memory(error);
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
    fingerprint->size = progress->done;
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
    struct hashing progress = {.work = work, .total = size_of_files(path, &files)};
    int result = digest_files(path, &files, fingerprint, &progress, error);
    tensor_files_free(&files);
    return result;
}
