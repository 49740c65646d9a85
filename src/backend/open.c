/* Backends by name, and the module that holds the CUDA one. */
#include <ctype.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

#include "backend/cpu.h"
#include "backend/learnt.h"
#include "backend/module.h"
#include "base/memory.h"
#include "base/usage.h"

#ifdef WITH_CUDA_MODULE
enum { CUDA_BUILT = 1 };
#else
enum { CUDA_BUILT = 0 };
#endif

#define CUDA_MODULE "pwemoe-cuda.so"
#define NO_DRIVER                                                                \
    "no NVIDIA driver is here (libcuda.so.1); for a GPU, install the driver of " \
    "its maker"

/* Under a device of "auto", what nobody has missed is not spoken of. */
enum presence { PRESENT, ABSENT };

/* Whether NVIDIA's driver is installed, with or without a card. */
static bool has_driver(void) {
    void *driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
    if (driver)
        dlclose(driver);
    return driver != NULL;
}

/* Why dlopen refused the module. Its file needs cuBLAS alone, of all that is not
 * everywhere; nobody without a driver misses that. */
static int not_loaded(const char *why, enum presence *presence, struct error *error) {
    char library[32];
    if (sscanf(why, "libcublas%22[^:]", library) != 1)
        return error_set(error, "cannot be loaded: %s", why);
    if (has_driver())
        return error_set(error,
                         "cuBLAS is not found (libcublas%s): install NVIDIA's CUDA "
                         "toolkit or its package of cuBLAS, or add the folder that has "
                         "it to LD_LIBRARY_PATH",
                         library);
    *presence = ABSENT;
    return error_set(error, NO_DRIVER);
}

/* Opens the module; it stays open, since its library's own threads and
 * destructors do not survive being unloaded. PWEMOE_MODULE_DIR says where else
 * than in the installed place it lies (a program that is not installed). */
static int module_open(const struct backend_module **module, enum presence *presence,
                       struct error *error) {
    *presence = PRESENT;
    const char *folder = getenv("PWEMOE_MODULE_DIR");
    if (!folder || folder[0] == '\0')
        folder = PWEMOE_MODULE_DIR;
    char *path = text_format("%s/%s", folder, CUDA_MODULE);
    if (!path)
        return error_memory(error);
    int status = -1;
    void *handle = NULL;
    backend_module_function *function = NULL;
    if (access(path, F_OK) != 0) {
        *presence = ABSENT;
        if (CUDA_BUILT)
            error_set(error, "not found: %s; is pwemoe completely installed?", path);
        else if (has_driver())
            error_set(error, "not built, though NVIDIA's driver is here: install the "
                             "CUDA toolkit, then configure with --with-cuda=yes");
        else
            error_set(
                error,
                "not built; configure with --with-cuda=yes where nvcc is installed");
        goto end;
    }
    handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char *why = dlerror();
        not_loaded(why ? why : path, presence, error);
        goto end;
    }
    void *symbol = dlsym(handle, BACKEND_MODULE_SYMBOL);
    memcpy(&function, &symbol, sizeof function);
    *module = function ? function() : NULL;
    if (!*module) {
        error_set(error, "%s is not a backend module of pwemoe (it has no %s)", path,
                  BACKEND_MODULE_SYMBOL);
        goto end;
    }
    if ((*module)->api_version != BACKEND_API_VERSION) {
        error_set(error,
                  "%s has backend API version %u, this program needs %u; install "
                  "both from one build",
                  path, (*module)->api_version, (unsigned)BACKEND_API_VERSION);
        goto end;
    }
    status = 0;
end:
    if (status != 0 && handle)
        dlclose(handle);
    free(path);
    return status;
}

/* The module and the number of its devices, at least one. */
static int cuda_find(const struct backend_module **module, unsigned *devices,
                     enum presence *presence, struct error *error) {
    if (module_open(module, presence, error) != 0 ||
        (*module)->count(devices, error) != 0)
        return -1;
    if (*devices > 0)
        return 0;
    *presence = ABSENT;
    return has_driver() ? error_set(error, "NVIDIA's driver is installed, but finds no "
                                           "GPU; nvidia-smi lists those that it finds")
                        : error_set(error, NO_DRIVER);
}

static unsigned preferred_card;

void backend_prefer_card(unsigned card) {
    preferred_card = card;
}

enum { CARD_PREFERRED = -1 };

static int cuda_open(long wanted, enum precision precision, unsigned threads,
                     struct backend **backend, enum presence *presence,
                     struct error *error) {
    const struct backend_module *module;
    unsigned devices;
    if (cuda_find(&module, &devices, presence, error) != 0)
        return error_prefix(error, "cuda");
    unsigned index =
        wanted == CARD_PREFERRED ? preferred_card % devices : (unsigned)wanted;
    if (index >= devices)
        return error_set(
            error, "cuda:%u: there %s %u CUDA device%s here, counted from 0", index,
            devices == 1 ? "is" : "are", devices, devices == 1 ? "" : "s");
    if (precision == PRECISION_AUTO)
        precision = PRECISION_BF16;
    if (module->open(index, precision, backend, error) != 0)
        return -1;
    (*backend)->threads = cpu_threads(threads);
    learnt_read(*backend);
    return 0;
}

