/* A block's threads as fibers. A fiber runs until it waits at a barrier or returns;
 * the scheduler goes round until all have returned. A round in which none can go
 * on means threads waiting for others that never come: that ends the test. The order
 * of the fibers in a round is the test's to choose. */
#include <stdio.h>
#include <stdlib.h>
#include <vector>

#include "cuda_runtime.h"

#if !defined(__x86_64__)
#include <ucontext.h>
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

enum { STACK = 256 * 1024, MOST_THREADS = 1024, WARP = 32 };

struct emulation_position emulation_at;
struct emulation_settings emulation;

/* --- switching stacks -------------------------------------------------------- */
#if defined(__x86_64__)
typedef void *context;

extern "C" void emulation_switch(context *from, context to);
/* Keeps what a call must keep, changes stacks, and goes on there. */
__asm__(".text\n"
        ".globl emulation_switch\n"
        ".type emulation_switch, @function\n"
        "emulation_switch:\n"
        "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n"
        "  pushq %r13\n  pushq %r14\n  pushq %r15\n"
        "  movq %rsp, (%rdi)\n"
        "  movq %rsi, %rsp\n"
        "  popq %r15\n  popq %r14\n  popq %r13\n"
        "  popq %r12\n  popq %rbx\n  popq %rbp\n"
        "  ret\n"
        ".size emulation_switch, . - emulation_switch\n");

static void context_new(context *to, char *stack, void (*entry)(void)) {
    /* As emulation_switch leaves a stack, 16-byte aligned at the entry's call. */
    void **top = reinterpret_cast<void **>(stack + STACK) - 2;
    *top = reinterpret_cast<void *>(entry);
    *to = top - 6;
}

static void context_switch(context *from, context *to) {
    emulation_switch(from, *to);
}
#else
typedef ucontext_t context;

static void context_new(context *to, char *stack, void (*entry)(void)) {
    getcontext(to);
    to->uc_stack.ss_sp = stack;
    to->uc_stack.ss_size = STACK;
    to->uc_link = NULL;
    makecontext(to, entry, 0);
}

static void context_switch(context *from, context *to) {
    swapcontext(from, to);
}
#endif

/* --- barriers ------------------------------------------------------------------ */
struct barrier {
    unsigned live, arrived;
    unsigned long generation;
};

struct fiber {
    context here;
    std::vector<char> stack;
    struct uint3 thread;
    unsigned number;
    const struct barrier *waits_at; /* NULL: it can run */
    unsigned long until;            /* the barrier's generation that it waits to end */
    bool done;
    void *shadow; /* AddressSanitizer's */
};

static std::vector<struct fiber> fibers(MOST_THREADS);
static const char *barrier_file; /* where those wait who wait for their block */
static int barrier_line;
static struct barrier block_barrier, warp_barriers[MOST_THREADS / WARP];
static uint32_t exchanged[MOST_THREADS / WARP][2][WARP][EMULATION_WORDS];
static unsigned long exchanged_in[MOST_THREADS / WARP][2][WARP]; /* the generation */
static context scheduler;
#ifdef __SANITIZE_ADDRESS__
static void *scheduler_shadow;
static const void *scheduler_stack;
static size_t scheduler_stack_size;
#endif
static struct fiber *current;
static void (*kernel_call)(const void *);
static const void *kernel_self;
static std::vector<unsigned char> dynamic_memory;
static std::vector<void *> fresh_memory; /* of the block, filled already */
static size_t fresh_bytes, fresh_most;   /* those of the block, and what there may be */
static bool refused;                     /* there are more: the kernel does not run */
static int block_any[2];                 /* by turns, of __syncthreads_or */

/* --- orders -------------------------------------------------------------------- */
static uint64_t order_state;

void emulation_shuffle_orders(void) {
    order_state = emulation.order * 0x9e3779b97f4a7c15u + 1;
}

/* xorshift64*, Vigna 2016. */
static unsigned random_below(unsigned n) {
    order_state ^= order_state >> 12;
    order_state ^= order_state << 25;
    order_state ^= order_state >> 27;
    return (unsigned)(order_state * 0x2545f4914f6cdd1du >> 33) % n;
}

static bool random_order(void) {
    return emulation.order > 1;
}

static bool stopped[MOST_THREADS / WARP]; /* warps, until no other goes on */

/* Whether a warp is held back in this round: for it alone, or until all that the others
 * can do without it is done, however many rounds that takes. */
static bool held_back(unsigned warp, bool every) {
    stopped[warp] = !every && (stopped[warp] || random_below(24) == 0);
    return stopped[warp] || (!every && random_below(4) == 0);
}

