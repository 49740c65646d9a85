/* What the store's tests share: a folder of their own, a recipe, an open file. */
#ifndef PWEMOE_TESTS_STORE_SUPPORT_H
#define PWEMOE_TESTS_STORE_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "store/store.h"

/* cmocka setup and teardown of a temporary folder; *state is its path. */
int folder_make(void **state);
int folder_remove(void **state);
/* FOLDER/NAME; it lives until folder_remove. */
const char *in_folder(void **state, const char *name);

/* A recipe of up to three tasks, whose strings are constants. */
const struct store_recipe *example_recipe(size_t tasks);
/* A new file of three tasks, open to write. */
struct store *example_store(const char *path);
/* A solution of these. */
int64_t add_solution(struct store *store, enum store_kind kind, const char *method,
                     const char *parameters, const double *preference, int64_t routers);
/* A complete measured evaluation of `examples` with no bits. */
struct store_evaluation example_evaluation(size_t objective, double value);

struct store *open_ok(const char *path, enum store_mode mode);
/* The file cannot be opened, and the message holds `words`. */
void open_fails(const char *path, enum store_mode mode, const char *words);
/* result is -1 and the message is one line with `words` in it. */
void assert_error(int result, const struct error *error, const char *words);
#define assert_done(call)               \
    do {                                \
        if (call)                       \
            fail_msg("%s", error.text); \
    } while (0)

/* Statements run by another connection on the file, to plant what store.h cannot. */
void plant(const char *path, const char *sql);

#endif
