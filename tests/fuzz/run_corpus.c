/* Runs a fuzz target without a fuzzer, so that `make check` does it everywhere.
 *
 * Linked with a LLVMFuzzerTestOneInput it becomes a test program:
 *
 *   fuzz_AREA                every file of tests/fuzz/corpus/AREA under $srcdir as
 *                            it is, and then deterministic mutations of each
 *   fuzz_AREA PATH...        the same with these files or folders
 *   fuzz_AREA --write N FILE mutation N of FILE (0: the file itself) to standard
 *                            output: what a crash told of, to keep and to look at
 *
 * PWEMOE_FUZZ_MUTATIONS is the number of mutations of a file, 256 when unset.
 * Inputs lie in blocks of their exact size, so that AddressSanitizer sees a read
 * of one byte too many. A crash names the file and the number of the mutation. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Some targets prepare themselves (libFuzzer calls it too). */
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));
/* There when a sanitizer is linked. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

struct bytes {
    uint8_t *data;
    size_t size;
};

static char current[4352]; /* what a crash says, made before each run */

static void tell_current(void) {
    ssize_t written = write(STDERR_FILENO, current, strlen(current));
    (void)written;
}

static void on_crash(int number) {
    tell_current();
    signal(number, SIG_DFL);
    raise(number);
}

static int read_file(const char *path, struct bytes *out) {
    FILE *file = fopen(path, "rb");
    struct stat status;
    if (!file || fstat(fileno(file), &status) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        if (file)
            fclose(file);
        return -1;
    }
    out->size = (size_t)status.st_size;
    out->data = malloc(out->size ? out->size : 1);
    bool good = out->data && fread(out->data, 1, out->size, file) == out->size;
    fclose(file);
    if (!good) {
        fprintf(stderr, "%s: cannot be read\n", path);
        free(out->data);
        return -1;
    }
    return 0;
}

/* Values at which sizes and counters tip over. */
static const uint64_t tipping[] = {
    0,          1,          2,          0x7f,       0x80,
    0xff,       0x7fff,     0x8000,     0xffff,     0x10000,
    0x7fffffff, 0x80000000, 0xffffffff, 1ull << 32, 0x7fffffffffffffff,
    1ull << 63, UINT64_MAX};

/* One change at a place of bytes, whose block has room for capacity. */
static void change(struct random *random, struct bytes *bytes, size_t capacity) {
    size_t size = bytes->size, at = size ? (size_t)random_below(random, size) : 0;
    size_t left = size - at, length = left ? 1 + (size_t)random_below(random, left) : 0;
    if (length > 64 && random_below(random, 4) != 0)
        length = 1 + (size_t)random_below(random, 16);
    switch (random_below(random, 8)) {
    case 0: /* a bit */
        if (left)
            bytes->data[at] ^= (uint8_t)(1u << random_below(random, 8));
        break;
    case 1: /* a byte */
        if (left)
            bytes->data[at] = (uint8_t)random_next(random);
        break;
    case 2: { /* a number at which something tips over, either byte order */
        size_t width = (size_t)1 << random_below(random, 4);
        uint64_t value =
            tipping[random_below(random, sizeof tipping / sizeof *tipping)];
        bool big = random_below(random, 2);
        for (size_t i = 0; i < width && i < left; i++) {
            size_t byte = big ? width - 1 - i : i;
            bytes->data[at + i] = (uint8_t)(value >> (8 * byte));
        }
        break;
    }
    case 3: /* cut short */
        bytes->size = at;
        break;
    case 4: /* a piece taken out */
        memmove(bytes->data + at, bytes->data + at + length, left - length);
        bytes->size -= length;
        break;
    case 5: /* a piece doubled */
        if (length <= capacity - size) {
            memmove(bytes->data + at + length, bytes->data + at, left);
            bytes->size += length;
        }
        break;
    case 6: /* a piece over another */
        if (left) {
            size_t to = (size_t)random_below(random, size - length + 1);
            memmove(bytes->data + to, bytes->data + at, length);
        }
        break;
    default: /* a digit, where there is one: text formats live by them */
        for (size_t i = at; i < size; i++)
            if (bytes->data[i] >= '0' && bytes->data[i] <= '9') {
                bytes->data[i] = (uint8_t)('0' + random_below(random, 10));
                break;
            }
    }
}

