#include "machine.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "config.h"

/* The first line that a command prints, without its newline; false where it prints
 * none or fails. */
static bool first_line(const char *command, char *out, size_t size) {
    FILE *pipe = popen(command, "r");
    if (!pipe)
        return false;
    bool got = fgets(out, (int)size, pipe) != NULL;
    for (int c = 0; c != EOF;)
        c = fgetc(pipe);
    if (pclose(pipe) != 0 || !got)
        return false;
    out[strcspn(out, "\n")] = '\0';
    return true;
}

/* "cuda:0 NVIDIA H200": the device's number, or -1 for what is no GPU. */
static int gpu_index(const struct backend *b) {
    return strncmp(b->name, "cuda:", 5) == 0 ? atoi(b->name + 5) : -1;
}

static const char *device_name(const struct backend *b) {
    const char *space = strchr(b->name, ' ');
    return gpu_index(b) >= 0 && space ? space + 1 : b->name;
}

/* --- nvidia-smi -------------------------------------------------------------- */

/* The values of a query, at most `most`; how many there are. "[N/A]" is empty. */
static size_t query(int index, const char *fields, char values[][64], size_t most) {
    char command[256], line[512];
    snprintf(
        command, sizeof command,
        "nvidia-smi --query-gpu=%s --format=csv,noheader,nounits -i %d 2>/dev/null",
        fields, index);
    if (!first_line(command, line, sizeof line))
        return 0;
    size_t count = 0;
    for (char *at = line; at && count < most; count++) {
        char *end = strchr(at, ',');
        if (end)
            *end = '\0';
        while (*at == ' ')
            at++;
        snprintf(values[count], sizeof values[count], "%.63s", *at == '[' ? "" : at);
        at = end ? end + 1 : NULL;
    }
    return count;
}

static json_t *number_or_null(const char *text) {
    char *end;
    double value = strtod(text, &end);
    return end != text ? json_real(value) : json_null();
}

/* The newest CUDA that the driver knows: only nvidia-smi's frame says it. */
static json_t *driver_cuda(void) {
    char line[128], *end;
    if (!first_line("nvidia-smi 2>/dev/null | sed -n "
                    "'s/.*CUDA[ A-Z]* Version: *\\([0-9.]*\\).*/\\1/p'",
                    line, sizeof line))
        return json_null();
    strtod(line, &end);
    return end != line ? json_string(line) : json_null();
}

void machine_clocks(const struct backend *b, json_t *about, const char *key) {
    static const char *const names[] = {"sm", "memory", "most_sm", "most_memory"};
    char values[4][64];
    int index = gpu_index(b);
    if (index < 0 || query(index, "clocks.sm,clocks.mem,clocks.max.sm,clocks.max.mem",
                           values, 4) != 4)
        return;
    json_t *clocks = json_object();
    for (size_t i = 0; i < 4; i++)
        json_object_set_new(clocks, names[i], number_or_null(values[i]));
    json_object_set_new(about, key, clocks);
}

double machine_memory_used(const struct backend *b) {
    char values[1][64], *end;
    int index = gpu_index(b);
    if (index < 0 || query(index, "memory.used", values, 1) != 1)
        return NAN;
    double used = strtod(values[0], &end);
    return end != values[0] ? used : NAN;
}

static void describe_card(const struct backend *b, json_t *about) {
    char values[3][64] = {"", "", ""};
    query(gpu_index(b), "driver_version,memory.total,power.limit", values, 3);
    json_object_set_new(about, "driver",
                        *values[0] ? json_string(values[0]) : json_null());
    json_object_set_new(about, "cuda", driver_cuda());
    json_object_set_new(about, "memory_mib", number_or_null(values[1]));
    json_object_set_new(about, "power_limit_watt", number_or_null(values[2]));
    machine_clocks(b, about, "clocks_before");
}

/* --- program and host --------------------------------------------------------- */

static json_t *commit(void) {
    char line[128];
    const char *given = getenv("PWEMOE_COMMIT");
    if (given && *given)
        return json_string(given);
    if (!first_line("cd \"${srcdir-..}\" 2>/dev/null && git describe --always --dirty "
                    "--abbrev=40 --match=NONE 2>/dev/null",
                    line, sizeof line))
        return json_null();
    return json_string(line);
}

static json_t *processor(void) {
    char line[256];
    if (!first_line("sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2>/dev/null", line,
                    sizeof line))
        return json_null();
    return json_string(line);
}

static void date(char *out, size_t size, const char *format) {
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(out, size, format, &utc);
}

int machine_describe(const struct backend *b, json_t *about, struct error *error) {
    char when[32];
    date(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ");
    json_object_set_new(about, "device", json_string(device_name(b)));
    json_object_set_new(about, "backend", json_string(b->name));
    json_object_set_new(about, "date", json_string(when));
    json_object_set_new(about, "version", json_string(PACKAGE_VERSION));
    json_object_set_new(about, "commit", commit());
    json_object_set_new(about, "processor", processor());
    json_object_set_new(about, "cores", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
    if (gpu_index(b) >= 0)
        describe_card(b, about);
    return json_object_get(about, "commit") ? 0 : error_memory(error);
}

char *machine_file_name(const struct backend *b, const char *folder, const char *part) {
    char device[64], day[16];
    size_t used = 0;
    for (const char *at = device_name(b); *at && used + 1 < sizeof device; at++) {
        char c = (char)tolower((unsigned char)*at);
        if (isalnum((unsigned char)c))
            device[used++] = c;
        else if (used > 0 && device[used - 1] != '-')
            device[used++] = '-';
    }
    while (used > 0 && device[used - 1] == '-')
        used--;
    device[used] = '\0';
    date(day, sizeof day, "%Y-%m-%d");
    for (unsigned i = 1;; i++) {
        const char *dash = part ? "-" : "";
        char *name = i == 1 ? text_format("%s/%s-%s%s%s", folder, device, day, dash,
                                          part ? part : "")
                            : text_format("%s/%s-%s%s%s-%u", folder, device, day, dash,
                                          part ? part : "", i);
        char *file = name ? text_format("%s.json", name) : NULL;
        bool taken = file && access(file, F_OK) == 0;
        free(file);
        if (!taken)
            return name;
        free(name);
    }
}
