/* The conformance suite on a CUDA device: check_device [--no-faults] [--only CASE]
 * [cuda:N]
 * Exit status 0: it conforms; 1: it does not; 77: there is no device. */
#include <stdio.h>
#include <string.h>

#include "backend/conformance.h"

static int check_precision(const char *device, enum precision precision, bool faults,
                           const char *only) {
    const char *name = precision == PRECISION_BF16 ? "bf16" : "f32";
    struct backend *b;
    struct error error;
    if (backend_open(device, precision, 0, &b, NULL, &error) != 0) {
        printf("FAILED %s: %s\n", name, error.text);
        return 1;
    }
    size_t checks, failures = conformance_run(b, only, stdout, &checks);
    printf("%s, %s: %zu comparisons, %zu failed\n", b->name, name, checks, failures);
    for (size_t i = 0; faults && i < conformance_fault_count; i++)
        if (!conformance_fault_found(b, &conformance_faults[i])) {
            printf("FAILED: the suite does not notice a fault in %s\n",
                   conformance_faults[i].name);
            failures++;
        }
    if (checks == 0) {
        puts("FAILED: there is no such case");
        failures++;
    }
    if (*b->remark)
        printf("FAILED: %s\n", b->remark);
    failures += *b->remark != '\0';
    /* The suite has shapes of every kind; what is slow is told by the benchmarks. */
    printf("%zu products were done by a plain loop%s%s\n", b->plain_products,
           b->plain_products ? ", first " : "", b->plain_product);
    printf("the sums of %zu products took a pass of their own\n", b->separate_sums);
    if (faults)
        printf("%zu planted faults tried\n", conformance_fault_count);
    backend_close(b);
    return failures > 0;
}

/* What a device opened for fp8 does otherwise than in bf16. */
static int check_fp8(const char *device, const char *only) {
    struct backend *b;
    struct error error;
    if (backend_open(device, PRECISION_FP8, 0, &b, NULL, &error) != 0) {
        printf("fp8 is not checked: %s\n", error.text);
        return 0;
    }
    size_t all = 0, failures = 0;
    for (const struct conformance_case *k = conformance_fp8_cases; k->name; k++) {
        size_t checks = 0;
        if (!only || strcmp(only, k->name) == 0)
            failures += conformance_run(b, k->name, stdout, &checks);
        all += checks;
    }
    printf("%s: %zu comparisons, %zu failed\n", b->name, all, failures);
    printf("%zu products should have been in fp8 and were not\n", b->wide_products);
    backend_close(b);
    return failures > 0;
}

int main(int argc, char **argv) {
    const char *device = "cuda", *only = NULL;
    bool faults = true;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--no-faults") == 0)
            faults = false;
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            only = argv[++i];
        else
            device = argv[i];
    struct backend *b;
    struct error error;
    if (backend_open(device, PRECISION_F32, 0, &b, NULL, &error) != 0) {
        printf("skipped: %s\n", error.text);
        return 77;
    }
    backend_close(b);
    int failed = check_precision(device, PRECISION_F32, faults, only);
    failed |= check_precision(device, PRECISION_BF16, faults, only);
    failed |= check_fp8(device, only);
    puts(failed ? "gpu-check FAILED" : "gpu-check passed");
    return failed;
}
