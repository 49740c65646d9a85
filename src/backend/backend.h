/* What a device must do. The contract of every backend: `cpu` is linked in,
 * others are modules opened at run time (backend/open.c).
 *
 * Elements. Weights and activations are of the backend's compute type, `real`:
 * f32, or bf16 under PRECISION_BF16. The type is never complete, so that host
 * code cannot read device memory by accident; backend_at() does pointer
 * arithmetic. Statistics, losses, logits, gradients of parameters and routing
 * weights are f32 everywhere.
 *
 * Order and failure. Operations run in the order of the calls and may return
 * before they are done. The first failure (a lost device, no memory for
 * scratch) is kept, everything after it is skipped, and the next synchronise or
 * download reports it; after that the backend is good only for destroy.
 * A backend is used by one thread at a time.
 *
 * Matrices are row major. Shapes are given as [rows, columns]. Unless it says
 * "added", an output is overwritten. Inputs and outputs do not overlap unless it
 * says so. NaN in gives NaN out. */
#ifndef PWEMOE_BACKEND_BACKEND_H
#define PWEMOE_BACKEND_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/rounding.h"
#include "base/error.h"

enum { BACKEND_API_VERSION = 16 };

typedef struct real real;

/* Operations that were kept, to be run again in one call. */
struct recording;
/* A transfer beside what runs. They count up; 0 is none, and done. */
typedef uint64_t backend_ticket;

/* Those from BACKEND_MARKS_KEPT on are kept for merges (moe/unloader.c). */
enum { BACKEND_MARKS_KEPT = 8190, BACKEND_MARKS = 8192 };

/* AUTO and FP8 are only requests, never a backend's precision. AUTO: bf16 on a GPU, f32
 * on the CPU. FP8: bf16, with products in fp8 where they may be (struct matmul).
 */
enum precision { PRECISION_AUTO, PRECISION_F32, PRECISION_BF16, PRECISION_FP8 };

enum activation {
    ACTIVATION_NONE,
    ACTIVATION_GELU,       /* x Phi(x), by erf: "gelu" */
    ACTIVATION_GELU_TANH,  /* "gelu_new", "gelu_pytorch_tanh" */
    ACTIVATION_QUICK_GELU, /* x sigmoid(1.702 x): "quick_gelu" */
    ACTIVATION_RELU
};

/* `batch` products like this one (0: one), whose matrices lie *_apart elements behind
 * the last one's; more than one have neither bias nor activation.
 *
 * C = op(A) op(B), with op(A) [m, k], op(B) [k, n], C [m, n]; then C is added to
 * if accumulate, or what `added` has (NULL: C; else of C's type, shape and stride), and
 * bias [n] is added to each row. ld* are row strides in
 * elements of the matrix as stored. Where activation is not NONE, c receives
 * activation(x) and before (same shape and stride as c, may be NULL) receives x;
 * accumulate and c_is_f32 are then false.
 *
 * Where sums is not NULL it receives the sums over the k rows of a, f32 [m], or with
 * sums_of_b of b, f32 [n], of each product of the batch sums_apart elements behind the
 * last one's; added to if accumulate. a is then transposed (b is not), c is f32, and
 * there is neither bias nor activation: a layer's gradients.
 *
 * Where fp8 is true and the backend was opened so, a and b are both rounded to e4m3
 * (nearest, ties to even) after a division by a scale of their own, s = their greatest
 * magnitude (at least 1e-30) over 448, and the sums in f32 are multiplied by both
 * scales; a number that is not finite gives NaN. c is then real, a is not transposed,
 * and there are neither sums nor a batch. Where the device cannot (n or k is no
 * multiple of 16) it is done as without, and counted: wide_products. */
struct matmul {
    size_t m, n, k;
    const real *a;
    size_t lda;
    bool transpose_a; /* A is stored [k, m] */
    const real *b;
    size_t ldb;
    bool transpose_b; /* B is stored [n, k], as torch.nn.Linear keeps weights */
    const real *bias;
    void *c;
    size_t ldc;
    bool c_is_f32; /* c is float * rather than real * */
    bool accumulate;
    const void *added;
    enum activation activation;
    real *before;
    size_t batch, a_apart, b_apart, c_apart;
    float *sums;
    bool sums_of_b;
    size_t sums_apart;
    bool fp8;
};

