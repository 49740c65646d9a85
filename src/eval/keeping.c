#include "eval/keeping.h"

#include <string.h>

int keeping_use_routers(struct evaluator *evaluator, struct store *store, int64_t id,
                        int64_t *run, struct error *error) {
    struct store_routers routers;
    if (store_routers_get(store, id, &routers, error))
        return -1;
    int result = evaluator_use_routers(evaluator, routers.blob, routers.size, error);
    if (run)
        *run = routers.run;
    store_routers_clear(&routers);
    return result;
}

int keeping_figures(struct evaluator *evaluator, struct store *store, bool hash,
                    struct store_solution *solution, struct error *error) {
    struct store_evaluation evaluations[STORE_TASKS_MAX];
    char hex[SHA256_HEX] = "";
    /* Each task by its own expert is no one model. */
    if (hash && store_method_role(solution->method) != STORE_ROLE_EXPERTS &&
        evaluator_model_sha256(evaluator, hex, NULL, error))
        return -1;
    memcpy(solution->model_sha256, hex, sizeof hex);
    evaluator_results(evaluator, evaluations);
    evaluator_cost(evaluator, &solution->seconds, &solution->peak_bytes);
    if (store_begin(store, error))
        return -1;
    if (store_solution_put(store, solution, error) ||
        store_evaluations_put(store, solution->id, hex, evaluations,
                              evaluator_tasks(evaluator), error)) {
        store_rollback(store);
        return -1;
    }
    return store_commit(store, error);
}

int keeping_hash(struct evaluator *evaluator, struct store *store, int64_t solution,
                 const struct work *work, struct error *error) {
    char hex[SHA256_HEX];
    if (evaluator_model_sha256(evaluator, hex, work, error))
        return -1;
    if (store_evaluations_put(store, solution, hex, NULL, 0, error))
        return error_prefix(error, "the model's hash is not stored");
    return 0;
}
