#include "command/work/training.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/memory.h"
#include "base/usage.h"
#include "command/io/paths.h"
#include "command/io/settings.h"
#include "command/work/runs.h"
#include "eval/sources.h"
#include "parallel/ranks.h"
#include "store/lease.h"

/* One process of those that train together has the run. */
static bool writes(const struct training *t) {
    return ranks_rank(t->invocation->ranks) == 0;
}

/* --- a run, a device, data -------------------------------------------------------- */

int training_usage(const struct training_options *options, struct error *error) {
    if (options->run && !options->resume)
        return error_set(error, "--run needs --resume");
    return 0;
}

int training_open(struct training *t, const struct invocation *invocation,
                  const struct training_options *options, struct error *error) {
    const char *path = invocation->operands[0];
    t->invocation = invocation;
    t->options = options;
    usage_restart();
    t->folder = store_folder(path);
    if (!t->folder)
        return error_memory(error);
    if (store_open(path, writes(t) ? STORE_READ_WRITE : STORE_READ_ONLY, &t->store,
                   error) ||
        store_recipe(t->store, &t->recipe, error))
        return -1;
    t->tasks = t->recipe->task_count;
    return 0;
}

struct wanted_run {
    int64_t id; /* 0: any */
    bool (*wanted)(void *self, const struct store_run *run);
    void *self;
};

static bool is_wanted(void *self, const struct store_run *run) {
    const struct wanted_run *w = self;
    return !run->complete && (!w->id || run->id == w->id) && w->wanted(w->self, run);
}

int training_find(struct training *t, bool (*wanted)(void *, const struct store_run *),
                  void *self, bool *found, struct error *error) {
    struct wanted_run which = {(int64_t)t->options->run, wanted, self};
    if (runs_take(t->store, is_wanted, &which, &t->run, found, error))
        return -1;
    return *found && writes(t) ? store_lease_take(t->store, t->run.id, error) : 0;
}

int training_settings(const struct training *t, const struct option_spec *specs,
                      void *values, unsigned kind, json_t **parameters,
                      struct error *error) {
    json_t *object = json_loads(t->run.parameters, 0, NULL);
    int result =
        settings_agree(specs, values, t->invocation->given, kind, object, error) ||
                settings_read(specs, values, kind, object, error)
            ? -1
            : 0;
    if (parameters && result == 0)
        *parameters = object;
    else
        json_decref(object);
    return result;
}

int training_device(struct training *t, struct error *error) {
    const struct common *common = t->invocation->common;
    char note[256] = "";
    if (common->precision == PRECISION_FP8)
        return error_set(error, "--precision fp8 is for measuring; training takes bf16 "
                                "or f32");
    int result = backend_open(common->device, common->precision,
                              (unsigned)common->threads, &t->backend, note, error);
    command_device_note(t->invocation, note);
    return result || backend_spill(t->backend, common->spill, error) ? -1 : 0;
}

int training_data(struct training *t, const struct example_form *form, bool labels,
                  struct error *error) {
    t->train = array_new(t->tasks, sizeof *t->train);
    if (!t->train)
        return error_memory(error);
    for (size_t i = 0; i < t->tasks; i++) {
        struct sources_data which = {.task = t->first + i,
                                     .split = "train",
                                     .unlabelled = !labels,
                                     .limit = (size_t)t->options->limit,
                                     .threads =
                                         (unsigned)t->invocation->common->threads};
        if (sources_dataset(t->recipe, t->folder, &which, form, &t->train[i],
                            t->invocation->work, error))
            return -1;
    }
    return 0;
}