/* Multi-head scaled dot-product attention over `batch` sequences of `tokens`
 * rows. qkv is [batch * tokens, 3 * heads * head_width]: queries, keys and
 * values of all heads side by side. Scores are scaled by head_width^-0.5. */
struct attention_shape {
    size_t batch, tokens, heads, head_width;
    bool causal;
};

/* A run of an arena that one row of routing weights applies to. */
struct merge_segment {
    uint64_t begin; /* first element, a multiple of 64 */
    uint64_t count; /* elements */
    uint32_t row;   /* of the routing weights */
    uint32_t unused;
};

/* Routers (moe/routers.h), for at most ROUTE_TASKS_MAX tasks T: with two layers the
 * routing weights of module m at preference r [T] are W2_m relu(W1_m r + b1_m) + b2_m,
 * with one W_m r + b_m. parameters f32: W1 [modules, 2T, T], b1 [modules, 2T],
 * W2 [modules, T, 2T], b2 [modules, T]; of one layer W [modules, T, T], b [modules, T].
 */
enum { ROUTE_TASKS_MAX = 64 };
struct route {
    unsigned layers; /* 1 or 2 */
    size_t modules, tasks;
    float lambda; /* the weights of what no module has */
    const float *parameters;
};

/* Symmetric positive definite systems S of one size, each with its right side R. */
struct solve {
    size_t n, rows, count;
    float *systems;  /* [count, n, n], of which the lower triangles are read; then they
                        hold Cholesky's factors */
    float *right;    /* [count, rows, n]: R becomes R S^-1 */
    bool turned;     /* it is [count, n, rows]: R becomes S^-1 R */
    int32_t *failed; /* [count] 0, or the place from 1 of the first pivot that is not
                        positive: that right side is then of no use */
};

struct adam {
    float learning_rate, beta1, beta2, epsilon;
    float weight_decay; /* decoupled (AdamW); 0 for Adam */
    unsigned step;      /* 1 for the first */
};

struct backend {
    unsigned api_version;
    char name[96]; /* "cpu (2 threads, AVX2)", "cuda:0 NVIDIA H200" */
    enum precision precision;
    size_t real_size; /* bytes of a real */
    bool fp8;         /* opened as PRECISION_FP8 */
    unsigned threads; /* of the host, for work done there beside the device's */
    /* A call costs as much as a good deal of work, as on a device: many small
     * operations are worth gathering into a large one. */
    bool gathers;
    /* A merge in parts that goes beside what reads the first of them is worth the
     * calls; only where there is `aside`. */
    bool merges_ahead;
    /* Bytes that the last allocate or pin to be refused asked for; 0: none was. A
     * caller that failed can tell by it that memory was the reason. */
    size_t refused;
    /* Products that the library cannot do and a plain loop, a hundred times slower, did
     * instead; and the first of them: "[3, 5] x [5, 7]". */
    size_t plain_products;
    char plain_product[64];
    /* Products that should be in fp8 and were not. */
    size_t wide_products;
    /* Products whose sums the library does not give, so that they took a pass more. */
    size_t separate_sums;
    /* The folder that allocate_kept keeps a file in; NULL: it is as allocate. */
    const char *spill;
    /* How it runs, one line for people; "": nothing. */
    char remark[160];

    void (*destroy)(struct backend *);

