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

int keeping_take_known(struct evaluator *evaluator, struct store *store,
                       const char *split, size_t *taken, struct error *error) {
    struct store_evaluation known[STORE_TASKS_MAX];
    char hex[SHA256_HEX];
    *taken = 0;
    if (!evaluator_commanded(evaluator))
        return 0;
    if (evaluator_model_sha256(evaluator, hex, NULL, error) ||
        store_model_figures(store, hex, split, known, error))
        return -1;
    *taken = evaluator_take(evaluator, known);
    return 0;
}

int keeping_measured(struct evaluator *evaluator, bool hash,
                     struct store_solution *solution,
                     struct store_evaluation *evaluations, struct error *error) {
    char hex[SHA256_HEX] = "";
    /* Each task by its own expert is no one model. */
    if (hash && store_method_role(solution->method) != STORE_ROLE_EXPERTS &&
        evaluator_model_sha256(evaluator, hex, NULL, error))
        return -1;
    memcpy(solution->model_sha256, hex, sizeof hex);
    evaluator_results(evaluator, evaluations);
    evaluator_cost(evaluator, &solution->seconds, &solution->peak_bytes);
    return 0;
}

int keeping_put(struct store *store, struct store_solution *solution,
                const struct store_evaluation *evaluations, size_t tasks,
                struct error *error) {
    if (store_begin(store, error))
        return -1;
    if (store_solution_put(store, solution, error) ||
        store_evaluations_put(store, solution->id, solution->model_sha256, evaluations,
                              tasks, error)) {
        store_rollback(store);
        return -1;
    }
    return store_commit(store, error);
}

int keeping_figures(struct evaluator *evaluator, struct store *store, bool hash,
                    struct store_solution *solution, struct error *error) {
    struct store_evaluation evaluations[STORE_TASKS_MAX];
    if (keeping_measured(evaluator, hash, solution, evaluations, error))
        return -1;
    return keeping_put(store, solution, evaluations, evaluator_tasks(evaluator), error);
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
