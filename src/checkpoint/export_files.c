#include "checkpoint/export_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beside.h"
#include "base/draft.h"
#include "base/json_text.h"
#include "base/memory.h"

/* The new directory: where it is made, and what errors call it. */
struct export_place {
    const char *folder, *shown;
};

static bool is_component(const char *name, size_t length) {
    return length > 0 && !(length == 1 && name[0] == '.') &&
           !(length == 2 && name[0] == '.' && name[1] == '.');
}

/* A name, or one folder and a name. */
static bool stays_inside(const char *name) {
    const char *slash = strchr(name, '/');
    if (!slash)
        return is_component(name, strlen(name));
    return is_component(name, (size_t)(slash - name)) && !strchr(slash + 1, '/') &&
           is_component(slash + 1, strlen(slash + 1));
}

int export_files_check(const struct export_plan *plan, struct error *error) {
    for (size_t i = 0; i < plan->file_count; i++) {
        const char *name = plan->files[i].name;
        if (!stays_inside(name))
            return error_set(error, "%s: not a name inside the exported directory",
                             name);
        if (strcmp(name, "model.safetensors") == 0 ||
            (plan->config && strcmp(name, "config.json") == 0))
            return error_set(error, "%s: would be written twice", name);
        for (size_t j = 0; j < i; j++)
            if (strcmp(plan->files[j].name, name) == 0)
                return error_set(error, "%s: would be written twice", name);
    }
    return 0;
}

/* Opens PLACE/NAME for writing. */
static int open_in(const struct export_place *place, const char *name,
                   struct draft **draft, struct error *error) {
    char *path = text_format("%s/%s", place->folder, name);
    char *shown = text_format("%s/%s", place->shown, name);
    int result =
        path && shown ? draft_open(path, shown, draft, error) : error_memory(error);
    free(path);
    free(shown);
    return result;
}

static int write_bytes(const struct export_place *place, const char *name,
                       const void *bytes, size_t size, struct error *error) {
    struct draft *draft;
    if (open_in(place, name, &draft, error) != 0)
        return -1;
    if (draft_write(draft, bytes, size, error) == 0)
        return draft_commit(draft, error);
    draft_discard(draft);
    return -1;
}

static int copy_bytes(int from, const char *from_name, struct draft *draft,
                      const struct work *work, struct error *error) {
    enum { CHUNK = 1 << 18 };
    char *chunk = malloc(CHUNK);
    if (!chunk)
        return error_memory(error);
    int result = 0;
    for (;;) {
        if (work_stopped(work)) {
            result = error_set(error, "stopped; nothing was written");
            break;
        }
        ssize_t got = read(from, chunk, CHUNK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            result = error_set(error, "%s: %s", from_name, strerror(errno));
        if (got <= 0)
            break;
        result = draft_write(draft, chunk, (size_t)got, error);
        if (result != 0)
            break;
    }
    free(chunk);
    return result;
}

static int copy_file(const struct export_place *place, const char *name, int from,
                     const char *from_name, const struct work *work,
                     struct error *error) {
    struct draft *draft;
    if (open_in(place, name, &draft, error) != 0)
        return -1;
    if (copy_bytes(from, from_name, draft, work, error) == 0)
        return draft_commit(draft, error);
    draft_discard(draft);
    return -1;
}

void export_set_dtype(json_t *config, enum dtype dtype) {
    static const char *const keys[] = {"dtype", "torch_dtype"};
    static const struct {
        enum dtype dtype;
        const char *name;
    } names[] = {{DTYPE_F32, "float32"},
                 {DTYPE_F16, "float16"},
                 {DTYPE_BF16, "bfloat16"},
                 {DTYPE_F64, "float64"}};
    static const char *const parts[] = {"text_config", "vision_config"};
    for (size_t p = 0; p < 2; p++)
        if (json_is_object(json_object_get(config, parts[p])))
            export_set_dtype(json_object_get(config, parts[p]), dtype);
    for (size_t k = 0; k < 2; k++)
        for (size_t n = 0; n < sizeof names / sizeof *names; n++)
            if (json_object_get(config, keys[k]) && names[n].dtype == dtype)
                json_object_set_new(config, keys[k], json_string(names[n].name));
}

static bool ends_with(const char *name, const char *ending) {
    size_t length = strlen(name), tail = strlen(ending);
    return length >= tail && strcmp(name + length - tail, ending) == 0;
}

/* Weights in any form: the pretrained model's would contradict the new ones. Of
 * TensorFlow's checkpoints the parts are called model.ckpt.index and the like. */
static bool is_weights(const char *name) {
    static const char *const endings[] = {
        ".safetensors", ".bin",   ".pt",       ".pth",       ".ckpt", ".h5",
        ".msgpack",     ".onnx",  ".gguf",     ".ggml",      ".pkl",  ".ot",
        ".tflite",      ".npz",   ".npy",      ".mlmodel",   ".pb",   ".onnx_data",
        ".onnx.data",   ".keras", ".pdparams", ".index.json"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends_with(name, endings[i]))
            return true;
    return strstr(name, ".ckpt.") || strstr(name, ".ckpt-");
}

/* Whether the plan writes a file of this name, or a folder. */
static bool is_planned(const struct export_plan *plan, const char *name) {
    if (plan->config && strcmp(name, "config.json") == 0)
        return true;
    size_t length = strlen(name);
    for (size_t i = 0; i < plan->file_count; i++) {
        const char *planned = plan->files[i].name;
        if (strncmp(planned, name, length) == 0 &&
            (planned[length] == '\0' || planned[length] == '/'))
            return true;
    }
    return false;
}

/* In the cache of huggingface_hub every file is a link to ../../blobs/DIGEST, and
 * only such a link is followed: any other could bring in a file that no one meant
 * to give away with the model. */
static bool is_blob_link(const char *path) {
    static const char start[] = "../../blobs/";
    char target[256];
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length < 0)
        return false;
    target[length] = '\0';
    size_t skip = strlen(start);
    return strncmp(target, start, skip) == 0 &&
           strspn(target + skip, "0123456789abcdef") == strlen(target + skip);
}