    /* --- memory ------------------------------------------------------- */
    /* Zeroed, aligned to 256 bytes. */
    int (*allocate)(struct backend *, size_t bytes, void **memory, struct error *);
    /* Optional (NULL: allocate does): for what is written once and then read from end
     * to end. With `spill` it is a file that has no name any more, mapped: its pages
     * come and go as there is memory, and memory_use does not count them. */
    int (*allocate_kept)(struct backend *, size_t bytes, void **memory, struct error *);
    void (*release)(struct backend *, void *memory); /* NULL is fine */
    /* Device bytes held now through allocate, and the most since memory_restart. */
    void (*memory_use)(struct backend *, size_t *now, size_t *peak);
    void (*memory_restart)(struct backend *);
    /* Optional (NULL where the memory is the host's): bytes that the device has free.
     */
    size_t (*memory_left)(struct backend *);
    /* The caller may reuse the host's bytes at once, whatever is queued, unless they
     * are pinned: those are read when the upload's turn comes. */
    void (*upload)(struct backend *, void *device, const void *host, size_t bytes);
    int (*download)(struct backend *, void *host, const void *device, size_t bytes,
                    struct error *);
    /* The same with conversion between f32 on the host and real. */
    void (*upload_real)(struct backend *, real *device, const float *host,
                        size_t count);
    int (*download_real)(struct backend *, float *host, const real *device,
                         size_t count, struct error *);
    void (*zero)(struct backend *, void *device, size_t bytes);
    void (*copy)(struct backend *, void *to, const void *from, size_t bytes);
    int (*synchronise)(struct backend *, struct error *);
    /* Optional (NULL): device memory of reals as f32 that the host reads in place,
     * after synchronise. */
    const float *(*host_view)(struct backend *, const real *);

    /* --- recordings (optional: all four, or NULL) ----------------------- */
    /* What is called between record_begin and record_end is kept rather than run;
     * replay queues it all, in one call, over the same memory: for sequences of many
     * short operations. Only operations on device memory can be kept; an upload, a
     * download, allocate, release or synchronise in between is a failure. Nor can
     * working space grow there: run the same operations once before recording them.
     * The buffers that they name must live until recording_free.
     *
     * Both return -1 where the backend has failed (no recording is then under way) and
     * where it cannot record, for want of memory or because the device refuses to
     * record one of them (`remark` then says which): the backend is then as good as
     * before, and the operations have not been run. */
    int (*record_begin)(struct backend *, struct error *);
    int (*record_end)(struct backend *, struct recording **, struct error *);
    void (*replay)(struct backend *, struct recording *);
    void (*recording_free)(struct backend *, struct recording *); /* NULL is fine */

    /* --- operations beside others (optional: all three, or NULL) --------- */
    /* What is called from aside to back comes after what was called before, and beside
     * what is called afterwards; all that is called so comes in its order. back returns
     * the number of the part, from 1 on; what is called after join(number) comes after
     * that part and those before it. Only operations on device memory may be called in
     * between. What ends a recording, waits for the device or downloads comes after all
     * parts. A device may do without: it then runs all in the order of the calls. */
    void (*aside)(struct backend *);
    unsigned (*back)(struct backend *);
    void (*join)(struct backend *, unsigned number); /* 0 is fine */

    /* --- transfers beside what runs (optional: all seven, or NULL) -------- */
    /* Host memory that the device reads and writes by itself: zeroed, aligned to 256.
     */
    int (*pin)(struct backend *, size_t bytes, void **pinned, struct error *);
    void (*unpin)(struct backend *,
                  void *pinned); /* NULL is fine; nothing may use it */
    /* A download that comes after all that is queued now and runs beside what is queued
     * later, which must leave the device's bytes alone until it is done. The host reads
     * them after wait, or after done said so. */
    backend_ticket (*download_late)(struct backend *, void *pinned, const void *device,
                                    size_t bytes);
    /* An upload that begins at once, beside what is queued, which must not use the
     * device's bytes. The host leaves its own alone until it is done; what is queued
     * after `follow` comes after it. */
    backend_ticket (*upload_early)(struct backend *, void *device, const void *pinned,
                                   size_t bytes);
    void (*follow)(struct backend *, backend_ticket);
    /* -1 where the backend has failed. */
    int (*done)(struct backend *, backend_ticket, bool *done, struct error *);
    int (*wait)(struct backend *, backend_ticket, struct error *);

    /* --- times on the device, for measuring (optional: both, or NULL) ----- */
    /* Mark number `mark`, below BACKEND_MARKS, is when all that is queued now is done.
     * Within a recording it is kept with it, and set by each replay; from aside to back
     * it is of what is called so. */
    void (*mark)(struct backend *, unsigned mark);
    /* Seconds from one mark to a later one, after synchronise; NaN where one of them
     * was never set. */
    double (*between)(struct backend *, unsigned from, unsigned to);

