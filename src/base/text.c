#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

const char *text_fixed(char out[TEXT_FIXED], double value, int decimals) {
    decimals = decimals > TEXT_FIXED_DECIMALS ? TEXT_FIXED_DECIMALS : decimals;
    if (decimals >= 0 && !(fabs(value) >= 1e15))
        snprintf(out, TEXT_FIXED, "%.*f", decimals, value);
    else
        snprintf(out, TEXT_FIXED, "%.6g", value);
    return out;
}

const char *text_signed(char out[TEXT_FIXED], double value, int decimals) {
    char plain[TEXT_FIXED];
    text_fixed(plain, value, decimals);
    snprintf(out, TEXT_FIXED, "%s%.38s", *plain == '-' ? "" : "+", plain);
    return out;
}

/* The length of the well-formed UTF-8 sequence at p (RFC 3629: no overlong forms,
 * no surrogates, nothing above U+10FFFF), or 0. */
static size_t utf8_length(const unsigned char *p) {
    if (p[0] < 0x80)
        return 1;
    size_t length;
    unsigned low = 0x80, high = 0xbf;
    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        length = 2;
    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        length = 3;
        if (p[0] == 0xe0)
            low = 0xa0;
        else if (p[0] == 0xed)
            high = 0x9f;
    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        length = 4;
        if (p[0] == 0xf0)
            low = 0x90;
        else if (p[0] == 0xf4)
            high = 0x8f;
    } else {
        return 0;
    }
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    return length;
}

/* U+FDD0 to U+FDEF, and the last two of every plane: well-formed, but never characters;
 * drawing libraries refuse them. */
static bool is_noncharacter(const unsigned char *p, size_t length) {
    if (length == 3 && p[0] == 0xef)
        return (p[1] == 0xb7 && p[2] >= 0x90 && p[2] <= 0xaf) ||
               (p[1] == 0xbf && p[2] >= 0xbe);
    return length == 4 && (p[1] & 0x0f) == 0x0f && p[2] == 0xbf && p[3] >= 0xbe;
}

static unsigned code_point(const unsigned char *p, size_t length) {
    static const unsigned char first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    unsigned code = p[0] & first[length];
    for (size_t i = 1; i < length; i++)
        code = code << 6 | (p[i] & 0x3f);
    return code;
}

/* Characters that have no width or turn the direction of writing: with them one name is
 * shown as another, or words of a message in another order. Lines and paragraphs that
 * end in the middle are among them. */
static bool is_deceptive(unsigned code) {
    static const struct {
        unsigned first, last;
    } ranges[] = {
        {0x00ad, 0x00ad},   /* soft hyphen */
        {0x034f, 0x034f},   /* grapheme joiner */
        {0x061c, 0x061c},   /* Arabic letter mark */
        {0x115f, 0x1160},   /* Hangul fillers */
        {0x17b4, 0x17b5},   /* Khmer vowels without a sign */
        {0x180b, 0x180f},   /* Mongolian selectors and separator */
        {0x200b, 0x200f},   /* zero widths, left-to-right and right-to-left marks */
        {0x2028, 0x202e},   /* line and paragraph ends, embeddings and overrides */
        {0x2060, 0x206f},   /* word joiner, invisible operators, isolates */
        {0x3164, 0x3164},   /* Hangul filler */
        {0xfeff, 0xfeff},   /* zero width no-break space */
        {0xffa0, 0xffa0},   /* Hangul filler, half width */
        {0xfff0, 0xfffb},   /* annotations */
        {0x1d173, 0x1d17a}, /* musical formatting */
        {0xe0000, 0xe0fff}, /* tags and selectors */
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

char *text_escape(char *out, size_t size, const char *text) {
    const unsigned char *p = (const unsigned char *)text;
    size_t used = 0;
    if (size == 0)
        return out;
    while (*p) {
        size_t length = utf8_length(p);
        bool control = length == 1 ? (*p < 0x20 || *p == 0x7f)
                                   : length == 2 && p[0] == 0xc2 && p[1] < 0xa0;
        if (length == 0 || control || is_noncharacter(p, length) ||
            is_deceptive(code_point(p, length))) {
            size_t bytes = length ? length : 1;
            if (used + 4 * bytes >= size)
                break;
            for (size_t i = 0; i < bytes; i++)
                used += (size_t)snprintf(out + used, size - used, "\\x%02X", p[i]);
            p += bytes;
        } else {
            if (used + length >= size)
                break;
            memcpy(out + used, p, length);
            used += length;
            p += length;
        }
    }
    out[used] = '\0';
    return out;
}

/* Takes the last character off where not all of its bytes are there. */
static void text_trim(char *text) {
    size_t end = strlen(text), begin = end;
    while (begin && end - begin < 4 && text_continues(text[begin - 1]))
        begin--;
    if (!begin || (unsigned char)text[begin - 1] < 0xc2)
        return;
    unsigned char first = (unsigned char)text[--begin];
    size_t wanted = first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (end - begin < wanted)
        text[begin] = '\0';
}

char *text_cut(char *out, size_t size, const char *text) {
    size_t length = strnlen(text, size);
    bool cut = length == size;
    memcpy(out, text, cut ? size - 1 : length);
    out[cut ? size - 1 : length] = '\0';
    if (cut)
        text_trim(out);
    return out;
}

void text_print(char *out, size_t size, const char *format, va_list arguments) {
    int length = vsnprintf(out, size, format, arguments);
    if (size && length >= 0 && (size_t)length >= size)
        text_trim(out);
}

/* Levenshtein distance; words longer than the table are never near. */
static size_t edit_distance(const char *a, const char *b) {
    enum { LONGEST = 63 };
    size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST)
        return SIZE_MAX;
    size_t row[LONGEST + 1];
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[m];
}

const char *text_nearest(const char *word, const char *const *names, size_t count) {
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        size_t distance = edit_distance(word, names[i]);
        if (distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    size_t allowed = 1 + strlen(word) / 3;
    return best <= allowed ? nearest : NULL;
}

void text_real(char out[TEXT_REAL], double value) {
    int digits = 15;
    do
        snprintf(out, TEXT_REAL, "%.*g", digits, value);
    while (strtod(out, NULL) != value && ++digits <= 17);
}

double text_shortest_float(float value) {
    char text[TEXT_REAL];
    int digits = 6;
    do
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
    while (strtof(text, NULL) != value && ++digits <= 9);
    return strtod(text, NULL);
}

/* The number that begins at `at`, as short as brings it back; returns its length. */
static size_t shortest(const char *at, size_t length, char out[TEXT_REAL + 2]) {
    text_real(out, strtod(at, NULL));
    if (!strpbrk(out, ".e"))
        strcat(out, ".0");
    return strlen(out) <= length ? strlen(out) : 0;
}

void text_shorten_numbers(char *json) {
    char *out = json;
    bool quoted = false;
    while (*json) {
        size_t length = quoted ? 0 : strspn(json, "+-.0123456789eE");
        char number[TEXT_REAL + 2];
        if (length && (*json == '-' || (*json >= '0' && *json <= '9')) &&
            memchr(json, '.', length)) {
            size_t shorter = shortest(json, length, number);
            memmove(out, shorter ? number : json, shorter ? shorter : length);
            out += shorter ? shorter : length;
            json += length;
            continue;
        }
        if (quoted && *json == '\\' && json[1])
            *out++ = *json++;
        else if (*json == '"')
            quoted = !quoted;
        *out++ = *json++;
    }
    *out = '\0';
}
