/* For LD_PRELOAD: writes down, in order, whatever a process does to the files of one
 * folder, and when it reports something: what is needed to work out what a loss of
 * power at any moment could leave of them.
 *
 * RECORD_ROOT  the folder, as the process names it
 * RECORD_FILE  where to write to, behind what is there
 *
 * One record: a letter, three numbers in decimal, the number of bytes that follow, a
 * new line, the bytes.
 *
 *   W file offset 0  bytes          written
 *   T file size 0                   cut or lengthened
 *   S file 0 0                      synced
 *   D 0 0 0  folder                 a folder's entries synced
 *   O file 0 0  path                a file that was there is opened for writing
 *   C file 0 0  path                a new file
 *   R 0 0 0  from \0 to             renamed, or (L) a second name
 *   U 0 0 0  path                   a name removed; (M) a folder made, (X) removed
 *   P 0 0 0                         standard output flushed: something is reported
 *
 * A file is known by the number of its inode. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int journal = -1;
static const char *root;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("RECORD_FILE");
    root = getenv("RECORD_ROOT");
    if (name && root)
        journal = (int)syscall(SYS_openat, AT_FDCWD, name,
                               O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
}

static void note(char letter, unsigned long long a, unsigned long long b,
                 const void *bytes, size_t count) {
    char head[96];
    int length =
        snprintf(head, sizeof head, "%c %llu %llu 0 %zu\n", letter, a, b, count);
    struct iovec parts[] = {{head, (size_t)length}, {(void *)bytes, count}};
    int kept = errno;
    if (journal >= 0)
        syscall(SYS_writev, journal, parts, 2);
    errno = kept;
}

/* The path from the root on, or NULL. */
static const char *inside(const char *path) {
    size_t length = root ? strlen(root) : 0;
    if (!length || strncmp(path, root, length) != 0)
        return NULL;
    return path[length] == '/' ? path + length + 1 : path[length] ? NULL : "";
}

static const char *path_of(int file, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = '\0';
    return inside(path);
}

/* The number of a regular file inside, or 0. */
static unsigned long long number_of(int file) {
    struct stat about;
    char path[PATH_MAX];
    if (journal < 0 || !path_of(file, path) || fstat(file, &about) ||
        !S_ISREG(about.st_mode))
        return 0;
    return about.st_ino;
}

ssize_t write(int file, const void *bytes, size_t count) {
    unsigned long long number = file > 2 ? number_of(file) : 0;
    ssize_t result;
    pthread_mutex_lock(&lock);
    off_t at = number ? lseek(file, 0, SEEK_CUR) : 0;
    result = NEXT(write)(file, bytes, count);
    if (result > 0 && number)
        note('W', number, (unsigned long long)at, bytes, (size_t)result);
    pthread_mutex_unlock(&lock);
    return result;
}

int fflush(FILE *file) {
    int result = NEXT(fflush)(file);
    if (file == stdout && result == 0)
        note('P', 0, 0, NULL, 0);
    return result;
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
    unsigned long long number = number_of(file);
    pthread_mutex_lock(&lock);
    ssize_t result = NEXT(pwrite64)(file, bytes, count, offset);
    if (result > 0 && number)
        note('W', number, (unsigned long long)offset, bytes, (size_t)result);
    pthread_mutex_unlock(&lock);
    return result;
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
    return pwrite64(file, bytes, count, offset);
}

