#include "launch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "command/run.h"

const char *launch_missing(void) {
    static const char *const settings[][2] = {
        {"PWEMOE_MODULE_DIR", "src/parallel"},
        {"OMPI_ALLOW_RUN_AS_ROOT", "1"},
        {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
        {"OMPI_MCA_rmaps_base_oversubscribe", "1"},
        {"OMPI_MCA_hwloc_base_binding_policy", "none"},
        /* The same to Open MPI 5. */
        {"PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe"},
        {"PRTE_MCA_hwloc_default_binding_policy", "none"},
        {"OMPI_MCA_plm", "isolated"}, /* no ssh is needed or looked for */
        {"OMPI_MCA_btl", "self,vader,tcp"},
        {"OMPI_MCA_btl_tcp_if_include", "lo"},
        {"OMPI_MCA_oob_tcp_if_include", "lo"},
        {"OMPI_MCA_pml", "ob1"},
        /* Containers often refuse process_vm_readv. */
        {"OMPI_MCA_btl_vader_single_copy_mechanism", "none"}};
    char sanitizer[1024];
    if (access("src/parallel/pwemoe-mpi.so", F_OK) != 0)
        return "this build has no MPI module (install libopenmpi-dev, configure again)";
    if (system("mpirun --version 2>/dev/null | grep -q 'Open MPI'") != 0)
        return "there is no mpirun of Open MPI (install openmpi-bin)";
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        setenv(settings[i][0], settings[i][1], 1);
    /* MPI_Finalize leaves memory of Open MPI's behind, of parts that are unloaded by
     * then, so that no list can name them. Leaks of ours are looked for where the same
     * work is done by one process. */
    const char *options = getenv("ASAN_OPTIONS");
    snprintf(sanitizer, sizeof sanitizer, "%s%sdetect_leaks=0", options ? options : "",
             options ? ":" : "");
    setenv("ASAN_OPTIONS", sanitizer, 1);
    return NULL;
}

int launch_setup(void **state) {
    (void)state;
    const char *source = getenv("srcdir"), *missing = launch_missing();
    if (missing) {
        print_message("skipped: %s\n", missing);
        exit(77);
    }
    struct ran ran = shell("cp -R '%2$s/assets/demo/.' %1$s && chmod -R u+w %1$s && "
                           "cd %1$s && mv results.db kept.db",
                           folder(), source ? source : ".");
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    return 0;
}
