/* What every backend must give: the same cases for each, against plain f64
 * references. A case makes tensors, calls one operation, and compares.
 *
 * Tolerances. `store` is the unit roundoff of real (f32: 2^-24, bf16: 2^-8): the
 * error of writing one result. SINGLE = 2^-24 is that of one f32 operation: sums
 * of n terms are held to n SINGLE times the sum of the terms' sizes, the bound for
 * any order of summation (Higham, "Accuracy and Stability of Numerical
 * Algorithms", section 4.2). FUNCTION is granted to exp, erf, tanh, log, rsqrt and
 * division. bf16 backends compute in f32 from bf16 inputs, and the references get
 * the inputs as rounded, so inputs cost nothing; but tensor cores cut the sums of
 * products off where others round (Fasi, Higham, Mikaitis, Pranesh, "Numerical behavior
 * of NVIDIA tensor cores", 2021), which doubles the error of each step: `product` is
 * the error of one step of such a sum, SINGLE in f32 and 2 SINGLE in bf16. */
#ifndef TESTS_BACKEND_CONFORMANCE_H
#define TESTS_BACKEND_CONFORMANCE_H

#include <stdio.h>

#include "backend/backend.h"
#include "base/random.h"

#define SINGLE 0x1p-24
#define FUNCTION 0x1p-21

enum element { ELEMENT_REAL, ELEMENT_F32, ELEMENT_I32 };

/* A device buffer between two guard zones, and what was put into it. */
struct tensor {
    struct tensor *next;
    enum element element;
    size_t count;
    char *memory; /* guard, data, guard */
    union {
        void *data; /* the four are one pointer */
        real *real;
        float *f32;
        int32_t *i32;
    };
    double *host; /* the values as the element type holds them */
};

struct conformance {
    struct backend *backend;
    struct random random;
    double store, product;
    struct tensor *tensors; /* of the case that runs */
    const char *name;       /* of that case */
    FILE *log;              /* failures are told here; NULL: nowhere */
    size_t checks, failures;
};

struct conformance_case {
    const char *name;
    void (*run)(struct conformance *);
};

/* Runs the case of that name, or all for NULL. Returns the number of failures;
 * checks (may be NULL) receives how many comparisons were made. */
size_t conformance_run(struct backend *backend, const char *name, FILE *log,
                       size_t *checks);

/* The planted faults: each replaces one operation of the table by one that is
 * slightly wrong. `victim` is the case that must notice. */
struct conformance_fault {
    const char *name;
    const char *victim;
    void (*plant)(struct backend *);
    bool optional; /* of an operation that a backend need not have */
};
extern const struct conformance_fault conformance_faults[];
extern const size_t conformance_fault_count;
/* Plants the fault, runs its victim, puts the right operation back. False: the
 * suite is blind to it. A fault that has no place in this backend counts as found. */
bool conformance_fault_found(struct backend *backend,
                             const struct conformance_fault *fault);

/* --- for the cases ------------------------------------------------------- */
/* Inputs: normal numbers times size, rounded to the element type. */
struct tensor *tensor_random(struct conformance *c, enum element element, size_t count,
                             double size);
/* Inputs: the values given, rounded. */
struct tensor *tensor_from(struct conformance *c, enum element element, size_t count,
                           const double *values);
/* Outputs: filled with NaN (integers: -7777777). */
struct tensor *tensor_output(struct conformance *c, enum element element, size_t count);
/* An output that is added to: random values to begin with. host keeps them. */
void tensor_set(struct conformance *c, struct tensor *t, size_t index, double value);

/* Memory of the case for references and tolerances; zeroed. */
double *numbers(struct conformance *c, size_t count);

/* Downloads out and compares: |out - wanted| <= tolerance element by element, a
 * NaN exactly where one is wanted, guards untouched. */
void check(struct conformance *c, const char *what, struct tensor *out,
           const double *wanted, const double *tolerance);
/* The same for a tensor that must not have changed. */
void check_unchanged(struct conformance *c, const char *what, struct tensor *t);
void check_true(struct conformance *c, const char *what, bool holds);

/* The activation and its derivative, with the error that f32 may make of them. */
double activation_of(enum activation kind, double x, double *error);
double activation_slope(enum activation kind, double x, double *error);

extern const struct conformance_case conformance_memory_cases[];
extern const struct conformance_case conformance_matmul_cases[];
extern const struct conformance_case conformance_row_cases[];
extern const struct conformance_case conformance_elementwise_cases[];
extern const struct conformance_case conformance_attention_cases[];
extern const struct conformance_case conformance_embedding_cases[];
extern const struct conformance_case conformance_merge_cases[];
extern const struct conformance_case conformance_stream_cases[];
extern const struct conformance_case conformance_fp8_cases[];
extern const struct conformance_case conformance_solve_cases[];

#endif