int ftruncate64(int file, off64_t size) {
    unsigned long long number = number_of(file);
    pthread_mutex_lock(&lock);
    int result = NEXT(ftruncate64)(file, size);
    if (result == 0 && number)
        note('T', number, (unsigned long long)size, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

int ftruncate(int file, off_t size) {
    return ftruncate64(file, size);
}

int fallocate64(int file, int mode, off64_t offset, off64_t length) {
    struct stat about;
    unsigned long long number = number_of(file);
    pthread_mutex_lock(&lock);
    int result = NEXT(fallocate64)(file, mode, offset, length);
    if (result == 0 && number && fstat(file, &about) == 0)
        note('T', number, (unsigned long long)about.st_size, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

int fallocate(int file, int mode, off_t offset, off_t length) {
    return fallocate64(file, mode, offset, length);
}

static int synced(int file, int result) {
    struct stat about;
    char path[PATH_MAX];
    const char *name = path_of(file, path);
    if (result == 0 && journal >= 0 && name && fstat(file, &about) == 0) {
        if (S_ISDIR(about.st_mode))
            note('D', 0, 0, name, strlen(name));
        else
            note('S', about.st_ino, 0, NULL, 0);
    }
    return result;
}

/* What another thread writes meanwhile may be on the disk, and need not. */
int fsync(int file) {
    pthread_mutex_lock(&lock);
    int result = synced(file, NEXT(fsync)(file));
    pthread_mutex_unlock(&lock);
    return result;
}

int fdatasync(int file) {
    pthread_mutex_lock(&lock);
    int result = synced(file, NEXT(fdatasync)(file));
    pthread_mutex_unlock(&lock);
    return result;
}

static void note_names(char letter, const char *from, const char *to) {
    char both[2 * PATH_MAX];
    const char *a = inside(from), *b = to ? inside(to) : "";
    if (!a || !b)
        return;
    int length = snprintf(both, PATH_MAX, "%s", a);
    if (to)
        length += 1 + snprintf(both + length + 1, PATH_MAX, "%s", b);
    note(letter, 0, 0, both, (size_t)length);
}

#define NAMES(letter, type, name, parameters, arguments, from, to) \
    type name parameters {                                         \
        pthread_mutex_lock(&lock);                                 \
        type result = NEXT(name) arguments;                        \
        if (result == 0)                                           \
            note_names(letter, from, to);                          \
        pthread_mutex_unlock(&lock);                               \
        return result;                                             \
    }
NAMES('R', int, rename, (const char *from, const char *to), (from, to), from, to)
NAMES('R', int, renameat2,
      (int a, const char *from, int b, const char *to, unsigned flags),
      (a, from, b, to, flags), from, to)
NAMES('L', int, link, (const char *from, const char *to), (from, to), from, to)
NAMES('U', int, unlink, (const char *path), (path), path, NULL)
NAMES('M', int, mkdir, (const char *path, mode_t mode), (path, mode), path, NULL)
NAMES('X', int, rmdir, (const char *path), (path), path, NULL)

int unlinkat(int folder, const char *name, int flags) {
    char path[PATH_MAX], whole[2 * PATH_MAX];
    pthread_mutex_lock(&lock);
    int result = NEXT(unlinkat)(folder, name, flags);
    if (result == 0) {
        if (*name == '/' || folder == AT_FDCWD)
            snprintf(whole, sizeof whole, "%s", name);
        else if (path_of(folder, path))
            snprintf(whole, sizeof whole, "%s/%s", path, name);
        else
            *whole = '\0';
        note_names(flags & AT_REMOVEDIR ? 'X' : 'U', whole, NULL);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

static int open_with(int (*next)(const char *, int, ...), const char *path, int flags,
                     mode_t mode) {
    struct stat about;
    if (journal < 0 || !(flags & (O_WRONLY | O_RDWR)) || !inside(path))
        return next(path, flags, mode);
    pthread_mutex_lock(&lock);
    bool is_new = stat(path, &about) != 0;
    int file = next(path, flags, mode);
    int failure = errno;
    if (file >= 0 && fstat(file, &about) == 0 && S_ISREG(about.st_mode)) {
        const char *name = inside(path);
        note(is_new ? 'C' : 'O', about.st_ino, 0, name, strlen(name));
        if (!is_new && flags & O_TRUNC)
            note('T', about.st_ino, 0, NULL, 0);
    }
    errno = failure;
    pthread_mutex_unlock(&lock);
    return file;
}

int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_with(NEXT(open), path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_with(NEXT(open64), path, flags, mode);
}