/* Whether it is "cuda" or "cuda:N", and that N. */
static bool cuda_index(const char *device, long *index) {
    *index = CARD_PREFERRED;
    if (strcmp(device, "cuda") == 0)
        return true;
    if (strncmp(device, "cuda:", 5) != 0 || !isdigit((unsigned char)device[5]))
        return false;
    char *end;
    *index = strtol(device + 5, &end, 10);
    return *end == '\0' && *index < 1024;
}

int backend_open(const char *device, enum precision precision, unsigned threads,
                 struct backend **backend, char note[256], struct error *error) {
    enum presence presence;
    if (note)
        note[0] = '\0';
    if (strcmp(device, "cpu") == 0)
        return cpu_open(precision, threads, backend, error);
    if (strcmp(device, "auto") == 0) {
        struct error why;
        if (cuda_open(CARD_PREFERRED, precision, threads, backend, &presence, &why) ==
            0)
            return 0;
        if (precision == PRECISION_FP8 && presence == PRESENT)
            return error_set(error, "%s", why.text);
        if (cpu_open(precision, threads, backend, error) != 0)
            return error_prefix(error, "%s; the CPU is used instead",
                                TEXT_CUT(why.text, 200));
        if (note && presence == PRESENT)
            snprintf(note, 256, "%s; the CPU is used", TEXT_CUT(why.text, 200));
        return 0;
    }
    long index;
    if (!cuda_index(device, &index))
        return error_set(error, "device %s is not known: auto, cpu, cuda or cuda:N",
                         device);
    if (cuda_open(index, precision, threads, backend, &presence, error) == 0)
        return 0;
    if (!strstr(error->text, "--device") && precision != PRECISION_FP8)
        error_set(error, "%s; or use --device cpu", TEXT_CUT(error->text, 900));
    return -1;
}

void backend_close(struct backend *backend) {
    if (!backend)
        return;
    learnt_write(backend);
    backend->destroy(backend);
}

int backend_spill(struct backend *backend, const char *folder, struct error *error) {
    if (folder && !backend->allocate_kept)
        return error_set(error, "--spill is for the CPU; add --device cpu");
    backend->spill = folder;
    return 0;
}

int backend_allocate_kept(struct backend *backend, size_t bytes, void **memory,
                          struct error *error) {
    return backend->allocate_kept
               ? backend->allocate_kept(backend, bytes, memory, error)
               : backend->allocate(backend, bytes, memory, error);
}

uint64_t backend_peak(struct backend *backend) {
    size_t now, peak;
    if (backend->host_view)
        return usage_peak();
    backend->memory_use(backend, &now, &peak);
    return peak;
}

void backend_peak_restart(struct backend *backend) {
    backend->memory_restart(backend);
    if (backend->host_view)
        usage_restart();
}

void backend_remark(const struct backend *b, char line[256]) {
    char products[192] = "";
    if (b->plain_products)
        snprintf(products, sizeof products,
                 "%zu products, %s first, were done by a plain loop, which is slow",
                 b->plain_products, b->plain_product);
    else if (b->wide_products)
        snprintf(products, sizeof products,
                 "%zu products were done in bf16, which fp8 does not fit",
                 b->wide_products);
    snprintf(line, 256, "%.130s%s%.120s", products, *products && *b->remark ? "; " : "",
             b->remark);
}

bool backend_lost(struct backend *backend) {
    return !backend->host_view && backend->synchronise(backend, NULL) != 0;
}

bool backend_blamed(struct backend *backend) {
    return !backend->host_view && (backend->refused || backend_lost(backend));
}

int backend_list(void (*row)(void *self, const char *name, const char *state),
                 void *self, struct error *error) {
    char line[160];
    struct backend *cpu;
    if (cpu_open(PRECISION_F32, 0, &cpu, error) == 0) {
        snprintf(line, sizeof line, "usable: %s", cpu->name);
        row(self, "cpu", line);
        backend_close(cpu);
    } else if (error->memory) {
        return -1;
    } else {
        row(self, "cpu", error->text);
    }
    const struct backend_module *module;
    unsigned devices;
    enum presence presence;
    if (cuda_find(&module, &devices, &presence, error) != 0) {
        if (error->memory)
            return -1;
        row(self, "cuda", error->text);
        return 0;
    }
    for (unsigned i = 0; i < devices; i++) {
        char name[16], device[96];
        snprintf(name, sizeof name, "cuda:%u", i);
        if (module->describe(i, device, error) == 0) {
            snprintf(line, sizeof line, "usable: %s", device);
            row(self, name, line);
        } else {
            row(self, name, error->text);
        }
    }
    return 0;
}
