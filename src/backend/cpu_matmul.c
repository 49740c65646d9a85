#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdatomic.h>
#include <string.h>

#include "backend/cpu.h"
#include "base/memory.h"

/* What oneDNN leaves to us: bias and activation, row by row in one pass. */
static void finish(struct cpu *cpu, const struct matmul *p) {
    float *c = p->c, *before = cpu_floats(p->before);
    const float *bias = cpu_const_floats(p->bias);
    if (!bias && !before && p->activation == ACTIVATION_NONE)
        return;
    int threads = cpu_threads_for(cpu, p->m * p->n);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t row = 0; row < p->m; row++)
        cpu->kernels->bias_activation(c + row * p->ldc,
                                      before ? before + row * p->ldc : NULL, bias, p->n,
                                      p->activation);
}

/* Threads worth waking for a product: a small one is done before they are awake. */
static int threads_for(const struct cpu *cpu, size_t m, size_t n, size_t k) {
    double worth = 1 + (double)m * (double)n * (double)k / (1 << 18);
    return worth < cpu->threads ? (int)worth : cpu->threads;
}

/* oneDNN makes the code for a form of product when it meets the first of it, and
 * crashes where there is no memory for that: 18 MiB were seen, and once between 24 and
 * 27 with a thread beside. */
static bool has_room_for_code(const struct matmul *p) {
    static atomic_uint made;
    unsigned form = 1u << (p->transpose_a + 2 * p->transpose_b + 4 * p->accumulate +
                           8 * (p->n == 1));
    if (!(atomic_load(&made) & form) && !memory_has_room(32 << 20))
        return false;
    atomic_fetch_or(&made, form);
    return true;
}

static void multiply(struct cpu *cpu, const struct matmul *p) {
    if (p->m == 0 || p->n == 0)
        return;
    if (p->accumulate && p->added && p->added != p->c)
        for (size_t row = 0; row < p->m; row++)
            memcpy((float *)p->c + row * p->ldc, (const float *)p->added + row * p->ldc,
                   p->n * sizeof(float));
    float *c = p->c;
    if (p->k == 0) {
        if (!p->accumulate)
            for (size_t row = 0; row < p->m; row++)
                memset(c + row * p->ldc, 0, p->n * sizeof *c);
    } else if (!has_room_for_code(p)) {
        cpu_fail(cpu, "out of memory for the code of matrix products");
        return;
    } else {
        /* oneDNN takes the number of threads from the calling thread's setting. */
        int before = omp_get_max_threads();
        omp_set_num_threads(threads_for(cpu, p->m, p->n, p->k));
        dnnl_status_t status = dnnl_sgemm(
            p->transpose_a ? 'T' : 'N', p->transpose_b ? 'T' : 'N', (dnnl_dim_t)p->m,
            (dnnl_dim_t)p->n, (dnnl_dim_t)p->k, 1.0f, cpu_const_floats(p->a),
            (dnnl_dim_t)p->lda, cpu_const_floats(p->b), (dnnl_dim_t)p->ldb,
            p->accumulate ? 1.0f : 0.0f, c, (dnnl_dim_t)p->ldc);
        omp_set_num_threads(before);
        if (status != dnnl_success) {
            cpu_fail(cpu, "oneDNN refused a matrix product [%zu, %zu] x [%zu, %zu] %s",
                     p->m, p->k, p->k, p->n,
                     status == dnnl_out_of_memory ? "(out of memory)" : "");
            return;
        }
    }
    finish(cpu, p);
}

static void matmul(struct backend *backend, const struct matmul *p) {
    struct cpu *cpu = cpu_of(backend);
    struct matmul one = *p;
    for (size_t i = 0; i < (p->batch ? p->batch : 1) && !cpu->failed; i++) {
        multiply(cpu, &one);
        if (p->sums)
            backend->column_sums(backend, p->sums + i * p->sums_apart, 0,
                                 p->sums_of_b ? one.b : one.a, 1, p->k,
                                 p->sums_of_b ? p->n : p->m,
                                 p->sums_of_b ? p->ldb : p->lda, p->accumulate);
        one.a = backend_at(backend, one.a, p->a_apart);
        one.b = backend_at(backend, one.b, p->b_apart);
        one.c = (float *)one.c + p->c_apart;
        one.added = p->added ? (const float *)one.added + p->c_apart : NULL;
    }
}

/* Each thread has rows of `to`, of which it keeps so many in its cache while the
 * groups pass. */
static void add_squared_products(struct backend *backend, float *to, const real *a,
                                 const real *b, float scale, size_t groups, size_t rows,
                                 size_t m, size_t n) {
    enum { KEPT = 32 * 1024, UNIT = 12 }; /* elements; rows of `to` */
    struct cpu *cpu = cpu_of(backend);
    if (cpu->failed || n == 0)
        return;
    int threads = threads_for(cpu, groups * rows, m, n);
    size_t tile = KEPT / n / UNIT * UNIT;
    tile = tile > UNIT ? tile : UNIT;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int part = 0; part < threads; part++) {
        size_t begin, end;
        cpu_part(m, UNIT, part, threads, &begin, &end);
        for (size_t i = begin; i < end; i += tile)
            for (size_t g = 0; g < groups; g++)
                cpu->kernels->add_squared_product(
                    to + i * n, cpu_const_floats(a) + g * rows * m + i, m,
                    cpu_const_floats(b) + g * rows * n, scale, rows,
                    end - i < tile ? end - i : tile, n);
    }
}

void cpu_fill_matmul(struct backend *table) {
    table->add_squared_products = add_squared_products;
    table->matmul = matmul;
}