/* The fibers in the order of this round, without those of warps that are held back;
 * every: none is. Returns how many. */
static unsigned draw_round(unsigned *order, unsigned threads, bool every) {
    unsigned n = 0;
    bool held = false;
    for (unsigned i = 0; i < threads; i++) {
        if (random_order() && i % WARP == 0)
            held = held_back(i / WARP, every);
        if (!held)
            order[n++] = emulation.order == 1 ? threads - 1 - i : i;
    }
    for (unsigned i = n; random_order() && i > 1; i--) {
        unsigned j = random_below(i), other = order[j];
        order[j] = order[i - 1];
        order[i - 1] = other;
    }
    return n;
}

/* --- waiting ------------------------------------------------------------------- */
/* From the current fiber to the scheduler. */
static void yield(void) {
    struct fiber *self = current;
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(self->done ? NULL : &self->shadow, scheduler_stack,
                                   scheduler_stack_size);
#endif
    context_switch(&self->here, &scheduler);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(self->shadow, NULL, NULL);
#endif
}

static void barrier_pass(struct barrier *barrier) {
    if (barrier->arrived > 0 && barrier->arrived == barrier->live) {
        barrier->arrived = 0;
        barrier->generation++;
    }
}

static void barrier_wait(struct barrier *barrier) {
    unsigned long generation = barrier->generation;
    barrier->arrived++;
    barrier_pass(barrier);
    if (barrier->generation == generation) {
        current->waits_at = barrier;
        current->until = generation;
        yield();
        current->waits_at = NULL;
    } else if (random_order() && random_below(2) == 0) {
        yield(); /* the last to come need not be the first to go on */
    }
}

static void give_up(const char *why) {
    fprintf(stderr, "emulation: %s (thread %u of block %u, %u)\n", why, current->number,
            emulation_at.block.x, emulation_at.block.y);
    abort();
}

void emulation_block_barrier(const char *file, int line) {
    if (block_barrier.arrived > 0 &&
        (barrier_line != line || strcmp(barrier_file, file) != 0))
        give_up("__syncthreads at different places");
    barrier_file = file;
    barrier_line = line;
    barrier_wait(&block_barrier);
}

/* By turns: no thread can be two such barriers ahead of another. The first to come
 * begins anew. */
int emulation_block_any(int x, const char *file, int line) {
    int *any = &block_any[block_barrier.generation % 2];
    *any = (block_barrier.arrived > 0 && *any) || x;
    emulation_block_barrier(file, line);
    return *any;
}

void __syncwarp(void) {
    barrier_wait(&warp_barriers[current->number / WARP]);
}

/* Two sets of words in turn: no lane can be two exchanges ahead of another. */
static const uint32_t (*exchange(const uint32_t *words, int count))[EMULATION_WORDS] {
    unsigned warp = current->number / WARP, lane = current->number % WARP;
    struct barrier *barrier = &warp_barriers[warp];
    uint32_t(*all)[EMULATION_WORDS] = exchanged[warp][barrier->generation % 2];
    memcpy(all[lane], words, (size_t)count * sizeof *words);
    exchanged_in[warp][barrier->generation % 2][lane] = barrier->generation;
    barrier_wait(barrier);
    return all;
}

uint32_t emulation_shuffle(uint32_t value, int lanes) {
    unsigned warp = current->number / WARP;
    unsigned other = (current->number ^ (unsigned)lanes) % WARP;
    unsigned long generation = warp_barriers[warp].generation;
    const uint32_t(*all)[EMULATION_WORDS] = exchange(&value, 1);
    if (exchanged_in[warp][generation % 2][other] != generation)
        give_up("a shuffle from a lane that has returned or never was");
    return all[other][0];
}

const uint32_t (*emulation_exchange(const uint32_t *words,
                                    int count))[EMULATION_WORDS] {
    if (warp_barriers[current->number / WARP].live != WARP)
        give_up("a warp's product without all of its lanes");
    return exchange(words, count);
}

unsigned emulation_thread(void) {
    return current->number;
}

int emulation_lane(void) {
    return (int)(current->number % WARP);
}

/* --- running a kernel ------------------------------------------------------------ */
static void fiber_main(void) {
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(NULL, &scheduler_stack, &scheduler_stack_size);
#endif
    kernel_call(kernel_self);
    if (emulation_copying())
        give_up("a thread returned that did not wait for its copies");
    struct fiber *self = current;
    self->done = true;
    struct barrier *warp = &warp_barriers[self->number / WARP];
    warp->live--;
    block_barrier.live--;
    barrier_pass(warp);
    barrier_pass(&block_barrier);
    yield();
}

