/* pwemoe info: version, build, devices and libraries. */
#include <config.h>

#include <cairo.h>
#include <oneapi/dnnl/dnnl.h>
#include <openssl/crypto.h>
#include <png.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>
#include <zlib.h>

#include "backend/backend.h"
#include "base/json_text.h"
#include "base/memory.h"
#include "command/command.h"
#include "parallel/ranks.h"
#include "store/store.h"

static void add_backend(void *self, const char *name, const char *state) {
    json_array_append_new(self, json_pack("{s:o, s:o}", "name", output_text(name),
                                          "state", output_text(state)));
}

static void add_library(json_t *libraries, const char *name, const char *version) {
    json_array_append_new(libraries, json_pack("{s:s, s:o}", "name", name, "version",
                                               output_text(version)));
}

static json_t *list_libraries(void) {
    json_t *libraries = json_array();
    char text[64];
    const dnnl_version_t *dnnl = dnnl_version();
    snprintf(text, sizeof text, "%d.%d.%d", dnnl->major, dnnl->minor, dnnl->patch);
    add_library(libraries, "oneDNN", text);
    add_library(libraries, "SQLite", sqlite3_libversion());
    add_library(libraries, "jansson", jansson_version_str());
    add_library(libraries, "libyaml", yaml_get_version_string());
    add_library(libraries, "libpng", png_get_libpng_ver(NULL));
    add_library(libraries, "zlib", zlibVersion());
    add_library(libraries, "cairo", cairo_version_string());
    add_library(libraries, "OpenSSL", OpenSSL_version(OPENSSL_VERSION_STRING));
    return libraries;
}

static const char *compiler(void) {
#ifdef __clang__
    return __VERSION__;
#else
    return "gcc " __VERSION__;
#endif
}

static const char *cuda(void) {
#ifdef WITH_CUDA_MODULE
    return "built";
#else
    return "not built";
#endif
}

/* What `mpirun pwemoe` would use; NULL where memory is out. */
static const char *mpi(char line[256]) {
#ifdef WITH_MPI_MODULE
    return ranks_library(line);
#else
    (void)line;
    return "not built";
#endif
}

/* The same facts as lines: sections of names and values. */
static void print_text(const json_t *document) {
    static const char *const lists[][3] = {{"backends", "name", "state"},
                                           {"libraries", "name", "version"}};
    printf("pwemoe %s\n", json_string_value(json_object_get(document, "version")));
    const json_t *build = json_object_get(document, "build");
    const char *key;
    json_t *value;
    puts("\nbuild");
    json_object_foreach((json_t *)build, key, value) {
        if (json_is_string(value))
            printf("  %-16s%s\n", key, json_string_value(value));
        else
            printf("  %-16s%" JSON_INTEGER_FORMAT "\n", key, json_integer_value(value));
    }
    for (size_t i = 0; i < 2; i++) {
        size_t index;
        json_t *item;
        printf("\n%s\n", lists[i][0]);
        json_array_foreach(json_object_get(document, lists[i][0]), index, item)
            printf("  %-16s%s\n", json_string_value(json_object_get(item, lists[i][1])),
                   json_string_value(json_object_get(item, lists[i][2])));
    }
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    json_t *backends = json_array();
    json_t *document = NULL;
    char mpi_line[256];
    if (backend_list(add_backend, backends, error)) {
        json_decref(backends);
        return EXIT_FAILED;
    }
    document = json_pack("{s:s, s:{s:s, s:s, s:s, s:s, s:i}, s:o, s:o}", "version",
                         PACKAGE_VERSION, "build", "compiler", compiler(), "cuda",
                         cuda(), "mpi", mpi(mpi_line), "module_folder",
                         PWEMOE_MODULE_DIR, "store_format", STORE_FORMAT, "backends",
                         backends, "libraries", list_libraries());
    if (!document || json_memory_lost()) {
        json_decref(document);
        error_memory(error);
        return EXIT_FAILED;
    }
    int result = 0;
    if (invocation->common->format == OUTPUT_JSON) {
        char *text = json_text_dump(document, JSON_INDENT(2) | JSON_ENSURE_ASCII);
        if (text)
            puts(text);
        else
            result = error_memory(error);
        free(text);
    } else if (invocation->common->format == OUTPUT_CSV) {
        static const char *const lists[][3] = {{"backends", "name", "state"},
                                               {"libraries", "name", "version"}};
        static const struct output_column columns[] = {
            {"section", IN_ALL, 0}, {"name", IN_ALL, 0}, {"value", IN_ALL, 0}};
        struct output *output = output_new(OUTPUT_CSV, false, columns, 3, error);
        const char *key;
        json_t *value;
        size_t index;
        if (output) {
            output_row(output,
                       (json_t *[]){json_string("pwemoe"), json_string("version"),
                                    json_string(PACKAGE_VERSION)});
            json_object_foreach(json_object_get(document, "build"), key, value)
                output_row(output, (json_t *[]){json_string("build"), json_string(key),
                                                json_incref(value)});
            for (size_t i = 0; i < 2; i++)
                json_array_foreach(json_object_get(document, lists[i][0]), index, value)
                    output_row(
                        output,
                        (json_t *[]){json_string(lists[i][0]),
                                     json_incref(json_object_get(value, lists[i][1])),
                                     json_incref(json_object_get(value, lists[i][2]))});
        }
        result = output ? output_end(output, error) : -1;
    } else {
        print_text(document);
    }
    json_decref(document);
    return result || output_flush(error) ? EXIT_FAILED : EXIT_DONE;
}

const struct command command_info = {
    .name = "info",
    .usage = "",
    .summary = "Print version, build, devices and libraries",
    .text = "Prints the version, how the program was built, which backends there are "
            "and whether each can be used here, and the libraries with their versions.",
    .common = TAKES_USUAL | TAKES_FORMAT,
    .run = run,
};
