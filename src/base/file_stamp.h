/* Whether files are those that they were, without reading them: a digest of their
 * names, sizes, times and inodes. A file whose time is as young as the clock's own
 * steps may change again without another time; a stamp with such a file in it is never
 * given. */
#ifndef PWEMOE_BASE_FILE_STAMP_H
#define PWEMOE_BASE_FILE_STAMP_H

#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

#include "base/error.h"
#include "base/sha256.h"

enum { FILE_STAMP_YOUNG = 2 }; /* seconds: the coarsest times that file systems keep */

struct file_stamp {
    struct sha256 *hash;
    struct timespec began;
    bool young;
};

/* Begin before the files' contents are read, so that what changes meanwhile shows. -1
 * where memory is out. Ended by file_stamp_end, also after a failure. */
int file_stamp_begin(struct file_stamp *stamp, struct error *error);
/* A name, or whatever else belongs to it. */
void file_stamp_text(struct file_stamp *stamp, const char *text);
/* Size, time of the last change of contents and of the inode, inode. */
void file_stamp_file(struct file_stamp *stamp, const struct stat *about);
/* hex: the digest, or "" where a file of it has changed in the last seconds, or later
 * than the clock has it. */
void file_stamp_end(struct file_stamp *stamp, char hex[SHA256_HEX]);

#endif