/* Copies one entry of the pretrained directory, if it is a file to be copied. */
static int copy_entry(const struct export_place *place, const char *directory,
                      const char *name, const struct work *work, struct error *error) {
    char *path = text_format("%s/%s", directory, name);
    if (!path)
        return error_memory(error);
    struct stat status;
    int follow = is_blob_link(path) ? 0 : O_NOFOLLOW, result = 0;
    int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | follow);
    if (from < 0 && errno != ELOOP && errno != ENXIO) /* a link, a socket */
        result = error_set(error, "%s: %s", path, strerror(errno));
    else if (from >= 0 && fstat(from, &status) == 0 && S_ISREG(status.st_mode))
        result = copy_file(place, name, from, path, work, error);
    if (from >= 0)
        close(from);
    free(path);
    return result;
}

static int visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static int copy_others(const struct export_place *place, const struct export_plan *plan,
                       const struct work *work, struct error *error) {
    const char *directory = model_directory_path(plan->pretrained);
    struct dirent **entries;
    int count = scandir(directory, &entries, visible, alphasort), result = 0;
    if (count < 0)
        return error_set(error, "%s: %s", directory, strerror(errno));
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        if (result == 0 && !is_weights(name) && !is_planned(plan, name))
            result = copy_entry(place, directory, name, work, error);
        free(entries[i]);
    }
    free(entries);
    return result;
}

static int write_json(const struct export_place *place, const char *name,
                      const json_t *value, struct error *error) {
    char *text = json_text_dump(value, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    if (!text)
        return error_memory(error);
    text_shorten_numbers(text);
    char *lines = text_format("%s\n", text);
    free(text);
    int result = lines ? write_bytes(place, name, lines, strlen(lines), error)
                       : error_memory(error);
    free(lines);
    return result;
}

/* What was read through a link that is not followed is written from memory. */
static int write_unless_there(const struct export_place *place, const char *name,
                              const json_t *value, struct error *error) {
    char *path = text_format("%s/%s", place->folder, name);
    if (!path)
        return error_memory(error);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there || !value ? 0 : write_json(place, name, value, error);
}

static int write_planned(const struct export_place *place,
                         const struct export_file *file, struct error *error) {
    const char *slash = strchr(file->name, '/');
    if (!slash)
        return write_bytes(place, file->name, file->bytes, file->size, error);
    char *folder =
        text_format("%s/%.*s", place->folder, (int)(slash - file->name), file->name);
    if (!folder)
        return error_memory(error);
    int result = 0;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        result = error_set(error, "%s/%.*s: cannot be created: %s", place->shown,
                           (int)(slash - file->name), file->name, strerror(errno));
    if (result == 0) /* which syncs the inner folder */
        result = write_bytes(place, file->name, file->bytes, file->size, error);
    free(folder);
    return result;
}

int export_files_write(const char *folder, const char *shown,
                       const struct export_plan *plan, const struct work *work,
                       struct error *error) {
    struct export_place place = {folder, shown};
    if (plan->config && write_json(&place, "config.json", plan->config, error) != 0)
        return -1;
    if (copy_others(&place, plan, work, error) != 0)
        return -1;
    for (size_t i = 0; i < plan->file_count; i++)
        if (write_planned(&place, &plan->files[i], error) != 0)
            return -1;
    if (write_unless_there(&place, "config.json",
                           model_directory_config(plan->pretrained), error) != 0 ||
        write_unless_there(&place, "preprocessor_config.json",
                           model_directory_preprocessor(plan->pretrained), error) != 0)
        return -1;
    return folder_sync(folder, error);
}
