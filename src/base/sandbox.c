#include "base/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"

/* Looking into other processes; LeakSanitizer looks into its own that way. */
#ifndef __SANITIZE_ADDRESS__
#define WITHOUT_SANITIZER(...) __VA_ARGS__
#else
#define WITHOUT_SANITIZER(...)
#endif

static const int refused[] = {
    /* programs */
    SCMP_SYS(execve), SCMP_SYS(execveat),
    /* a second way to all system calls */
    SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register),
    /* other processes */
    WITHOUT_SANITIZER(SCMP_SYS(ptrace), ) SCMP_SYS(pidfd_getfd), SCMP_SYS(kcmp),
    /* file systems and name spaces */
    SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot),
    SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(fsopen), SCMP_SYS(fsmount),
    SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(open_by_handle_at),
    /* the kernel itself */
    SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd), SCMP_SYS(keyctl),
    SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(init_module),
    SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load), SCMP_SYS(reboot), SCMP_SYS(swapon), SCMP_SYS(swapoff)};

/* What MPI needs where there are other ranks, beside sockets. */
static const int refused_alone[] = {SCMP_SYS(process_vm_readv),
                                    SCMP_SYS(process_vm_writev)};

/* Both put characters into a terminal as if they were typed. The kernel looks at the
 * lower 32 bits of a request alone. */
static const unsigned typing[] = {TIOCSTI, TIOCLINUX};

static const uint32_t fail = SCMP_ACT_ERRNO(EPERM);

/* Without a socket nothing can be connected. NVIDIA's driver makes some for the
 * machine's own processes: on a PC, in Windows's Linux, on a board with a GPU. */
static int refuse_sockets(scmp_filter_ctx filter) {
    static const char *const drivers[] = {"/dev/nvidiactl", "/dev/dxg", "/dev/nvmap"};
    bool driver = false;
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
        driver = driver || access(drivers[i], F_OK) == 0;
    if (driver)
        return seccomp_rule_add(filter, fail, SCMP_SYS(socket), 1,
                                SCMP_A0(SCMP_CMP_NE, AF_UNIX));
    return seccomp_rule_add(filter, fail, SCMP_SYS(socket), 0);
}

static int refuse(scmp_filter_ctx filter, const int *calls, size_t count) {
    int problem = 0;
    for (size_t i = 0; !problem && i < count; i++) {
        problem = seccomp_rule_add(filter, fail, calls[i], 0);
        if (problem == -EDOM) /* not on this architecture */
            problem = 0;
    }
    return problem;
}

static int add_rules(scmp_filter_ctx filter, bool connected) {
    int problem = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (!problem)
        problem = refuse(filter, refused, sizeof refused / sizeof *refused);
    if (!problem && !connected)
        problem =
            refuse(filter, refused_alone, sizeof refused_alone / sizeof *refused_alone);
    for (size_t i = 0; !problem && i < sizeof typing / sizeof *typing; i++)
        problem = seccomp_rule_add(filter, fail, SCMP_SYS(ioctl), 1,
                                   SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, typing[i]));
    return problem || connected ? problem : refuse_sockets(filter);
}

int sandbox_enter(enum sandbox sandbox, bool runs_commands, bool connected,
                  struct error *error) {
    if (sandbox == SANDBOX_OFF || (sandbox == SANDBOX_AUTO && runs_commands))
        return 0;
    if (runs_commands)
        return error_set(error, "--sandbox on starts no programs, and --allow-commands "
                                "is to: leave one of them out");
    /* Its library crashes where an allocation fails; some 100 KiB were seen. */
    if (!memory_has_room(4 << 20))
        return error_memory(error);
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int problem = filter ? add_rules(filter, connected) : -ENOMEM;
    if (!problem)
        problem = seccomp_load(filter);
    if (filter)
        seccomp_release(filter);
    if (problem == -ENOMEM) /* never left out for want of memory */
        return error_memory(error);
    if (problem && sandbox == SANDBOX_ON)
        return error_set(error,
                         "--sandbox on: this kernel takes no filter of system "
                         "calls: %s",
                         strerror(-problem));
    return 0;
}
