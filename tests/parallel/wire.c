/* A wire between two machines, slow and lossy, for tests: two TAP devices, between
 * which Ethernet frames go after a delay, or get lost. Needs the right to make devices.
 *
 *   wire DEVICE DEVICE MILLISECONDS PERCENT
 *
 * Says "ready" when both are there; ends when it is killed, and they with it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { FRAME = 2048, UNDER_WAY = 1024 };

/* Frames on their way in one direction, the oldest first. */
struct direction {
    int from, to;
    struct {
        int64_t due; /* ms */
        size_t size;
        unsigned char bytes[FRAME];
    } frames[UNDER_WAY];
    size_t first, count;
};

static struct direction ways[2];

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int device(const char *name) {
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int file = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if (file < 0 || ioctl(file, TUNSETIFF, &request)) {
        fprintf(stderr, "wire: %s: %s\n", name, strerror(errno));
        exit(1);
    }
    return file;
}

/* Takes in what has come, but for the unlucky. What finds no room is lost, too, as on a
 * real wire. */
static void take(struct direction *way, int64_t delay, double loss) {
    unsigned char frame[FRAME];
    ssize_t size;
    while ((size = read(way->from, frame, sizeof frame)) > 0) {
        if (way->count == UNDER_WAY || drand48() < loss)
            continue;
        size_t at = (way->first + way->count++) % UNDER_WAY;
        way->frames[at].due = now() + delay;
        way->frames[at].size = (size_t)size;
        memcpy(way->frames[at].bytes, frame, (size_t)size);
    }
}

/* Hands over what is due; when the next is, or a second from now. */
static int64_t give(struct direction *way) {
    int64_t time = now();
    while (way->count && way->frames[way->first].due <= time) {
        /* A device that is down refuses frames: they are lost. */
        ssize_t written =
            write(way->to, way->frames[way->first].bytes, way->frames[way->first].size);
        (void)written;
        way->first = (way->first + 1) % UNDER_WAY;
        way->count--;
    }
    return way->count ? way->frames[way->first].due : time + 1000;
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: wire DEVICE DEVICE MILLISECONDS PERCENT\n");
        return 2;
    }
    int64_t delay = atoi(argv[3]);
    double loss = 0.01 * atof(argv[4]);
    srand48(1);
    int files[2] = {device(argv[1]), device(argv[2])};
    for (int i = 0; i < 2; i++)
        ways[i] = (struct direction){.from = files[i], .to = files[1 - i]};
    puts("ready");
    fflush(stdout);
    for (;;) {
        int64_t next = INT64_MAX;
        for (int i = 0; i < 2; i++) {
            int64_t due = give(&ways[i]);
            next = due < next ? due : next;
        }
        int64_t wait = next - now();
        struct pollfd polled[2] = {{files[0], POLLIN, 0}, {files[1], POLLIN, 0}};
        if (poll(polled, 2, wait > 0 ? (int)wait : 0) < 0 && errno != EINTR)
            return 1;
        for (int i = 0; i < 2; i++)
            take(&ways[i], delay, loss);
    }
}
