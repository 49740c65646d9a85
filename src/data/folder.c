#include "data/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "data/names.h"

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The entries of a folder that do not begin with a dot, in byte order. */
static int list(const char *path, struct names *names, struct error *error) {
    *names = (struct names){0};
    DIR *folder = opendir(path);
    if (!folder)
        return error_set(error, "%s: %s", path, strerror(errno));
    int status = 0;
    struct dirent *entry;
    while (status == 0 && (errno = 0, entry = readdir(folder)))
        if (entry->d_name[0] != '.')
            status = names_add(names, strdup(entry->d_name), error);
    if (status == 0 && errno)
        status = error_set(error, "%s: %s", path, strerror(errno));
    closedir(folder);
    if (status)
        names_release(names);
    else if (names->count)
        qsort(names->at, names->count, sizeof *names->at, by_bytes);
    return status;
}

/* 1 for a folder, 0 for anything else that is there, -1. */
static int is_folder(const char *path, struct error *error) {
    struct stat about;
    if (stat(path, &about))
        return error_set(error, "%s: %s", path, strerror(errno));
    return S_ISDIR(about.st_mode);
}

/* What class_folders_read gathers. */
struct found_files {
    struct names classes, files;
    int32_t *labels;
    size_t capacity; /* of labels */
};

/* Takes file over, also when it fails. */
static int add_file(struct found_files *gathered, char *file, struct error *error) {
    if (array_reserve((void **)&gathered->labels, &gathered->capacity,
                      gathered->files.count + 1, sizeof *gathered->labels)) {
        free(file);
        return error_memory(error);
    }
    gathered->labels[gathered->files.count] = (int32_t)gathered->classes.count;
    return names_add(&gathered->files, file, error);
}

/* A folder of images, "NAME" or "GROUP/NAME" below the whole, and its class. */
struct leaf {
    char *place, *class;
};

struct leaves {
    struct leaf *at;
    size_t count, capacity;
};

static void leaves_release(struct leaves *leaves) {
    for (size_t i = 0; i < leaves->count; i++) {
        free(leaves->at[i].place);
        free(leaves->at[i].class);
    }
    free(leaves->at);
    *leaves = (struct leaves){0};
}

/* Takes place over, also when it fails. */
static int add_leaf(struct leaves *leaves, char *place, const char *class,
                    struct error *error) {
    char *copy = strdup(class);
    if (!place || !copy ||
        array_reserve((void **)&leaves->at, &leaves->capacity, leaves->count + 1,
                      sizeof *leaves->at)) {
        free(place);
        free(copy);
        return error_memory(error);
    }
    leaves->at[leaves->count++] = (struct leaf){place, copy};
    return 0;
}

/* The folders of path/group (group NULL: of path), each its own class. */
static int find_leaves(const char *path, const char *group, struct leaves *leaves,
                       struct error *error) {
    struct names entries;
    char *whole = text_format("%s%s%s", path, group ? "/" : "", group ? group : "");
    if (!whole)
        return error_memory(error);
    int status = list(whole, &entries, error);
    for (size_t i = 0; status == 0 && i < entries.count; i++) {
        const char *name = entries.at[i];
        char *inner = text_format("%s/%s", whole, name);
        int folder = inner ? is_folder(inner, error) : error_memory(error);
        free(inner);
        if (folder < 0)
            status = -1;
        else if (folder)
            status = add_leaf(leaves,
                              group ? text_format("%s/%s", group, name) : strdup(name),
                              name, error);
    }
    names_release(&entries);
    free(whole);
    return status;
}

static int by_class(const void *a, const void *b) {
    const struct leaf *one = a, *other = b;
    int order = strcmp(one->class, other->class);
    return order ? order : strcmp(one->place, other->place);
}

/* Where all inner folders have one name, the outer ones are the classes. */
static int name_by_groups(struct leaves *leaves, struct error *error) {
    for (size_t i = 1; i < leaves->count; i++)
        if (strcmp(leaves->at[i].class, leaves->at[0].class) != 0)
            return 0;
    for (size_t i = 0; i < leaves->count; i++) {
        struct leaf *leaf = &leaves->at[i];
        char *group = strndup(leaf->place, strcspn(leaf->place, "/"));
        if (!group)
            return error_memory(error);
        free(leaf->class);
        leaf->class = group;
    }
    return 0;
}

/* All folders of images, class after class in byte order. */
static int list_leaves(const char *path, bool nested, struct leaves *leaves,
                       struct error *error) {
    struct leaves groups = {0};
    *leaves = (struct leaves){0};
    if (!nested) {
        if (find_leaves(path, NULL, leaves, error) == 0)
            return 0;
        leaves_release(leaves);
        return -1;
    }
    int status = find_leaves(path, NULL, &groups, error);
    for (size_t i = 0; status == 0 && i < groups.count; i++)
        status = find_leaves(path, groups.at[i].place, leaves, error);
    leaves_release(&groups);
    if (status == 0)
        status = name_by_groups(leaves, error);
    if (status)
        leaves_release(leaves);
    else if (leaves->count)
        qsort(leaves->at, leaves->count, sizeof *leaves->at, by_class);
    return status;
}