/* Mutation `number` of file into a fresh block of its exact size. */
static int mutate(const struct bytes *file, unsigned long number, struct bytes *out) {
    size_t capacity = file->size + file->size / 2 + 64;
    struct bytes work = {malloc(capacity), file->size};
    if (!work.data)
        return -1;
    memcpy(work.data, file->data, file->size);
    if (number > 0) {
        struct random random;
        random_seed(&random, number, file->size);
        for (uint64_t changes = 1 + random_below(&random, 4); changes > 0; changes--)
            change(&random, &work, capacity);
    }
    out->size = work.size;
    out->data = malloc(work.size ? work.size : 1);
    if (out->data)
        memcpy(out->data, work.data, work.size);
    free(work.data);
    return out->data ? 0 : -1;
}

static int run_file(const char *path, unsigned long mutations) {
    struct bytes file;
    if (read_file(path, &file) != 0)
        return -1;
    for (unsigned long number = 0; number <= mutations; number++) {
        struct bytes input;
        if (mutate(&file, number, &input) != 0) {
            fprintf(stderr, "out of memory\n");
            free(file.data);
            return -1;
        }
        snprintf(current, sizeof current, "\ncrashed on mutation %lu of %s\n", number,
                 path);
        LLVMFuzzerTestOneInput(input.data, input.size);
        free(input.data);
    }
    free(file.data);
    return 0;
}

static int visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

/* A file, or the files of a folder in the order of their names. Returns how many
 * were run, or -1. */
static int run_path(const char *path, unsigned long mutations) {
    struct stat status;
    if (stat(path, &status) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    if (!S_ISDIR(status.st_mode))
        return run_file(path, mutations) == 0 ? 1 : -1;
    struct dirent **entries;
    int count = scandir(path, &entries, visible, alphasort), result = 0;
    for (int i = 0; i < count; i++) {
        char *inner = text_format("%s/%s", path, entries[i]->d_name);
        if (result >= 0)
            result = inner && run_file(inner, mutations) == 0 ? result + 1 : -1;
        free(inner);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return count < 0 ? -1 : result;
}

static int write_mutation(const char *number, const char *path) {
    struct bytes file, input;
    if (read_file(path, &file) != 0)
        return 1;
    int result = 1;
    if (mutate(&file, strtoul(number, NULL, 10), &input) == 0) {
        result = fwrite(input.data, 1, input.size, stdout) != input.size;
        free(input.data);
    }
    free(file.data);
    return fflush(stdout) != 0 || result;
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "--write") == 0)
        return write_mutation(argv[2], argv[3]);
    if (LLVMFuzzerInitialize)
        LLVMFuzzerInitialize(&argc, &argv);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(tell_current);
    else
        for (size_t i = 0; i < 5; i++)
            signal((int[]){SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}[i], on_crash);
    const char *wanted = getenv("PWEMOE_FUZZ_MUTATIONS");
    unsigned long mutations = wanted ? strtoul(wanted, NULL, 10) : 256;

    int count = 0;
    if (argc > 1) {
        for (int i = 1; i < argc && count >= 0; i++) {
            int more = run_path(argv[i], mutations);
            count = more < 0 ? -1 : count + more;
        }
    } else {
        const char *name = strrchr(argv[0], '/'), *srcdir = getenv("srcdir");
        name = name ? name + 1 : argv[0];
        const char *area = strstr(name, "fuzz_");
        char *folder = text_format("%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".",
                                   area ? area + strlen("fuzz_") : name);
        count = folder ? run_path(folder, mutations) : -1;
        free(folder);
    }
    if (count == 0)
        fprintf(stderr, "%s: no file to run\n", argv[0]);
    else if (count > 0)
        printf("%d files, %lu mutations of each\n", count, mutations);
    return count > 0 ? 0 : 1;
}