static void fiber_resume(struct fiber *fiber) {
    current = fiber;
    emulation_at.thread = fiber->thread;
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(&scheduler_shadow, fiber->stack.data(), STACK);
#endif
    context_switch(&scheduler, &fiber->here);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(scheduler_shadow, NULL, NULL);
#endif
}

static void run_block(unsigned threads) {
    memset(exchanged_in, 0xff, sizeof exchanged_in); /* none yet */
    if (!dynamic_memory.empty())
        memset(dynamic_memory.data(), 0xff, dynamic_memory.size());
    fresh_memory.clear();
    fresh_bytes = 0;
    memset(stopped, 0, sizeof stopped);
    block_barrier = {threads, 0, 0};
    for (unsigned i = 0; i < threads; i++) {
        struct fiber *fiber = &fibers[i];
        if (i % WARP == 0)
            warp_barriers[i / WARP] = {
                threads - i < WARP ? threads - i : (unsigned)WARP, 0, 0};
        fiber->number = i;
        fiber->thread.x = i % emulation_at.threads.x;
        fiber->thread.y = i / emulation_at.threads.x % emulation_at.threads.y;
        fiber->thread.z = i / emulation_at.threads.x / emulation_at.threads.y;
        fiber->waits_at = NULL;
        fiber->done = false;
        fiber->shadow = NULL;
        fiber->stack.resize(STACK);
        context_new(&fiber->here, fiber->stack.data(), fiber_main);
    }
    bool every = false; /* the last round ran none: none is held back in this one */
    for (unsigned left = threads; left > 0;) {
        unsigned order[MOST_THREADS], n = draw_round(order, threads, every);
        bool ran = false;
        for (unsigned i = 0; i < n; i++) {
            struct fiber *fiber = &fibers[order[i]];
            bool waits = fiber->waits_at && fiber->waits_at->generation == fiber->until;
            if (fiber->done || waits)
                continue;
            fiber_resume(fiber);
            if (refused)
                return;
            left -= fiber->done;
            ran = true;
        }
        if (!ran && (every || !random_order())) {
            fputs("emulation: threads wait at a barrier that the others never reach\n",
                  stderr);
            abort();
        }
        every = !ran;
    }
}

void emulation_fresh(void *memory, size_t bytes) {
    for (void *known : fresh_memory)
        if (known == memory)
            return;
    memset(memory, 0xff, bytes);
    fresh_memory.push_back(memory);
    fresh_bytes += bytes;
    if (fresh_bytes > fresh_most) {
        fprintf(stderr, "emulation: %zu bytes of static shared memory, %zu are left\n",
                fresh_bytes, fresh_most);
        refused = true;
        yield(); /* for good */
    }
}

void *emulation_shared(void) {
    return dynamic_memory.data();
}

static cudaError_t last_error;

bool emulation_lost(void) {
    if (emulation.fail_after == 0) {
        last_error = cudaErrorLaunchFailure;
        return true;
    }
    if (emulation.fail_after != ~0ul)
        emulation.fail_after--;
    return false;
}

cudaError_t emulation_status(void) {
    return last_error == cudaErrorLaunchFailure ? last_error : cudaSuccess;
}

void emulation_fail(cudaError_t status) {
    if (last_error != cudaErrorLaunchFailure)
        last_error = status;
}

void emulation_run(dim3 blocks, dim3 threads, size_t shared, size_t static_most,
                   void (*call)(const void *), const void *kernel) {
    unsigned count = threads.x * threads.y * threads.z;
    if (emulation_lost())
        return;
    fresh_most = static_most;
    refused = false;
    kernel_call = call;
    kernel_self = kernel;
    emulation_at.threads = threads;
    emulation_at.blocks = blocks;
    dynamic_memory = std::vector<unsigned char>();
    dynamic_memory.resize(shared, 0xff); /* exactly: beyond it AddressSanitizer looks */
    size_t block = 0, all = (size_t)blocks.x * blocks.y * blocks.z;
    for (unsigned z = 0; z < blocks.z; z++)
        for (unsigned y = 0; y < blocks.y; y++)
            for (unsigned x = 0; x < blocks.x && !refused; x++, block++) {
                emulation_at.block = {x, y, z};
                if (emulation_looks_at(block, all))
                    run_block(count);
            }
    if (refused)
        emulation_fail(cudaErrorInvalidValue);
}

cudaError_t cudaGetLastError(void) {
    cudaError_t status = last_error;
    if (status != cudaErrorLaunchFailure) /* a lost device stays lost */
        last_error = cudaSuccess;
    return status;
}

void emulation_restore(void) {
    last_error = cudaSuccess;
}
