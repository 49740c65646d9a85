/* Modules that the loader must refuse or report, one a VARIANT. */
#include <stdio.h>

#include "backend/module.h"

static int count(unsigned *devices, struct error *error) {
#if VARIANT == 3
    *devices = 2;
    (void)error;
    return 0;
#elif VARIANT == 5
    *devices = 0;
    (void)error;
    return 0;
#else
    *devices = 0;
    snprintf(error->text, sizeof error->text, "the NVIDIA driver is too old");
    return -1;
#endif
}

static int describe(unsigned index, char line[96], struct error *error) {
    (void)error;
    snprintf(line, 96, "Fake GPU %u", index);
    return 0;
}

static int open_device(unsigned index, enum precision precision,
                       struct backend **backend, struct error *error) {
    (void)precision, (void)backend;
    snprintf(error->text, sizeof error->text, "cuda:%u: out of memory", index);
    return -1;
}

static const struct backend_module module = {
    .api_version = VARIANT == 1 ? BACKEND_API_VERSION + 98 : BACKEND_API_VERSION,
    .count = count,
    .describe = describe,
    .open = open_device,
};

#if VARIANT == 2
const struct backend_module *another_name(void);
const struct backend_module *another_name(void) {
    return &module;
}
#else
const struct backend_module *pwemoe_backend_module(void);
const struct backend_module *pwemoe_backend_module(void) {
    return &module;
}
#endif
