#include "terminal/links.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

bool links_possible(void) {
    static const char *const there[] = {"KITTY_WINDOW_ID", "WT_SESSION",
                                        "KONSOLE_VERSION", "WEZTERM_PANE",
                                        "GHOSTTY_RESOURCES_DIR"};
    static const char *const programs[] = {"iTerm.app", "WezTerm", "vscode", "ghostty",
                                           "Hyper"};
    static const char *const terminals[] = {"xterm-kitty", "alacritty", "foot",
                                            "contour", "xterm-ghostty"};
    const char *term = getenv("TERM"), *program = getenv("TERM_PROGRAM");
    const char *vte = getenv("VTE_VERSION");
    /* What is between keeps such variables, and may not hand links on. */
    if (term && (!strncmp(term, "screen", 6) || !strncmp(term, "tmux", 4)))
        return false;
    for (size_t i = 0; i < sizeof there / sizeof *there; i++)
        if (getenv(there[i]))
            return true;
    for (size_t i = 0; program && i < sizeof programs / sizeof *programs; i++)
        if (!strcmp(program, programs[i]))
            return true;
    for (size_t i = 0; term && i < sizeof terminals / sizeof *terminals; i++)
        if (!strncmp(term, terminals[i], strlen(terminals[i])))
            return true;
    /* From 0.50 on they are sound there. */
    return vte && atoi(vte) >= 5000;
}

/* file://HOST/PATH, where the host tells a terminal on another machine that the file
 * is not there. */
static bool put_address(const char *path, FILE *out) {
    char host[256] = "", folder[PATH_MAX] = "";
    if (gethostname(host, sizeof host - 1) ||
        (*path != '/' && !getcwd(folder, sizeof folder)))
        return false;
    fprintf(out, "file://%s", host);
    for (int part = 0; part < 2; part++) {
        for (const char *c = part ? path : folder; *c; c++)
            if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f ||
                strchr("%?#\"<>\\^`{|}", *c))
                fprintf(out, "%%%02X", (unsigned)(unsigned char)*c);
            else
                fputc(*c, out);
        if (!part && *path != '/')
            fputc('/', out);
    }
    return true;
}

char *links_text(const struct canvas *canvas, size_t link, char *out, size_t size) {
    const struct canvas_link *l = &canvas->links[link];
    bool bold = canvas_at(canvas, l->x, l->y)->look & LOOK_BOLD;
    FILE *stream = fmemopen(out, size, "w");
    out[0] = '\0';
    if (!stream)
        return out;
    /* Cursor and attributes are kept and brought back. */
    fprintf(stream, "\0337\033[%d;%dH\033[0%sm\033]8;;", l->y + 1, l->x + 1,
            bold ? ";1" : "");
    bool whole = put_address(l->path, stream);
    fputs("\033\\", stream);
    canvas_print_cells(canvas, l->x, l->y, l->columns, stream);
    fputs("\033]8;;\033\\\0338", stream);
    whole = !fflush(stream) && !ferror(stream) && whole;
    if (fclose(stream) || !whole || strlen(out) + 1 >= size)
        out[0] = '\0';
    return out;
}

/* FNV-1a. */
static uint64_t mix(uint64_t mark, uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8)
        mark = (mark ^ (value >> shift & 0xff)) * 0x100000001b3u;
    return mark;
}

uint64_t links_mark(const struct canvas *canvas, size_t link) {
    const struct canvas_link *l = &canvas->links[link];
    uint64_t mark = mix(0xcbf29ce484222325u, (uint64_t)l->y << 32 | (unsigned)l->x);
    for (const char *c = l->path; *c; c++)
        mark = mix(mark, (unsigned char)*c);
    for (int x = 0; x < canvas->width; x++) {
        const struct cell *cell = canvas_at(canvas, x, l->y);
        mark = mix(mark, (uint64_t)cell->c << 32 | (uint64_t)cell->ink << 16 |
                             (uint64_t)cell->look << 8 | (uint64_t)cell->width);
    }
    return mark;
}
