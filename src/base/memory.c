#define _GNU_SOURCE
#include "base/memory.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static atomic_uint failures;

unsigned memory_failures(void) {
    return atomic_load_explicit(&failures, memory_order_relaxed);
}

void *memory_failed(void) {
    atomic_fetch_add_explicit(&failures, 1, memory_order_relaxed);
    return NULL;
}

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
    void *array = NULL;
    if (size_multiply(count, size, &bytes))
        array = calloc(1, bytes ? bytes : 1);
    return array ? array : memory_failed();
}

void *array_unset(size_t count, size_t size) {
    size_t bytes;
    void *array = NULL;
    if (size_multiply(count, size, &bytes))
        array = malloc(bytes ? bytes : 1);
    return array ? array : memory_failed();
}

/* At least needed, doubling; 0 where that does not fit. */
static size_t grown(size_t capacity, size_t needed) {
    size_t larger = capacity < 8 ? 8 : capacity;
    while (larger < needed)
        if (!size_multiply(larger, 2, &larger))
            return 0;
    return larger;
}

int array_reserve(void **array, size_t *capacity, size_t needed, size_t size) {
    if (needed <= *capacity)
        return 0;
    size_t larger = grown(*capacity, needed), bytes;
    void *moved = NULL;
    if (larger && size_multiply(larger, size, &bytes))
        moved = realloc(*array, bytes);
    if (!moved) {
        memory_failed();
        return -1;
    }
    *array = moved;
    *capacity = larger;
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
    else
        memory_failed();
    va_end(again);
    return text;
}

int text_stream_close(FILE *stream, char *const *text) {
    int failed = ferror(stream);
    return fclose(stream) || failed || !*text ? -1 : 0;
}
