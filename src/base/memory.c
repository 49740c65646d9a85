#define _GNU_SOURCE
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

bool size_multiply(size_t a, size_t b, size_t *result) {
    size_t product;
    if (__builtin_mul_overflow(a, b, &product))
        return false;
    *result = product;
    return true;
}

bool size_add(size_t a, size_t b, size_t *result) {
    size_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *result = sum;
    return true;
}

void *array_new(size_t count, size_t size) {
    size_t bytes;
    if (!size_multiply(count, size, &bytes))
        return NULL;
    return calloc(1, bytes ? bytes : 1);
}

int array_reserve(void **array, size_t *capacity, size_t needed, size_t size) {
    if (needed <= *capacity)
        return 0;
    size_t grown = *capacity < 8 ? 8 : *capacity;
    while (grown < needed)
        if (!size_multiply(grown, 2, &grown))
            return -1;
    size_t bytes;
    if (!size_multiply(grown, size, &bytes))
        return -1;
    void *moved = realloc(*array, bytes);
    if (!moved)
        return -1;
    *array = moved;
    *capacity = grown;
    return 0;
}

bool memory_has_room(size_t bytes) {
    void *room =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED)
        return false;
    munmap(room, bytes);
    return true;
}

char *text_format(const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
