#include "peer.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"

/* Longer than anything that is asked for takes; a peer that is silent for so long is
 * given up. */
enum { PATIENCE = 300 * 1000 /* ms */, LINE = 4096 };

extern char **environ;

struct peer {
    pid_t process;
    int socket;
    char name[160];
};

/* Starts the program with the socket as its input and output. */
static int start(char **arguments, int socket, pid_t *process) {
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return -1;
    int status = posix_spawn_file_actions_adddup2(&actions, socket, 0);
    if (status == 0)
        status = posix_spawn_file_actions_adddup2(&actions, socket, 1);
    if (status == 0)
        status =
            posix_spawnp(process, arguments[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return status;
}

/* One line as JSON object, which is the caller's; NULL with error set, also where the
 * line says {"error": ...}. */
static json_t *read_answer(struct peer *peer, struct error *error) {
    char line[LINE];
    size_t used = 0;
    while (used == 0 || line[used - 1] != '\n') {
        struct pollfd ready = {.fd = peer->socket, .events = POLLIN};
        int state = poll(&ready, 1, PATIENCE);
        if (state < 0 && errno == EINTR)
            continue;
        if (state == 0) {
            error_set(error, "PyTorch: no answer within %d s", PATIENCE / 1000);
            return NULL;
        }
        ssize_t got = used < sizeof line - 1
                          ? recv(peer->socket, line + used, sizeof line - 1 - used, 0)
                          : 0;
        if (got <= 0) {
            error_set(error, "PyTorch: its process ended or says what is not "
                             "understood");
            return NULL;
        }
        used += (size_t)got;
    }
    line[used] = '\0';
    json_t *answer = json_loads(line, 0, NULL);
    const char *failure = json_string_value(json_object_get(answer, "error"));
    if (json_is_object(answer) && !failure)
        return answer;
    error_set(error, "PyTorch: %s", failure ? failure : "an answer that is no JSON");
    json_decref(answer);
    return NULL;
}

static int greet(struct peer *peer, const struct peer_options *o, struct error *error) {
    json_t *answer = read_answer(peer, error);
    if (!answer)
        return -1;
    const char *name = json_string_value(json_object_get(answer, "name"));
    double parameters = json_number_value(json_object_get(answer, "parameters"));
    snprintf(peer->name, sizeof peer->name, "%s", name ? name : "PyTorch");
    json_decref(answer);
    if (parameters != o->parameters)
        return error_set(error, "PyTorch: its model has %.0f parameters, ours %.0f",
                         parameters, o->parameters);
    return 0;
}

int peer_open(const struct peer_options *o, struct peer **out, struct error *error) {
    const char *python = getenv("PYTHON"), *source = getenv("srcdir");
    char numbers[4][24];
    struct peer *peer = array_new(1, sizeof *peer);
    char *script = text_format("%s/bench/gpu/torch_peer.py", source ? source : "..");
    int result = -1, pair[2] = {-1, -1};
    if (!peer || !script) {
        error_memory(error);
        goto done;
    }
    peer->socket = -1;
    snprintf(numbers[0], sizeof numbers[0], "%zu", o->tasks);
    snprintf(numbers[1], sizeof numbers[1], "%zu", o->batch);
    snprintf(numbers[2], sizeof numbers[2], "%zu", o->images);
    snprintf(numbers[3], sizeof numbers[3], "%u", o->threads);
    const char *arguments[] = {python && *python ? python : "python3",
                               script,
                               "--serve",
                               "--device",
                               o->device,
                               "--shape",
                               o->shape,
                               "--precision",
                               o->precision == PRECISION_BF16 ? "bf16" : "f32",
                               "--tasks",
                               numbers[0],
                               "--batch",
                               numbers[1],
                               "--images",
                               numbers[2],
                               "--threads",
                               numbers[3],
                               NULL};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 ||
        start((char **)(uintptr_t)arguments, pair[1], &peer->process) != 0) {
        error_set(error, "PyTorch: %s does not start; set PYTHON to one that has torch",
                  arguments[0]);
        peer->process = 0;
        goto done;
    }
    peer->socket = pair[0];
    pair[0] = -1;
    close(pair[1]);
    pair[1] = -1;
    result = greet(peer, o, error);
done:
    if (pair[0] >= 0) {
        close(pair[0]);
        close(pair[1]);
    }
    free(script);
    if (result)
        peer_close(peer);
    else
        *out = peer;
    return result;
}

void peer_close(struct peer *peer) {
    if (!peer)
        return;
    /* It ends where its input ends. */
    if (peer->socket >= 0)
        close(peer->socket);
    if (peer->process > 0)
        waitpid(peer->process, NULL, 0);
    free(peer);
}

const char *peer_name(const struct peer *peer) {
    return peer->name;
}

int peer_run(struct peer *peer, const char *what, size_t repeat, double *seconds,
             struct error *error) {
    char line[128];
    int length = snprintf(line, sizeof line, "%s %zu\n", what, repeat);
    if (send(peer->socket, line, (size_t)length, MSG_NOSIGNAL) != length)
        return error_set(error, "PyTorch: its process has ended");
    json_t *answer = read_answer(peer, error);
    if (!answer)
        return -1;
    const json_t *number = json_object_get(answer, "seconds");
    *seconds = json_number_value(number);
    int result = json_is_number(number) && *seconds > 0
                     ? 0
                     : error_set(error, "PyTorch: %s took no time", what);
    json_decref(answer);
    return result;
}
