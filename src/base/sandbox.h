/* What this process gives up, so that a file that takes over a decoder or a parser
 * finds nothing to go on with. */
#ifndef PWEMOE_BASE_SANDBOX_H
#define PWEMOE_BASE_SANDBOX_H

#include <stdbool.h>

#include "base/error.h"

/* As --sandbox names them. AUTO: where the kernel can, and no command is to be run. */
enum sandbox { SANDBOX_AUTO, SANDBOX_ON, SANDBOX_OFF };
#define SANDBOX_NAMES "auto|on|off"

/* By a seccomp filter, on every thread that there is and for good, children included:
 * no program is started, no socket made (but AF_UNIX, where there is an NVIDIA driver),
 * no other process looked into, nothing typed into the terminal, nothing mounted;
 * io_uring, bpf, keys and the like are out of reach. Such a call fails with EPERM.
 * Files are read and written as before.
 *
 * connected: other processes of mpirun are: sockets and the memory of one's own user's
 * processes stay, which MPI reaches them by.
 *
 * runs_commands: programs are to be started, as the user allowed: then AUTO does
 * nothing, and ON fails. Fails too where ON is asked and the kernel has no filters. */
int sandbox_enter(enum sandbox sandbox, bool runs_commands, bool connected,
                  struct error *error);

#endif