    /* --- choices that took time to make (optional: both, or NULL) --------- */
    /* They are kept between runs in a file of this name, which says of which card,
     * driver and library they are. */
    char learnt_name[96];
    /* Takes those of an earlier run, before the first operation. False where they are
     * not of these, or not whole: nothing may have been taken. */
    bool (*learn)(struct backend *, const void *bytes, size_t size);
    /* All of them for such a file, in fresh memory; NULL where none is new. */
    void *(*learnt)(struct backend *, size_t *size);

    /* --- products and norms ------------------------------------------- */
    void (*matmul)(struct backend *, const struct matmul *);

    /* y = (x - mean) rstd gamma + beta per row of [rows, width]; mean and rstd
     * [rows] are kept for the backward pass. */
    void (*layer_norm)(struct backend *, real *y, float *mean, float *rstd,
                       const real *x, const real *gamma, const real *beta, size_t rows,
                       size_t width, float epsilon);
    /* dx [rows, width] is added to. */
    void (*layer_norm_backward)(struct backend *, real *dx, const real *dy,
                                const real *x, const float *mean, const float *rstd,
                                const real *gamma, size_t rows, size_t width);
    /* dgamma, dbeta [width] of each of `groups` runs of rows, one after the other, the
     * gradients of a group `apart` elements behind the last one's; added to if
     * accumulate. */
    void (*layer_norm_gradient)(struct backend *, float *dgamma, float *dbeta,
                                size_t apart, const real *dy, const real *x,
                                const float *mean, const float *rstd, size_t groups,
                                size_t rows, size_t width, bool accumulate);
    /* sums[width] = sum over rows of x, whose rows lie `stride` elements apart; of each
     * of `groups` runs of rows, as above. */
    void (*column_sums)(struct backend *, float *sums, size_t apart, const real *x,
                        size_t groups, size_t rows, size_t width, size_t stride,
                        bool accumulate);
    /* y = x / |x|_2 per row; norms [rows] are kept. A zero row stays zero. */
    void (*l2_normalise)(struct backend *, real *y, float *norms, const real *x,
                         size_t rows, size_t width);
    void (*l2_normalise_backward)(struct backend *, real *dx, const real *dy,
                                  const real *y, const float *norms, size_t rows,
                                  size_t width);

    /* --- elementwise --------------------------------------------------- */
    void (*add)(struct backend *, real *to, const real *x, size_t count);
    void (*activation)(struct backend *, real *y, const real *x, size_t count,
                       enum activation);
    /* dx = dy activation'(x); dx may be dy. */
    void (*activation_backward)(struct backend *, real *dx, const real *dy,
                                const real *x, size_t count, enum activation);

    /* --- attention ----------------------------------------------------- */
    /* out [batch * tokens, heads * head_width]; log_sums [batch, heads, tokens]
     * (log of the sum of exponentiated scores) is kept for the backward pass. */
    void (*attention)(struct backend *, real *out, float *log_sums, const real *qkv,
                      const struct attention_shape *);
    void (*attention_backward)(struct backend *, real *dqkv, const real *dout,
                               const real *out, const float *log_sums, const real *qkv,
                               const struct attention_shape *);

