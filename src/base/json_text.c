#include "base/json_text.h"

#include <math.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

enum {
    SAFE_DIGITS = 18, /* a whole number of so many surely fits 64 bits */
    LONGEST_REAL = 512,
    BYTES_MAX = 64 << 20
};

static bool is_number_byte(char c) {
    return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' || c == 'e' ||
           c == 'E';
}

struct rewriting {
    const char *at, *end;
    char *out;
};

static void put(struct rewriting *r, const char *bytes, size_t length) {
    memcpy(r->out, bytes, length);
    r->out += length;
}

static void put_as_string(struct rewriting *r, size_t length) {
    *r->out++ = '"';
    put(r, r->at, length);
    *r->out++ = '"';
}

static void copy_string(struct rewriting *r) {
    const char *from = r->at++;
    while (r->at < r->end && *r->at != '"')
        r->at += *r->at == '\\' && r->at + 1 < r->end ? 2 : 1;
    if (r->at < r->end)
        r->at++;
    put(r, from, (size_t)(r->at - from));
}

static bool is_beyond_double(const char *number, size_t length) {
    char text[LONGEST_REAL + 1];
    if (length > LONGEST_REAL)
        return true;
    memcpy(text, number, length);
    text[length] = '\0';
    return isinf(strtod(text, NULL));
}

/* A number, or -Infinity. */
static void copy_number(struct rewriting *r) {
    static const char minus_infinity[] = "-Infinity";
    size_t most = (size_t)(r->end - r->at), length = 0, digits = 0;
    bool whole = true;
    if (most >= sizeof minus_infinity - 1 &&
        memcmp(r->at, minus_infinity, sizeof minus_infinity - 1) == 0) {
        put_as_string(r, sizeof minus_infinity - 1);
        r->at += sizeof minus_infinity - 1;
        return;
    }
    for (; length < most && is_number_byte(r->at[length]); length++) {
        bool digit = r->at[length] >= '0' && r->at[length] <= '9';
        digits += digit;
        whole &= digit || length == 0;
    }
    /* Only a real number can have so short an exponent that few digits go far. */
    if ((!whole || digits > 300) && is_beyond_double(r->at, length)) {
        put_as_string(r, length);
    } else {
        put(r, r->at, length);
        if (whole && digits > SAFE_DIGITS)
            put(r, ".0", 2);
    }
    r->at += length;
}

static bool copy_word(struct rewriting *r, const char *word) {
    size_t length = strlen(word);
    if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0)
        return false;
    put_as_string(r, length);
    r->at += length;
    return true;
}

/* out has room for twice the size: each number or word grows by two bytes at most. */
static size_t rewrite(const char *bytes, size_t size, char *out) {
    struct rewriting r = {.at = bytes, .end = bytes + size, .out = out};
    while (r.at < r.end) {
        if (*r.at == '"')
            copy_string(&r);
        else if (*r.at == '-' || (*r.at >= '0' && *r.at <= '9'))
            copy_number(&r);
        else if (!copy_word(&r, "NaN") && !copy_word(&r, "Infinity"))
            *r.out++ = *r.at++;
    }
    return (size_t)(r.out - out);
}

json_t *json_text_parse(const char *bytes, size_t size, const char *label,
                        struct error *error) {
    static const char mark[] = "\xef\xbb\xbf";
    if (size >= 3 && memcmp(bytes, mark, 3) == 0) {
        bytes += 3;
        size -= 3;
    }
    size_t room;
    char *text = size_multiply(size, 2, &room) ? array_new(room + 1, 1) : NULL;
    if (!text) {
        error_memory(error);
        return NULL;
    }
    json_error_t place;
    json_t *value = json_loadb(text, rewrite(bytes, size, text),
                               JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &place);
    if (!value)
        error_set(error, "%s: not valid JSON: %s (line %d, column %d)", label,
                  place.text, place.line, place.column);
    free(text);
    return value;
}

int json_object_read(const char *directory, const char *name, int missing_is_fine,
                     json_t **object, struct error *error) {
    *object = NULL;
    char *path = text_format("%s/%s", directory, name), *bytes = NULL;
    if (!path)
        return error_memory(error);
    uint64_t expected;
    size_t size;
    int file = -1, result = 0;
    if (missing_is_fine)
        result = file_open_optional(path, BYTES_MAX, &file, &expected, error);
    else if ((file = file_open(path, BYTES_MAX, &expected, error)) < 0)
        result = -1;
    if (file >= 0) {
        json_t *value = NULL;
        if (file_read_all(file, path, (size_t)expected, BYTES_MAX, &bytes, &size,
                          error) == 0)
            value = json_text_parse(bytes, size, path, error);
        if (value && !json_is_object(value))
            error_set(error, "%s: does not hold a JSON object", path);
        if (json_is_object(value))
            *object = value;
        else
            json_decref(value);
        result = *object ? 0 : -1;
        close(file);
    }
    free(bytes);
    free(path);
    return result;
}

static atomic_bool lost;

/* jansson's parser crashes where some of its allocations fail: from then on it is given
 * this, which is used up and not given back. */
static struct {
    alignas(max_align_t) char bytes[1 << 20];
    atomic_size_t used;
} reserve;

static void *allocate(size_t size) {
    void *memory = malloc(size);
    if (memory)
        return memory;
    atomic_store(&lost, true);
    memory_failed();
    size_t room =
        (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    if (size > sizeof reserve.bytes)
        return NULL;
    size_t at = atomic_fetch_add(&reserve.used, room);
    return at <= sizeof reserve.bytes - room ? reserve.bytes + at : NULL;
}

static void give_back(void *memory) {
    uintptr_t at = (uintptr_t)memory, begin = (uintptr_t)reserve.bytes;
    if (at < begin || at - begin >= sizeof reserve.bytes)
        free(memory);
}

void json_memory_watch(void) {
    json_set_alloc_funcs(allocate, give_back);
}

bool json_memory_lost(void) {
    return atomic_load(&lost);
}

json_t *json_text_string(const char *text) {
    json_t *string = json_string(text);
    if (string)
        return string;
    size_t size = 4 * strlen(text) + 1;
    char *escaped = malloc(size);
    if (escaped)
        string = json_string(text_escape(escaped, size, text));
    free(escaped);
    return string;
}

char *json_text_dump(const json_t *value, size_t flags) {
    char *text = json_dumps(value, flags);
    if (!json_memory_lost())
        return text;
    give_back(text);
    return NULL;
}