static int read_leaf(const char *path, const struct leaf *leaf,
                     struct found_files *gathered, struct error *error) {
    struct names names;
    char *folder = text_format("%s/%s", path, leaf->place);
    if (!folder)
        return error_memory(error);
    int status = list(folder, &names, error);
    if (status == 0 && names.count == 0)
        status = error_set(error, "%s: a class folder without images", folder);
    for (size_t i = 0; status == 0 && i < names.count; i++) {
        char *file = text_format("%s/%s", folder, names.at[i]);
        int inside = file ? is_folder(file, error) : error_memory(error);
        if (inside > 0)
            status = error_set(error,
                               "%s: a folder inside a class folder; `classes: \"*/*\"` "
                               "in the recipe is for class folders one folder deeper",
                               file);
        else if (inside < 0)
            status = -1;
        else
            status = add_file(gathered, text_format("%s/%s", leaf->place, names.at[i]),
                              error);
        free(file);
    }
    names_release(&names);
    free(folder);
    return status;
}

static int no_classes(const char *path, bool nested, struct error *error) {
    struct names names;
    if (list(path, &names, error))
        return -1;
    const char *nor = nested ? ", nor in folders in it" : "";
    if (names.count)
        error_set(error,
                  "%s: no class folders in it%s, but files such as %s; images lie in a "
                  "folder for each class",
                  path, nor, names.at[0]);
    else
        error_set(error, "%s: no class folders in it%s", path, nor);
    names_release(&names);
    return -1;
}

static int read_leaves(const char *path, const struct leaves *leaves,
                       struct found_files *gathered, struct error *error) {
    for (size_t i = 0; i < leaves->count; i++) {
        const struct leaf *leaf = &leaves->at[i];
        bool last =
            i + 1 == leaves->count || strcmp(leaves->at[i + 1].class, leaf->class) != 0;
        if (read_leaf(path, leaf, gathered, error) ||
            (last && names_add(&gathered->classes, strdup(leaf->class), error)))
            return -1;
    }
    if (gathered->files.count > INT32_MAX)
        return error_set(error, "%s: more than %d images", path, INT32_MAX);
    return 0;
}

int class_folders_read(const char *path, bool nested, struct class_folders *folders,
                       struct error *error) {
    struct leaves leaves;
    struct found_files gathered = {0};
    *folders = (struct class_folders){0};
    if (list_leaves(path, nested, &leaves, error))
        return -1;
    int status = leaves.count ? read_leaves(path, &leaves, &gathered, error)
                              : no_classes(path, nested, error);
    leaves_release(&leaves);
    if (status) {
        names_release(&gathered.classes);
        names_release(&gathered.files);
        free(gathered.labels);
        return -1;
    }
    *folders =
        (struct class_folders){gathered.files.count, gathered.classes.count,
                               gathered.classes.at, gathered.files.at, gathered.labels};
    return 0;
}

/* The files of path/place (place "": of path) and below. */
static int gather_files(const char *path, const char *place, unsigned depth,
                        struct found_files *gathered, struct error *error) {
    enum { DEEPEST = 64 }; /* a link may lead back up */
    struct names names;
    char *folder = text_format("%s/%s", path, place);
    if (!folder)
        return error_memory(error);
    int status = depth > DEEPEST ? error_set(error, "%s: folders lie too deep", folder)
                                 : list(folder, &names, error);
    free(folder);
    if (status)
        return -1;
    for (size_t i = 0; status == 0 && i < names.count; i++) {
        char *inner = text_format("%s%s%s", place, *place ? "/" : "", names.at[i]);
        char *file = inner ? text_format("%s/%s", path, inner) : NULL;
        int inside = file ? is_folder(file, error) : error_memory(error);
        free(file);
        if (inside == 0) {
            status = add_file(gathered, inner, error);
            continue;
        }
        status =
            inside < 0 ? -1 : gather_files(path, inner, depth + 1, gathered, error);
        free(inner);
    }
    names_release(&names);
    return status;
}

int plain_folder_read(const char *path, struct class_folders *folders,
                      struct error *error) {
    struct found_files gathered = {0};
    *folders = (struct class_folders){0};
    int status = gather_files(path, "", 0, &gathered, error);
    if (status == 0 && gathered.files.count == 0)
        status = error_set(error, "%s: no images in it", path);
    if (status == 0 && gathered.files.count > INT32_MAX)
        status = error_set(error, "%s: more than %d images", path, INT32_MAX);
    if (status == 0)
        status = names_add(&gathered.classes, strdup("unlabelled"), error);
    if (status) {
        names_release(&gathered.classes);
        names_release(&gathered.files);
        free(gathered.labels);
        return -1;
    }
    *folders = (struct class_folders){gathered.files.count, 1, gathered.classes.at,
                                      gathered.files.at, gathered.labels};
    return 0;
}

int class_folder_names(const char *path, bool nested, char ***names, size_t *count,
                       struct error *error) {
    struct leaves leaves;
    struct names classes = {0};
    if (list_leaves(path, nested, &leaves, error))
        return -1;
    int status = leaves.count ? 0 : no_classes(path, nested, error);
    for (size_t i = 0; status == 0 && i < leaves.count; i++)
        if (i == 0 || strcmp(leaves.at[i].class, leaves.at[i - 1].class) != 0)
            status = names_add(&classes, strdup(leaves.at[i].class), error);
    leaves_release(&leaves);
    if (status) {
        names_release(&classes);
        return -1;
    }
    *names = classes.at;
    *count = classes.count;
    return 0;
}

void class_folders_release(struct class_folders *folders) {
    class_names_release(folders->class_names, folders->classes);
    class_names_release(folders->files, folders->count);
    free(folders->labels);
    *folders = (struct class_folders){0};
}