    /* --- embedding ------------------------------------------------------ */
    /* Patches as rows: columns[images * patches, channels * patch * patch] from
     * pixels u8 [images, channels, size, size], each value scale[c] * v + shift[c]
     * (host arrays, at most 4 channels); patches in row-major order, a row
     * ordered channel, y, x as torch.nn.Conv2d's weight is. */
    void (*patches)(struct backend *, real *columns, const uint8_t *pixels,
                    size_t images, size_t channels, size_t size, size_t patch,
                    const float *scale, const float *shift);
    /* tokens[images, 1 + patches, width]: class vector, then embedded patches,
     * with position [1 + patches, width] added. */
    void (*assemble_tokens)(struct backend *, real *tokens, const real *embedded,
                            const real *class_vector, const real *position,
                            size_t images, size_t patches, size_t width);
    /* dembedded[images * patches, width]: dtokens without its class rows. */
    void (*assemble_tokens_backward)(struct backend *, real *dembedded,
                                     const real *dtokens, size_t images, size_t patches,
                                     size_t width);
    /* out[sequences, tokens, width]: for each of ids i32 [sequences, tokens] on the
     * device its row of table [.., width], with position [tokens, width] added. */
    void (*embed_tokens)(struct backend *, real *out, const real *table,
                         const real *position, const int32_t *ids, size_t sequences,
                         size_t tokens, size_t width);
    /* Gradient of the table from dx [groups, rows, width] of ids [groups, rows]: to f32
     * [.., width] receives, at each id of a group, scale * the sum of the group's rows
     * with that id, or scale * that sum squared (of each group alone). Added; other
     * rows are left as they are. The same to the bit in every run. */
    void (*embedding_gradient)(struct backend *, float *to, const real *dx,
                               const int32_t *ids, size_t groups, size_t rows,
                               size_t width, bool squared, float scale);
    /* out[i] = x[index[i]], rows of width; index i32 on the device. */
    void (*gather_rows)(struct backend *, real *out, const real *x,
                        const int32_t *index, size_t count, size_t width);
    /* to[index[i]] = x[i]; other rows are left as they are. */
    void (*scatter_rows)(struct backend *, real *to, const real *x,
                         const int32_t *index, size_t count, size_t width);

    /* --- losses --------------------------------------------------------- */
    /* loss[i] = -log softmax(logits[i])[labels[i]]; dlogits (may be NULL) = scale[i] *
     * (softmax(logits[i]) - onehot). labels i32, all on the device; a label that is not
     * a class gives NaN for its row. scale is not read where dlogits is NULL. */
    void (*cross_entropy)(struct backend *, float *loss, real *dlogits,
                          const float *logits, const int32_t *labels,
                          const float *scale, size_t rows, size_t classes);
    /* Distillation: loss[i] = KL(softmax(t) || softmax(logits[i])) in nats, where t is
     * row index[i] of wanted f32 [count, classes], logits as well; dlogits (may be
     * NULL) = scale[i] * (softmax(logits[i]) - softmax(t)). index i32, all on the
     * device; an index that is no row gives NaN for its row of both, as do logits that
     * are not finite. scale is not read where dlogits is NULL. */
    void (*divergence)(struct backend *, float *loss, real *dlogits,
                       const float *logits, const float *wanted, size_t count,
                       const int32_t *index, const float *scale, size_t rows,
                       size_t classes);
    /* loss[i] = the entropy of softmax(logits[i]) in nats; dlogits (may be NULL) =
     * scale[i] * its gradient: with p the softmax, -p (log p + loss[i]). All on the
     * device; logits that are not finite give NaN for their row of both. scale is not
     * read where dlogits is NULL. */
    void (*entropy)(struct backend *, float *loss, real *dlogits, const float *logits,
                    const float *scale, size_t rows, size_t classes);
    /* The lowest index of the greatest logit; a row with a NaN gives -1. */
    void (*argmax)(struct backend *, int32_t *out, const float *logits, size_t rows,
                   size_t classes);

    /* --- routing and merging --------------------------------------------- */
    /* weights f32 [modules + 1, tasks] at preference f32 [tasks]; the last row is
     * lambda. These and the parameters are on the device. */
    void (*route)(struct backend *, float *weights, const struct route *,
                  const float *preference);
    /* out = base + sum_t weights[row][t] * vectors[t], for each segment with its
     * row, in one pass over one arena. vectors: `tasks` arenas, `stride` elements
     * apart. segments and weights f32 [rows, tasks] on the device. Elements
     * outside every segment are left as they are. */
    void (*merge)(struct backend *, real *out, const real *base, const real *vectors,
                  size_t stride, size_t tasks, const struct merge_segment *segments,
                  size_t segment_count, const float *weights);
    /* Each of x rounded to the nearest value of a file's dtype, ties to even; beyond
     * its range it becomes infinite. */
    void (*round_values)(struct backend *, real *x, size_t count, enum rounding);
    /* out[g][t] += <gradient[g], vectors[t]> for `groups` gradients f32 of `count`
     * elements, gradient_stride apart, and all tasks, in one pass. out f32
     * [groups, tasks]. This is d loss / d weights of the merge, for a parameter
     * whose gradient is at hand. */
    void (*route_gradient)(struct backend *, float *out, const float *gradient,
                           size_t gradient_stride, size_t groups, const real *vectors,
                           size_t stride, size_t tasks, size_t count);

