/* What a backend module (pwemoe-cuda.so) exports: one function,
 * pwemoe_backend_module, returning this table. A module uses nothing of the
 * program that opens it. */
#ifndef PWEMOE_BACKEND_MODULE_H
#define PWEMOE_BACKEND_MODULE_H

#include "backend/backend.h"

struct backend_module {
    unsigned api_version; /* first for ever: read before anything else */
    /* How many devices there are; 0 without a driver, too. -1: there is one that
     * cannot be used (an older driver), and why. */
    int (*count)(unsigned *devices, struct error *);
    /* A line on device `index`: its name and memory. */
    int (*describe)(unsigned index, char line[96], struct error *);
    int (*open)(unsigned index, enum precision, struct backend **, struct error *);
};

#define BACKEND_MODULE_SYMBOL "pwemoe_backend_module"
typedef const struct backend_module *backend_module_function(void);

#endif
