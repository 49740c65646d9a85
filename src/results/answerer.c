#include "results/answerer.h"

#include "results/catalog.h"

size_t answerer_run(const struct store_run *runs, const int64_t *saved, size_t count) {
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < count; i++)
        if (saved[i] &&
            (best == SIZE_MAX || runs[i].complete > runs[best].complete ||
             (runs[i].complete == runs[best].complete && runs[i].id > runs[best].id)))
            best = i;
    return best;
}

int64_t answerer_default(const struct catalog *catalog) {
    size_t run = answerer_run(catalog->runs, catalog->run_routers, catalog->run_count);
    if (run != SIZE_MAX)
        return catalog->run_routers[run];
    return catalog->tasks < 2    ? 0
           : catalog->fits_heads ? CATALOG_CLOSED_FITTED
                                 : CATALOG_CLOSED_FORM;
}

int answerer_begin(struct evaluator *evaluator, int64_t answerer,
                   const double *preference, const struct work *work,
                   struct error *error) {
    if (catalog_is_closed(answerer))
        return evaluator_begin_method(
            evaluator, store_role_name(STORE_ROLE_CLOSED_FORM),
            catalog_parameters(answerer), preference, work, error);
    return evaluator_begin_preference(evaluator, preference, error);
}

struct store_solution answerer_solution(int64_t answerer, const char *method,
                                        double *preference) {
    bool closed = catalog_is_closed(answerer);
    if (closed)
        method = store_role_name(STORE_ROLE_CLOSED_FORM);
    return (struct store_solution){
        .kind = closed ? STORE_KIND_MERGE : STORE_KIND_PWEMOE,
        .method = (char *)(uintptr_t)method,
        .parameters = (char *)(uintptr_t)catalog_parameters(answerer),
        .preference = preference,
        .routers = closed ? 0 : answerer,
        .label = ""};
}
