/* Allocation with checked sizes, and text that is safe to show. */
#ifndef PWEMOE_BASE_MEMORY_H
#define PWEMOE_BASE_MEMORY_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* false when a * b (or a + b) does not fit; *result is then untouched. */
bool size_multiply(size_t a, size_t b, size_t *result);
bool size_add(size_t a, size_t b, size_t *result);

/* count * size bytes, zeroed; NULL when the product overflows or memory is
 * out. A zero product gives a pointer that may be freed. Freed with free(). */
void *array_new(size_t count, size_t size);
/* The same not zeroed, for what is written whole before it is read: zeroing megabytes
 * takes as long as a pass over them. */
void *array_unset(size_t count, size_t size);

/* Grows *array so that it holds at least needed elements (doubling). Returns 0,
 * or -1 with *array and *capacity unchanged. */
int array_reserve(void **array, size_t *capacity, size_t needed, size_t size);

/* Can this much memory be allocated at once? For use before a call of a library that
 * crashes when an allocation fails. The memory is freed again at once, and may then be
 * taken by the library or by another process. */
bool memory_has_room(size_t bytes);

/* How often memory was refused so far: by what is in this file, and wherever
 * error_memory was called. What has no error to return, as what draws a frame, goes on
 * without; who shows its work looks here whether it is whole. */
unsigned memory_failures(void);
/* One more of them. Returns NULL. */
void *memory_failed(void);

/* printf into fresh memory; NULL when memory is out. Freed with free(). */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Closes what open_memstream opened for *text; -1 where it is not whole. (When the last
 * of its allocations fails, glibc's fclose returns 0 with *text NULL.) */
int text_stream_close(FILE *stream, char *const *text);

/* Copies text with control bytes (C0, DEL, C1 in UTF-8) and invalid UTF-8
 * written as \xNN, so that a name from a file cannot steer a terminal. Always
 * terminates; cuts at a character. Returns out. */
char *text_escape(char *out, size_t size, const char *text);

/* A number for people: with so many decimals (negative: six digits), and as %g has it
 * where it would be longer than anybody counts, from 1e15 on. Returns out. */
enum { TEXT_FIXED = 40, TEXT_FIXED_DECIMALS = 17 };
const char *text_fixed(char out[TEXT_FIXED], double value, int decimals);
/* The same, there and then. */
#define TEXT_NUMBER(value, decimals) \
    text_fixed((char[TEXT_FIXED]){""}, (value), (decimals))

/* A difference: with a + where it is not below 0. */
const char *text_signed(char out[TEXT_FIXED], double value, int decimals);
#define TEXT_SIGNED(value, decimals) \
    text_signed((char[TEXT_FIXED]){""}, (value), (decimals))

/* Is this byte of UTF-8 one after the first of a character? */
static inline bool text_continues(char byte) {
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* The first bytes of a text, `most` at most, as a text of its own that lives as long as
 * the block it stands in: for "%s" where "%.60s" would cut a character in two. */
#define TEXT_CUT(text, most) text_cut((char[(most) + 1]){0}, (most) + 1, (text))
/* Into out [size]: as much of the text as there is room for, cut at a character.
 * Returns out. */
char *text_cut(char *out, size_t size, const char *text);
/* vsnprintf, cut at a character where there is no more room. */
void text_print(char *out, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* In place: the fractions of a JSON text, written with 17 digits, with as few as bring
 * back the same numbers. */
void text_shorten_numbers(char *json);
/* A finite number with the fewest digits that bring it back, as %g has them (not fewer
 * than 15, where %g writes 80 as 8e+01). */
enum { TEXT_REAL = 32 };
void text_real(char out[TEXT_REAL], double value);
/* Of the numbers that round to this f32 that with the fewest digits: 0.3 of 0.3f. */
double text_shortest_float(float value);

/* The nearest of count names by edit distance, or NULL where none is near
 * enough to be a misspelling. For "unknown key ...; did you mean ...?". */
const char *text_nearest(const char *word, const char *const *names, size_t count);

#endif
