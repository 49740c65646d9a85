/* The MPI module, pwemoe-mpi.so: messages from rank to rank, by MPI. Opened at run time
 * by ranks_connection.c, and the only file that includes <mpi.h>. */
#include <mpi.h>
#include <stdio.h>
#include <string.h>

#include "parallel/module.h"

/* of is MPI's function. */
static int check(int code, const char *of, char why[256]) {
    char text[MPI_MAX_ERROR_STRING];
    int length = 0;
    if (code == MPI_SUCCESS)
        return 0;
    if (MPI_Error_string(code, text, &length) != MPI_SUCCESS)
        length = 0;
    snprintf(why, 256, "%s: %.*s", of, length, text);
    return -1;
}

static int start(int *rank, int *size, char why[256]) {
    int provided;
    if (check(MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided),
              "MPI_Init_thread", why))
        return -1;
    if (provided < MPI_THREAD_SERIALIZED) {
        snprintf(why, 256, "this MPI cannot be used by more than one thread");
        return -1;
    }
    if (check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN),
              "MPI_Comm_set_errhandler", why) ||
        check(MPI_Comm_rank(MPI_COMM_WORLD, rank), "MPI_Comm_rank", why))
        return -1;
    return check(MPI_Comm_size(MPI_COMM_WORLD, size), "MPI_Comm_size", why);
}

static int send(int to, int tag, const void *bytes, size_t size, char why[256]) {
    return check(MPI_Send(bytes, (int)size, MPI_BYTE, to, tag, MPI_COMM_WORLD),
                 "MPI_Send", why);
}

static MPI_Request sending = MPI_REQUEST_NULL;

static int send_begin(int to, int tag, const void *bytes, size_t size, char why[256]) {
    return check(
        MPI_Isend(bytes, (int)size, MPI_BYTE, to, tag, MPI_COMM_WORLD, &sending),
        "MPI_Isend", why);
}

static int send_done(int *done, char why[256]) {
    return check(MPI_Test(&sending, done, MPI_STATUS_IGNORE), "MPI_Test", why);
}

static int look(int from, int tag, int *there, int *sender, size_t *size,
                char why[256]) {
    MPI_Status status;
    int count = 0;
    if (check(MPI_Iprobe(from < 0 ? MPI_ANY_SOURCE : from, tag, MPI_COMM_WORLD, there,
                         &status),
              "MPI_Iprobe", why))
        return -1;
    if (!*there)
        return 0;
    *sender = status.MPI_SOURCE;
    if (check(MPI_Get_count(&status, MPI_BYTE, &count), "MPI_Get_count", why))
        return -1;
    *size = (size_t)count;
    return 0;
}

static int receive(int from, int tag, void *bytes, size_t size, char why[256]) {
    return check(MPI_Recv(bytes, (int)size, MPI_BYTE, from, tag, MPI_COMM_WORLD,
                          MPI_STATUS_IGNORE),
                 "MPI_Recv", why);
}

static void finish(void) {
    MPI_Finalize();
}

static void end_all(int status) {
    MPI_Abort(MPI_COMM_WORLD, status);
}

static const char *version(void) {
    static char text[MPI_MAX_LIBRARY_VERSION_STRING];
    int length;
    if (MPI_Get_library_version(text, &length) != MPI_SUCCESS)
        return "";
    text[strcspn(text, ",\n")] = '\0';
    return text;
}

const struct parallel_module *pwemoe_parallel_module(void);

__attribute__((visibility("default"))) const struct parallel_module *
pwemoe_parallel_module(void) {
    static const struct parallel_module module = {.api_version = PARALLEL_API_VERSION,
                                                  .start = start,
                                                  .send = send,
                                                  .send_begin = send_begin,
                                                  .send_done = send_done,
                                                  .look = look,
                                                  .receive = receive,
                                                  .finish = finish,
                                                  .abort = end_all,
                                                  .version = version};
    return &module;
}
