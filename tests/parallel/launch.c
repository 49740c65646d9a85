#include "launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *launch_missing(void) {
    static const char *const settings[][2] = {
        {"PWEMOE_MODULE_DIR", "src/parallel"},
        {"OMPI_ALLOW_RUN_AS_ROOT", "1"},
        {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
        {"OMPI_MCA_rmaps_base_oversubscribe", "1"},
        {"OMPI_MCA_hwloc_base_binding_policy", "none"},
        {"OMPI_MCA_plm", "isolated"}, /* no ssh is needed or looked for */
        {"OMPI_MCA_btl", "self,vader,tcp"},
        {"OMPI_MCA_btl_tcp_if_include", "lo"},
        {"OMPI_MCA_oob_tcp_if_include", "lo"},
        {"OMPI_MCA_pml", "ob1"},
        /* Containers often refuse process_vm_readv. */
        {"OMPI_MCA_btl_vader_single_copy_mechanism", "none"}};
    char suppressions[1024];
    const char *source = getenv("srcdir");
    if (access("src/parallel/pwemoe-mpi.so", F_OK) != 0)
        return "this build has no MPI module (install libopenmpi-dev, configure again)";
    if (system("mpirun --version 2>/dev/null | grep -q 'Open MPI'") != 0)
        return "there is no mpirun of Open MPI (install openmpi-bin)";
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        setenv(settings[i][0], settings[i][1], 1);
    /* MPI_Finalize leaves memory of Open MPI's own behind. */
    snprintf(suppressions, sizeof suppressions,
             "suppressions=%s/tests/parallel/lsan.supp:print_suppressions=0",
             source ? source : ".");
    setenv("LSAN_OPTIONS", suppressions, 1);
    return NULL;
}