int training_begin(struct training *t, const char *method, const char *upscale,
                   unsigned steps, json_t *parameters, struct error *error) {
    t->run.method = strdup(method);
    t->run.upscale = strdup(upscale);
    t->run.parameters =
        parameters ? json_text_dump(parameters, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
    t->run.steps = steps;
    json_decref(parameters);
    if (!t->run.method || !t->run.upscale || !t->run.parameters)
        return error_memory(error);
    if (!writes(t))
        return 0;
    return store_run_begin(t->store, &t->run, error) ||
                   store_lease_take(t->store, t->run.id, error)
               ? -1
               : 0;
}

/* --- states ----------------------------------------------------------------------- */

/* In the store a state is this, the curve's text, and the trainer's bytes. Those of
 * older programs are the trainer's bytes alone. */
struct state_head {
    char magic[8];
    uint64_t text_size;
};

static const char state_magic[8] = "PWETRN1";

static int pack_state(struct training *t, void **state, size_t *size,
                      struct error *error) {
    void *bytes = NULL;
    size_t count = 0;
    char *text = curve_text(&t->curve, false), *at = NULL;
    if (!text)
        return error_memory(error);
    struct state_head head = {.text_size = strlen(text)};
    memcpy(head.magic, state_magic, sizeof state_magic);
    int result = t->trainer.kind->save(t->trainer.self, &bytes, &count, error);
    if (result == 0) {
        *size = sizeof head + head.text_size + count;
        *state = at = malloc(*size);
        if (!at)
            result = error_memory(error);
    }
    if (at) {
        memcpy(at, &head, sizeof head);
        memcpy(at + sizeof head, text, head.text_size);
        memcpy(at + sizeof head + head.text_size, bytes, count);
    }
    free(bytes);
    free(text);
    return result;
}

static int unpack_state(struct training *t, const void *state, size_t size,
                        struct error *error) {
    const struct trainer *trainer = &t->trainer;
    struct state_head head;
    if (size < sizeof head || memcmp(state, state_magic, sizeof state_magic) != 0)
        return trainer->kind->resume(trainer->self, state, size, error);
    memcpy(&head, state, sizeof head);
    size -= sizeof head;
    if (head.text_size > size)
        return error_set(error, "the saved state is damaged; start a new run");
    const char *at = (const char *)state + sizeof head;
    char *text = strndup(at, head.text_size);
    if (!text)
        return error_memory(error);
    int result = trainer->kind->resume(trainer->self, at + head.text_size,
                                       size - head.text_size, error);
    if (result == 0)
        result = curve_resume(&t->curve, trainer->kind->step_count(trainer->self), text,
                              error);
    free(text);
    return result;
}

static int resume_stored(struct training *t, struct error *error) {
    void *state;
    size_t size;
    if (store_run_state(t->store, t->run.id, &state, &size, error))
        return -1;
    int result = state ? unpack_state(t, state, size, error) : 0;
    free(state);
    return result;
}

static int resume_file(struct training *t, struct error *error) {
    const struct trainer *trainer = &t->trainer;
    char *note = NULL;
    int result = trainer->kind->resume_file(trainer->self, t->state, &note, error);
    if (result == 0 && note)
        result = curve_resume(&t->curve, trainer->kind->step_count(trainer->self), note,
                              error);
    free(note);
    return result;
}

char *training_state_place(const struct training *t, int64_t run, struct error *error) {
    void *bytes;
    size_t size;
    if (store_run_state(t->store, run, &bytes, &size, error))
        return NULL;
    char *place = strndup(bytes ? bytes : "", size);
    free(bytes);
    if (!place)
        error_memory(error);
    return place;
}

int training_start(struct training *t, struct trainer trainer, struct error *error) {
    t->trainer = trainer;
    if (curve_new(t->first, t->tasks, &t->curve, error))
        return -1;
    bool unsaved = t->state && t->run.steps_done == 0 && !path_exists(t->state);
    if (!t->run.id || unsaved || !writes(t))
        return 0;
    return t->state ? resume_file(t, error) : resume_stored(t, error);
}

int training_share(struct training *t, struct error *error) {
    const struct trainer *trainer = &t->trainer;
    struct ranks *ranks = t->invocation->ranks;
    void *bytes = NULL;
    uint64_t size = 0;
    size_t count = 0;
    if (!ranks)
        return 0;
    if (trainer->kind->spread)
        return ranks_agree(ranks, trainer->kind->spread(trainer->self, ranks, error),
                           error);
    /* All know how large it is: it is a whole of the same options. */
    int result = trainer->kind->save(trainer->self, &bytes, &count, error);
    size = count;
    if (ranks_agree(ranks, result, error) ||
        ranks_broadcast(ranks, &size, sizeof size, error)) {
        free(bytes);
        return -1;
    }
    if (size != count)
        result = error_set(error, "the state of training has another size than on rank "
                                  "0: all ranks have to be given the same");
    if (ranks_agree(ranks, result, error) == 0 &&
        ranks_broadcast(ranks, bytes, count, error) == 0)
        result =
            writes(t) ? 0 : trainer->kind->resume(trainer->self, bytes, count, error);
    else
        result = -1;
    free(bytes);
    return ranks_agree(ranks, result, error);
}

/* --- saving ----------------------------------------------------------------------- */

/* The run as it is now, with the state and where that is from now on; state NULL: it
 * stays what it was. */
static int record(struct training *t, bool complete, const void *state,
                  size_t state_size, struct error *error) {
    const struct trainer *trainer = &t->trainer;
    struct store_routers result = {.run = t->run.id,
                                   .step = trainer->kind->step_count(trainer->self)};
    t->run.steps_done = result.step;
    t->run.seconds = t->before + usage_clock() - t->began;
    t->run.complete = complete;
    uint64_t peak = backend_peak(t->backend);
    if (peak > t->run.peak_bytes)
        t->run.peak_bytes = peak;
    if (trainer->kind->result &&
        trainer->kind->result(trainer->self, &result.blob, &result.size, error))
        return -1;
    t->run.trainable = trainer->kind->trainable(trainer->self);
    int failed = store_run_save(t->store, &t->run, result.blob ? &result : NULL, state,
                                state_size, t->curve.points, t->curve.count, error);
    free(result.blob);
    if (failed)
        return -1;
    curve_saved(&t->curve);
    return 0;
}

static int save_stored(struct training *t, bool complete, struct error *error) {
    void *state = NULL;
    size_t size = 0;
    int result =
        pack_state(t, &state, &size, error) || record(t, complete, state, size, error)
            ? -1
            : 0;
    free(state);
    return result;
}

/* The points go into the file too: a process may end between it and the store. */
static int save_file(struct training *t, struct error *error) {
    if (store_lease_check(t->store, t->run.id, error))
        return -1;
    char *note = curve_text(&t->curve, true);
    if (!note)
        return error_memory(error);
    int result = t->trainer.kind->save_file(t->trainer.self, t->state, note, error);
    free(note);
    if (result)
        return -1;
    char *place = path_stored(t->folder, t->state, error);
    result = place ? record(t, false, place, strlen(place), error) : -1;
    free(place);
    return result;
}

int training_save(struct training *t, struct error *error) {
    return t->state ? save_file(t, error) : save_stored(t, false, error);
}

int training_finish(struct training *t, struct error *error) {
    return t->state ? record(t, true, NULL, 0, error) : save_stored(t, true, error);
}

/* --- the loop --------------------------------------------------------------------- */

/* After a step that failed with its device: what needs no device is saved. */
static void save_what_is_left(struct training *t, struct error *error) {
    const struct trainer *trainer = &t->trainer;
    struct error trouble;
    if (!writes(t) || !trainer->kind->on_host || !backend_blamed(t->backend) ||
        trainer->kind->step_count(trainer->self) == t->run.steps_done)
        return;
    if (training_save(t, &trouble))
        error_set(error, "%s; and then: %s", TEXT_CUT(error->text, 400),
                  TEXT_CUT(trouble.text, 400));
}

/* While rank 0 saves. */
static int lend(struct training *t, struct error *error) {
    const struct trainer *trainer = &t->trainer;
    return trainer->kind->lend ? trainer->kind->lend(trainer->self, error) : 0;
}

/* After a step: into the curve, and saved where it is time. */
static int keep_step(struct training *t, unsigned step, const double *losses,
                     struct error *error) {
    bool saves = step % t->options->save_interval == 0 && step < t->run.steps;
    if (!writes(t))
        return saves ? lend(t, error) : 0;
    return curve_add(&t->curve, step, losses, error) ||
                   store_lease_renew(t->store, error) ||
                   (saves && training_save(t, error))
               ? -1
               : 0;
}

/* Processes that train together stop at one step, as its numbers have told them all. */
static bool is_to_stop(const struct training *t) {
    const struct trainer *trainer = &t->trainer;
    return t->invocation->ranks ? trainer->kind->asked(trainer->self)
                                : work_stopped(t->invocation->work);
}

static int save_stopped(struct training *t, unsigned step, struct error *error) {
    /* A file may have been deleted since: it is written anew. */
    bool saved = step == t->run.steps_done && !t->state;
    if (!writes(t))
        return lend(t, error);
    if (saved || training_save(t, error) == 0)
        return 0;
    ranks_give_up(t->invocation->ranks); /* the others may wait for it */
    return -1;
}

int training_loop(struct training *t, struct error *error) {
    const struct trainer *trainer = &t->trainer;
    double losses[STORE_TASKS_MAX];
    t->before = t->run.seconds;
    t->began = usage_clock();
    for (unsigned step = trainer->kind->step_count(trainer->self);
         step < t->run.steps &&
         !(trainer->kind->finished && trainer->kind->finished(trainer->self));
         step = trainer->kind->step_count(trainer->self)) {
        work_report(t->invocation->work, trainer->kind->doing, step, t->run.steps);
        if (is_to_stop(t))
            return save_stopped(t, step, error);
        if (trainer->kind->step(trainer->self, losses, error)) {
            save_what_is_left(t, error);
            return -1;
        }
        if (keep_step(t, step + 1, losses, error)) {
            ranks_give_up(t->invocation->ranks); /* the others are in the next step */
            return -1;
        }
    }
    return 1;
}

/* --- what is said ----------------------------------------------------------------- */

/* "which is saved in DIR.state; pwemoe finetune FILE --resume --run 3" into out. */
static const char *how_to_go_on(const struct training *t, char *out, size_t size) {
    snprintf(out, size, "saved%s%s; pwemoe %s %s --resume --run %lld",
             t->state ? " in " : "", TEXT_CUT(t->state ? t->state : "", 300),
             t->invocation->command->name, TEXT_CUT(t->invocation->operands[0], 300),
             (long long)t->run.id);
    return out;
}

int training_stopped(const struct training *t, struct error *error) {
    char how[800];
    return error_set(error, "stopped after step %u of %u, which is %s goes on",
                     t->run.steps_done, t->run.steps, how_to_go_on(t, how, sizeof how));
}

void training_explain(const struct training *t, struct error *error) {
    char how[800];
    if (!t->backend || !backend_blamed(t->backend))
        return;
    if (t->run.steps_done)
        command_device_failed(error, "step %u of %u is %s goes on", t->run.steps_done,
                              t->run.steps, how_to_go_on(t, how, sizeof how));
    else
        command_device_failed(error, "no step was saved; the same command %s",
                              t->options->resume ? "goes on" : "begins anew");
}

void training_release(struct training *t) {
    if (t->trainer.kind)
        t->trainer.kind->free(t->trainer.self);
    for (size_t i = 0; t->train && i < t->tasks; i++)
        dataset_close(t->train[i]);
    free(t->train);
    pool_close(t->pool);
    if (t->backend) {
        char remark[256];
        backend_remark(t->backend, remark);
        command_device_note(t->invocation, remark);
        backend_close(t->backend);
    }
    t->trainer = (struct trainer){0};
    t->train = NULL;
    t->pool = NULL;
    t->backend = NULL;
}

void training_close(struct training *t) {
    training_release(t);
    curve_free(&t->curve);
    store_run_clear(&t->run);
    store_recipe_free(t->recipe);
    store_close(t->store);
    free(t->folder);
    free(t->state);
}
