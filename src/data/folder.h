/* What lies in a folder of class folders. */
#ifndef PWEMOE_DATA_FOLDER_H
#define PWEMOE_DATA_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct class_folders {
    size_t count, classes;
    char **class_names; /* [classes] */
    char **files;       /* [count], "CLASS/FILE" (nested: "GROUP/CLASS/FILE"), class
                           after class, in byte order */
    int32_t *labels;    /* [count] */
};

/* Each folder below path is a class and each file in it an image; files next to the
 * class folders and names that begin with a dot are ignored. No class, a class without
 * a file, or a folder inside a class is an error that names it.
 *
 * nested: class folders lie one folder deeper. Each is the class of its own name, those
 * of one name in several outer folders together (photos/dog, sketches/dog); where all
 * of them have one name, as in dog/images, cat/images, the outer folders are the
 * classes. */
int class_folders_read(const char *path, bool nested, struct class_folders *folders,
                       struct error *error);
void class_folders_release(struct class_folders *folders);

/* Every file of path and of the folders below it, however deep, names that begin with a
 * dot left out, in byte order folder by folder: one class, all labels 0. None at all is
 * an error. */
int plain_folder_read(const char *path, struct class_folders *folders,
                      struct error *error);

/* The names of the class folders below path alone, as class_folders_read has them; what
 * lies in them is not looked at. Freed with class_names_release. */
int class_folder_names(const char *path, bool nested, char ***names, size_t *count,
                       struct error *error);

#endif
