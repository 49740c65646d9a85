#include "backend/cpu.h"
#include "backend/factors.h"
#include "base/blas_room.h"

static int solve(struct backend *backend, const struct solve *s, struct error *error) {
    const struct cpu *cpu = (const struct cpu *)backend;
    if (s->count > 0 && blas_room_alone((unsigned)cpu->threads, error))
        return -1;
    for (size_t i = 0; i < s->count; i++)
        s->failed[i] =
            factors_divide(s->systems + i * s->n * s->n, s->n,
                           s->right + i * s->n * s->rows, s->rows, s->turned);
    return 0;
}

void cpu_fill_solve(struct backend *table) {
    table->solve = solve;
}