    /* --- full-model training --------------------------------------------- */
    /* One Adam(W) step as torch.optim does it, on f32 state. parameters are
     * master weights; compute (may be NULL) receives them as real. */
    void (*adam)(struct backend *, float *parameters, real *compute,
                 const float *gradient, float *first, float *second, size_t count,
                 const struct adam *);
    /* to += scale * x, f32. */
    void (*add_scaled)(struct backend *, float *to, const float *x, float scale,
                       size_t count);
    /* out [count] = the sum over v of weights[v] x[v * apart + i], f32, of at most
     * ROUTE_TASKS_MAX `vectors`; the weights are on the host. */
    void (*weighted_sum)(struct backend *, float *out, const float *x, size_t apart,
                         const float *weights, size_t vectors, size_t count);
    /* to = x, rounded. */
    void (*narrow)(struct backend *, real *to, const float *x, size_t count);
    /* to += scale * x * x, f32: the diagonal Fisher information. */
    void (*add_squares)(struct backend *, float *to, const float *x, float scale,
                        size_t count);
    /* to [m, n] += scale * sum over g of (A_g^T B_g)^2, element by element, for
     * `groups` pairs of matrices A_g [rows, m] and B_g [rows, n], each pair's rows
     * after the last one's: add_squares of the gradients of a linear layer's weights
     * by each of many examples, which are never written. to is f32. */
    void (*add_squared_products)(struct backend *, float *to, const real *a,
                                 const real *b, float scale, size_t groups, size_t rows,
                                 size_t m, size_t n);
    /* Solves them, all on the device. -1 where the device has not the libraries (it is
     * then as good as before, and nothing was done), or has failed. */
    int (*solve)(struct backend *, const struct solve *, struct error *);
    /* out f32 [n, n] = inner products of n f32 vectors, stride apart. */
    void (*gram)(struct backend *, float *out, const float *vectors, size_t stride,
                 size_t n, size_t count);
};

/* What was needed at most since backend_peak_restart (or since it was opened), in
 * bytes: on a device with memory of its own what was held there at a time; on the CPU
 * the process's physical memory (base/usage.h). */
uint64_t backend_peak(struct backend *);
void backend_peak_restart(struct backend *);

/* How it ran, one line for people, after it has run: that nothing was recorded, or that
 * products were done by a plain loop. "" where there is nothing. */
void backend_remark(const struct backend *, char line[256]);

/* Whether the device has its own memory and has failed: lost, or out of memory during
 * its work. The program can continue without it. */
bool backend_lost(struct backend *);
/* After a failure: whether such a device may be the cause, lost or out of memory. */
bool backend_blamed(struct backend *);

static inline real *backend_at(const struct backend *b, const real *base,
                               size_t offset) {
    return (real *)((const char *)base + offset * b->real_size);
}

/* Which card "auto" and "cuda" without a number mean from now on, counted around where
 * there are fewer: 0 at first. For processes that share a machine. */
void backend_prefer_card(unsigned card);

/* Opens a device by name: "auto" (a GPU where there is one, else the CPU), "cpu",
 * "cuda" or "cuda:N". threads 0 means one for each core. Under "auto" a GPU that cannot
 * be used is not an error: note (may be NULL) then receives one line saying which and
 * why, else it is the empty string; a machine without any GPU needs no note. */
int backend_open(const char *device, enum precision precision, unsigned threads,
                 struct backend **backend, char note[256], struct error *error);
void backend_close(struct backend *backend);
/* Task vectors are kept in a file in the folder from now on (allocate_kept), which is
 * the caller's and lives as long; NULL is fine. An error where the device cannot. */
int backend_spill(struct backend *backend, const char *folder, struct error *error);
/* allocate_kept, or allocate. */
int backend_allocate_kept(struct backend *backend, size_t bytes, void **memory,
                          struct error *error);

/* One line on each backend: name, and whether it is built and can be used. For
 * `pwemoe info`. Calls row once a backend. -1 where memory is out. */
int backend_list(void (*row)(void *self, const char *name, const char *state),
                 void *self, struct error *error);

#endif
