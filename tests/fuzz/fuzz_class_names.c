/* Files of class names and of templates from anyone. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "changes.h"
#include "data/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static int file = -1;
    static char path[64];
    struct error error = {.text = ""};
    char **lines;
    size_t count, all = 0;
    if (file < 0)
        file = memfd_create("names", MFD_CLOEXEC);
    require(file >= 0 && (size == 0 || pwrite(file, data, size, 0) == (ssize_t)size) &&
            ftruncate(file, (off_t)size) == 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (class_names_read(path, &lines, &count, &error)) {
        require(*error.text && !strchr(error.text, '\n'));
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(lines[i]);
        require(length > 0 && !strpbrk(lines[i], "\n\r"));
        require(lines[i][0] != ' ' && lines[i][length - 1] != ' ');
        all += length;
    }
    require(all <= size);
    class_names_release(lines, count);
    return 0;
}
