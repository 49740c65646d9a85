#include "command/io/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

void escape_html(FILE *out, const char *text) {
    for (; *text; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc(*text, out);
        }
}

void escape_markdown(FILE *out, const char *text) {
    /* A line can begin with what makes a list or a heading of it. */
    if (strchr("#+-", *text) && *text)
        fputc('\\', out);
    for (; *text; text++) {
        if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '&')
            fputs("&amp;", out);
        else {
            if (strchr("\\`*_[]|~", *text))
                fputc('\\', out);
            fputc(*text, out);
        }
    }
}

void escape_latex(FILE *out, const char *text) {
    static const char *const words[] = {"\\textbackslash{}",   "\\textasciitilde{}",
                                        "\\textasciicircum{}", "\\textless{}",
                                        "\\textgreater{}",     "\\textbar{}"};
    static const char worded[] = "\\~^<>|";
    static const char dash[] = "\u2013", sign[] = "\u00b1";
    if (*text == '[') /* which would be an argument of the row's end before it */
        fputs("{}", out);
    for (; *text; text++) {
        const char *found = strchr(worded, *text);
        if (found) {
            fputs(words[found - worded], out);
        } else if (strncmp(text, dash, sizeof dash - 1) == 0) {
            fputs("--", out);
            text += sizeof dash - 2;
        } else if (strncmp(text, sign, sizeof sign - 1) == 0) {
            fputs("$\\pm$", out);
            text += sizeof sign - 2;
        } else {
            if (strchr("&%$#_{}", *text))
                fputc('\\', out);
            fputc(*text, out);
        }
    }
}

void escape_csv(FILE *out, const char *text) {
    bool quoted = strpbrk(text, ",\"\r\n") != NULL;
    if (quoted)
        fputc('"', out);
    if (*text && strchr("=+-@", *text))
        fputc('\'', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    if (quoted)
        fputc('"', out);
}

void escape_base64(FILE *out, const unsigned char *data, size_t size) {
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t bits = (uint32_t)data[i] << 16;
        bits |= left > 1 ? (uint32_t)data[i + 1] << 8 : 0;
        bits |= left > 2 ? data[i + 2] : 0;
        fputc(digits[bits >> 18], out);
        fputc(digits[bits >> 12 & 63], out);
        fputc(left > 1 ? digits[bits >> 6 & 63] : '=', out);
        fputc(left > 2 ? digits[bits & 63] : '=', out);
    }
}
