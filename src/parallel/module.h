/* What the MPI module (pwemoe-mpi.so) exports: one function, pwemoe_parallel_module,
 * returning this table. A module uses nothing of the program that opens it, so that
 * programs, packages and machines without MPI need none. */
#ifndef PWEMOE_PARALLEL_MODULE_H
#define PWEMOE_PARALLEL_MODULE_H

#include <stddef.h>

enum { PARALLEL_API_VERSION = 2 };

/* Every function returns 0, or -1 with a line in `why`. Messages between two ranks with
 * one tag arrive in the order in which they were sent. One thread at a time may be in
 * any of them, whichever it is. */
struct parallel_module {
    unsigned api_version; /* first for ever: read before anything else */
    /* Once in a process. A launcher has started it. */
    int (*start)(int *rank, int *size, char why[256]);
    /* Returns when `bytes` may be used again. size: at most 2^30. */
    int (*send)(int to, int tag, const void *bytes, size_t size, char why[256]);
    /* The same without waiting, one at a time: until send_done says *done, `bytes` is
     * not to be changed. */
    int (*send_begin)(int to, int tag, const void *bytes, size_t size, char why[256]);
    int (*send_done)(int *done, char why[256]);
    /* Whether a message of that tag is there, of rank `from`, or of any where that is
     * -1: whose, and its size. Does not wait. */
    int (*look)(int from, int tag, int *there, int *sender, size_t *size,
                char why[256]);
    /* That message, of this size. */
    int (*receive)(int from, int tag, void *bytes, size_t size, char why[256]);
    /* Waits for the other ranks to come here too. */
    void (*finish)(void);
    /* Ends the processes of all ranks. */
    void (*abort)(int status);
    const char *(*version)(void); /* before start, too */
};

#define PARALLEL_MODULE_SYMBOL "pwemoe_parallel_module"
typedef const struct parallel_module *parallel_module_function(void);

#endif
