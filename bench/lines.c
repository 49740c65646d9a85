#include "lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/machine.h"

static void die(const struct lines *lines, const struct error *error) {
    fprintf(stderr, "bench_%s: %s\n", lines->program, error->text);
    exit(1);
}

void lines_begin(struct lines *lines, const char *program, int *argc, char **argv) {
    struct error error;
    int kept = 0;
    *lines = (struct lines){.program = program};
    for (int i = 0; i < *argc; i++)
        if (i > 0 && strcmp(argv[i], "--small") == 0)
            lines->small = true;
        else
            argv[kept++] = argv[i];
    argv[ *argc = kept] = NULL;
    if (figures_begin(&lines->figures, &error))
        die(lines, &error);
}

void lines_add(struct lines *lines, const struct figure *figure) {
    struct error error;
    char text[256];
    printf("%s\n", figure_line(figure, text, sizeof text));
    fflush(stdout);
    if (figures_add(&lines->figures, figure, &error))
        die(lines, &error);
}

int lines_end(struct lines *lines, const struct backend *backend) {
    const char *out = getenv("PWEMOE_BENCH_OUT");
    struct error error;
    int result = 0;
    if (out && *out) {
        char *name = machine_file_name(backend, out, lines->program);
        json_object_set_new(lines->figures.about, "small", json_boolean(lines->small));
        if (!name)
            result = error_memory(&error);
        else if (machine_describe(backend, lines->figures.about, &error) ||
                 figures_write(&lines->figures, name, &error))
            result = -1;
        free(name);
    }
    if (result)
        fprintf(stderr, "bench_%s: %s\n", lines->program, error.text);
    figures_end(&lines->figures);
    return result ? 1 : 0;
}
