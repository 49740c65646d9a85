#include "run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"

static char place[512];

static void remove_folder(void) {
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", place);
    if (system(command))
        fprintf(stderr, "%s is left over\n", place);
}

const char *folder(void) {
    if (!*place) {
        const char *base = getenv("TMPDIR");
        snprintf(place, sizeof place, "%s/pwemoe-test-XXXXXX", base ? base : "/tmp");
        if (!mkdtemp(place)) {
            perror(place);
            exit(99);
        }
        atexit(remove_folder);
    }
    return place;
}

void write_file(const char *name, const char *text) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file)) {
        perror(path);
        exit(99);
    }
}

static char *slurp(const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    FILE *file = fopen(path, "r");
    size_t room = 1 << 20;
    char *text = calloc(1, room + 1);
    if (file && text)
        text[fread(text, 1, room, file)] = '\0';
    if (file)
        fclose(file);
    return text;
}

struct ran run(const char *format, ...) {
    char words[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    char *command = text_format("exec >'%s/out' 2>'%s/err'; ./pwemoe %s", folder(),
                                folder(), words);
    int status = system(command);
    free(command);
    struct ran ran = {.status = WIFEXITED(status) ? WEXITSTATUS(status)
                                                  : 128 + WTERMSIG(status),
                      .out = slurp("out"),
                      .err = slurp("err")};
    return ran;
}

void ran_free(struct ran *ran) {
    free(ran->out);
    free(ran->err);
}

int is_one_line(const char *text) {
    size_t length = strlen(text);
    return length > 8 && strncmp(text, "pwemoe", 6) == 0 &&
           strchr(text, '\n') == text + length - 1;
}
