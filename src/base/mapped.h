/* Files mapped into memory, and what happens where one is cut short meanwhile. */
#ifndef PWEMOE_BASE_MAPPED_H
#define PWEMOE_BASE_MAPPED_H

#include <stddef.h>

#include "base/error.h"

/* The whole file, which is not empty, to be read only; size bytes. path is copied. */
int mapped_open(const char *path, const void **bytes, size_t *size,
                struct error *error);
void mapped_close(const void *bytes, size_t size);

/* Of a stretch of a mapped file: that it is read soon, and that it is not read again
 * meanwhile, so that its pages count no longer as this process's memory. Both may do
 * nothing.
 */
void mapped_expect(const void *bytes, size_t size);
void mapped_let_go(const void *bytes, size_t size);

/* Where another program cuts such a file short, reading what is gone raises SIGBUS on
 * the thread that reads, in the middle of anything. From here on that ends the process
 * with exit status 1 and one line, "PROGRAM: PATH: became shorter while it was read;
 * ...": what is in the store is complete, and files appear whole or not at all, as
 * after a crash. Other faults have their usual effect. before may be NULL; it is called
 * first, on the thread that reads, and may do no more than a handler of signals may.
 * The handler does not return, so that it may run on a thread that computes
 * (signals.h). */
void mapped_watch(const char *program, void (*before)(void));

#endif
