/* A block's threads as fibers. A fiber runs until it waits at a barrier or returns;
 * the scheduler goes round until all have returned. A round in which none can go
 * on means threads waiting for others that never come: that ends the test. */
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
struct emulation_settings emulation = {
    1,     CUDART_VERSION, 9,     (size_t)1 << 40, (size_t)8 << 30,
    false, ~0ul,           false, false,           0};

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
static struct barrier block_barrier, warp_barriers[MOST_THREADS / WARP];
static uint32_t exchanged[MOST_THREADS / WARP][2][WARP];
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
    }
}

void __syncthreads(void) {
    barrier_wait(&block_barrier);
}

void __syncwarp(void) {
    barrier_wait(&warp_barriers[current->number / WARP]);
}

uint32_t emulation_shuffle(uint32_t value, int lanes) {
    unsigned warp = current->number / WARP, lane = current->number % WARP;
    struct barrier *barrier = &warp_barriers[warp];
    /* Two sets of values in turn: no lane can be two shuffles ahead of another. */
    uint32_t *values = exchanged[warp][barrier->generation % 2];
    values[lane] = value;
    barrier_wait(barrier);
    return values[lane ^ (unsigned)lanes];
}

/* --- running a kernel ------------------------------------------------------------ */
static void fiber_main(void) {
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(NULL, &scheduler_stack, &scheduler_stack_size);
#endif
    kernel_call(kernel_self);
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
    for (unsigned left = threads; left > 0;) {
        bool ran = false;
        for (unsigned i = 0; i < threads; i++) {
            struct fiber *fiber = &fibers[emulation.reversed ? threads - 1 - i : i];
            bool waits = fiber->waits_at && fiber->waits_at->generation == fiber->until;
            if (fiber->done || waits)
                continue;
            fiber_resume(fiber);
            left -= fiber->done;
            ran = true;
        }
        if (!ran) {
            fputs("emulation: threads wait at a barrier that the others never reach\n",
                  stderr);
            abort();
        }
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

void emulation_run(dim3 blocks, dim3 threads, size_t shared, void (*call)(const void *),
                   const void *kernel) {
    unsigned count = threads.x * threads.y * threads.z;
    if (count == 0 || count > MOST_THREADS || blocks.x == 0 || blocks.y == 0 ||
        blocks.y > 65535 || blocks.z != 1) {
        last_error = cudaErrorInvalidValue;
        return;
    }
    if (emulation_lost())
        return;
    kernel_call = call;
    kernel_self = kernel;
    emulation_at.threads = threads;
    emulation_at.blocks = blocks;
    dynamic_memory = std::vector<unsigned char>();
    dynamic_memory.resize(shared, 0xff); /* exactly: beyond it AddressSanitizer looks */
    for (unsigned y = 0; y < blocks.y; y++)
        for (unsigned x = 0; x < blocks.x; x++) {
            emulation_at.block = {x, y, 0};
            run_block(count);
        }
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
