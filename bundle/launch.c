/* What stands in bin/ of the bundle: starts the program of its own name with the loader
 * and the libraries that are beside it, so that it does not matter which the machine
 * has. Linked statically. Set for the program: where this is (PWEMOE_LAUNCHER: should
 * it have to start itself again, through it), and where the CUDA module lies. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOADER "ld-linux-x86-64.so.2"

static int fail(const char *what) {
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
            strerror(errno));
    return 127;
}

int main(int argc, char **argv) {
    char self[4096];
    char *folder, *name, *library, *loader, *program;
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0)
        return fail("/proc/self/exe");
    self[length] = '\0';
    if (setenv("PWEMOE_LAUNCHER", self, 1))
        return fail(self);
    /* FOLDER/bin/NAME: the program is FOLDER/lib/NAME. */
    folder = strdup(self);
    name = folder ? strrchr(folder, '/') : NULL;
    if (!name)
        return fail(self);
    *name++ = '\0';
    *strrchr(folder, '/') = '\0';
    if (asprintf(&library, "%s/lib", folder) < 0 ||
        asprintf(&loader, "%s/" LOADER, library) < 0 ||
        asprintf(&program, "%s/%s", library, name) < 0 ||
        setenv("PWEMOE_MODULE_DIR", library, 0))
        return fail(self);
    char *first[] = {loader, "--argv0", argv[0], "--library-path", library, program};
    enum { FIRST = sizeof first / sizeof *first };
    char **words = calloc(FIRST + (size_t)argc + 1, sizeof *words);
    if (!words)
        return fail(self);
    memcpy(words, first, sizeof first);
    if (argc > 1)
        memcpy(words + FIRST, argv + 1, ((size_t)argc - 1) * sizeof *words);
    execv(loader, words);
    return fail(loader);
}
