#include "command/work/answer.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "command/work/analysis.h"
#include "command/work/method_settings.h"
#include "eval/source_path.h"

/* The parameters that the settings give a method, as JSON, into answer; fitted: heads
 * are, unless the settings say otherwise. */
static int use_settings(const struct merge_method *method, const char *settings,
                        bool fitted, struct answer *answer, struct error *error) {
    json_t *given = settings_parse(settings, NULL, error), *all = NULL;
    const char *name;
    json_t *value;
    bool sound = given;
    if (sound && fitted && !json_object_get(given, "heads") &&
        json_object_set_new(given, "heads", json_string("fitted"))) {
        error_memory(error);
        sound = false;
    }
    json_object_foreach(given, name,
                        value) if (sound && !merge_parameter_find(method, name)) {
        error_set(error,
                  method == &merge_trained
                      ? "%s has no parameter '%s' to set after training, only heads"
                      : "%s has no parameter '%s'; `pwemoe merge --help` lists them",
                  method->name, name);
        sound = false;
    }
    if (sound)
        all = settings_of(method, given, NULL, error);
    answer->parameters =
        all ? json_text_dump(all, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
    json_decref(given);
    json_decref(all);
    if (all && !answer->parameters)
        error_memory(error);
    return answer->parameters ? 0 : -1;
}

/* The method of the table of this name that answers preferences, or NULL. */
static const struct merge_method *answering(const char *name) {
    const struct merge_method *method = merge_method_find(name, NULL);
    return method && method->takes_preference ? method : NULL;
}

/* Whether any run has left what answers. */
static int has_runs(struct measure *measure, bool *any, struct error *error) {
    struct store_run *runs;
    size_t count;
    *any = false;
    if (store_runs(measure->store, &runs, &count, error))
        return -1;
    int result = 0;
    for (size_t i = 0; result == 0 && i < count && !*any; i++) {
        struct store_routers newest;
        result = store_routers_newest(measure->store, runs[i].id, &newest, error);
        *any = newest.id != 0;
    }
    store_runs_free(runs, count);
    return result;
}

/* Whether there are any to fit heads on. */
static int has_examples(const struct measure *measure, bool *any, struct error *error) {
    char *folder = store_folder(measure->path);
    if (!folder)
        return error_memory(error);
    *any = sources_have_examples(measure->recipe, folder);
    free(folder);
    return 0;
}

int answer_find(struct measure *measure, const struct answer_options *options,
                struct answer *answer, bool *usage, struct error *error) {
    const char *name = options->method;
    const struct merge_method *method = name ? answering(name) : NULL;
    bool fitted = false;
    memset(answer, 0, sizeof *answer);
    *usage = false;
    if (!name && !options->run && !options->upscale) {
        bool any;
        if (has_runs(measure, &any, error))
            return -1;
        if (!any) {
            method = answering(store_role_name(STORE_ROLE_CLOSED_FORM));
            if (has_examples(measure, &fitted, error))
                return -1;
        }
    }
    if (method && (options->run || options->upscale)) {
        *usage = true;
        return error_set(
            error, "%s needs no training: --run and --upscale cannot be used with it",
            method->name);
    }
    answer->method = method;
    if (method) {
        *usage = use_settings(method, options->settings, fitted, answer, error) != 0;
        return *usage ? -1 : 0;
    }
    if (name && merge_method_find(name, NULL)) {
        *usage = true;
        return error_set(error, "%s takes no preference; `pwemoe merge` measures it",
                         name);
    }
    if (use_settings(&merge_trained, options->settings, false, answer, error)) {
        *usage = true;
        return -1;
    }
    if (analysis_find_routers(measure->store, options->run, name, options->upscale,
                              &answer->run, &answer->routers, error) == 0)
        return 0;
    answer_clear(answer);
    return -1;
}

void answer_clear(struct answer *answer) {
    free(answer->parameters);
    store_run_clear(&answer->run);
    store_routers_clear(&answer->routers);
    memset(answer, 0, sizeof *answer);
}

struct store_solution answer_solution(const struct answer *answer, double *preference) {
    if (answer->method)
        return (struct store_solution){.kind = STORE_KIND_MERGE,
                                       .method =
                                           (char *)(uintptr_t)answer->method->name,
                                       .parameters = answer->parameters,
                                       .preference = preference,
                                       .label = ""};
    return (struct store_solution){.kind = STORE_KIND_PWEMOE,
                                   .method = answer->run.method,
                                   .parameters = answer->parameters,
                                   .preference = preference,
                                   .routers = answer->routers.id,
                                   .label = ""};
}
