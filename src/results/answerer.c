#include "results/answerer.h"

#include "results/catalog.h"

int answerer_begin(struct evaluator *evaluator, int64_t answerer,
                   const double *preference, const struct work *work,
                   struct error *error) {
    if (answerer == CATALOG_CLOSED_FORM)
        return evaluator_begin_method(
            evaluator, store_role_name(STORE_ROLE_CLOSED_FORM),
            CATALOG_CLOSED_PARAMETERS, preference, work, error);
    return evaluator_begin_preference(evaluator, preference, error);
}

struct store_solution answerer_solution(int64_t answerer, const char *method,
                                        double *preference) {
    bool closed = answerer == CATALOG_CLOSED_FORM;
    if (closed)
        method = store_role_name(STORE_ROLE_CLOSED_FORM);
    return (struct store_solution){
        .kind = closed ? STORE_KIND_MERGE : STORE_KIND_PWEMOE,
        .method = (char *)(uintptr_t)method,
        .parameters = closed ? CATALOG_CLOSED_PARAMETERS : "{}",
        .preference = preference,
        .routers = closed ? 0 : answerer,
        .label = ""};
}
