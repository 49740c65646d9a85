#include "model/zero_shot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/clip_tokenizer.h"
#include "data/names.h"
#include "model/clip_text.h"

enum { TEXTS = 32 }; /* at once: 60 MB of activations for ViT-B/32's text tower */

struct zero_shot {
    const char *where;
    struct backend *backend;
    struct layout *layout; /* of the directory's own tower, and its weights; or NULLs */
    real *own;
    struct clip_text *text;
    struct clip_tokenizer *tokenizer;
    int32_t *ids;      /* (TEXTS, context) */
    float *embeddings; /* (TEXTS, projection) */
};

/* --- templates --------------------------------------------------------------- */

/* The one {} of a template, or NULL. */
static const char *find_gap(const char *template) {
    const char *gap = strstr(template, "{}");
    return gap && !strstr(gap + 2, "{}") ? gap : NULL;
}

static int read_templates(const char *path, char ***lines, size_t *count,
                          struct error *error) {
    if (path)
        return text_lines_read(path, "template", lines, count, error);
    *count = 1;
    *lines = array_new(1, sizeof **lines);
    if (*lines && (**lines = strdup(ZERO_SHOT_TEMPLATE)))
        return 0;
    free(*lines);
    return error_memory(error);
}

int zero_shot_templates(const char *path, char ***templates, size_t *count,
                        struct error *error) {
    char **lines;
    size_t read;
    if (read_templates(path, &lines, &read, error))
        return -1;
    for (size_t i = 0; i < read; i++) {
        if (find_gap(lines[i]))
            continue;
        error_set(
            error, "%s: line %zu has %s {}; a template has one, for the class name",
            path ? path : "", i + 1, strstr(lines[i], "{}") ? "more than one" : "no");
        class_names_release(lines, read);
        return -1;
    }
    *templates = lines;
    *count = read;
    return 0;
}

/* --- the model ---------------------------------------------------------------- */

static int explain(struct error *error) {
    struct error reason = *error;
    return error_set(error,
                     "%s; a zero-shot head needs a whole CLIPModel with its tokenizer "
                     "(vocab.json and merges.txt, or tokenizer.json); or give head: "
                     "FILE.safetensors",
                     reason.text);
}

int zero_shot_check(const struct model_directory *directory, struct error *error) {
    struct clip_tokenizer *tokenizer;
    if (clip_text_check(directory, error) ||
        clip_tokenizer_open(model_directory_path(directory), &tokenizer, error))
        return explain(error);
    clip_tokenizer_close(tokenizer);
    return 0;
}

int zero_shot_new(struct backend *backend, const struct model_directory *directory,
                  const struct layout *layout, struct zero_shot **out,
                  struct error *error) {
    struct zero_shot *z = array_new(1, sizeof *z);
    if (!z)
        return error_memory(error);
    z->where = model_directory_path(directory);
    z->backend = backend;
    if (clip_text_check(directory, error) ||
        clip_tokenizer_open(z->where, &z->tokenizer, error)) {
        zero_shot_free(z);
        return explain(error);
    }
    if ((!layout && clip_text_load(backend, directory, &z->layout, &z->own, error)) ||
        clip_text_new(backend, layout ? layout : z->layout, z->where, TEXTS, &z->text,
                      error)) {
        zero_shot_free(z);
        return -1;
    }
    const struct model_config *config = clip_text_config(z->text);
    z->ids = array_new(TEXTS * config->context, sizeof *z->ids);
    z->embeddings = array_new(TEXTS * config->projection, sizeof *z->embeddings);
    if (!z->ids || !z->embeddings) {
        zero_shot_free(z);
        return error_memory(error);
    }
    *out = z;
    return 0;
}

void zero_shot_free(struct zero_shot *z) {
    if (!z)
        return;
    clip_text_free(z->text);
    z->backend->release(z->backend, z->own);
    layout_free(z->layout);
    clip_tokenizer_close(z->tokenizer);
    free(z->ids);
    free(z->embeddings);
    free(z);
}

void zero_shot_task_clear(struct zero_shot_task *task) {
    class_names_release(task->names, task->classes);
    class_names_release(task->templates, task->template_count);
    *task = (struct zero_shot_task){0};
}

/* --- heads -------------------------------------------------------------------- */

static int encode(const struct zero_shot *z, const char *template, const char *name,
                  int32_t *ids, struct error *error) {
    const char *gap = find_gap(template);
    char *prompt =
        text_format("%.*s%s%s", (int)(gap - template), template, name, gap + 2);
    if (!prompt)
        return error_memory(error);
    size_t count;
    int result = clip_tokenizer_encode(
        z->tokenizer, prompt, clip_text_config(z->text)->context, ids, &count, error);
    if (result)
        error_prefix(error, "class '%s'", name);
    free(prompt);
    return result;
}

/* to [width] += x / |x|. A direction is needed: no length, or none that is finite, is
 * an error. */
static int add_direction(double *to, const float *x, size_t width) {
    double square = 0;
    for (size_t i = 0; i < width; i++)
        square += (double)x[i] * (double)x[i];
    if (!(square > 0) || !isfinite(square))
        return -1;
    double length = sqrt(square);
    for (size_t i = 0; i < width; i++)
        to[i] += (double)x[i] / length;
    return 0;
}

/* The embeddings of prompts first .. first + count - 1 into sums [classes, width].
 * Prompt p is class p / templates in template p % templates. */
static int add_prompts(struct zero_shot *z, const real *weights,
                       const struct zero_shot_task *task, size_t first, size_t count,
                       double *sums, struct error *error) {
    const struct model_config *config = clip_text_config(z->text);
    size_t width = config->projection, templates = task->template_count;
    for (size_t i = 0; i < count; i++)
        if (encode(z, task->templates[(first + i) % templates],
                   task->names[(first + i) / templates], z->ids + i * config->context,
                   error))
            return -1;
    if (clip_text_embed(z->text, weights, z->ids, count, z->embeddings, error))
        return -1;
    for (size_t i = 0; i < count; i++) {
        size_t class = (first + i) / templates;
        if (add_direction(sums + class * width, z->embeddings + i * width, width))
            return error_set(error,
                             "%s: the text tower has no embedding of class '%s': "
                             "its length is 0 or not finite",
                             z->where, task->names[class]);
    }
    return 0;
}

/* Row c of weight = scale * the direction of row c of sums. */
static int finish(const struct zero_shot *z, const real *weights,
                  const struct zero_shot_task *task, const double *sums,
                  struct head *head, struct error *error) {
    size_t width = head->features;
    double scale;
    if (clip_text_scale(z->text, weights, &scale, error))
        return -1;
    for (size_t c = 0; c < head->classes; c++) {
        double square = 0;
        for (size_t i = 0; i < width; i++)
            square += sums[c * width + i] * sums[c * width + i];
        if (!(square > 0))
            return error_set(error,
                             "the templates' embeddings of class '%s' cancel out; "
                             "give others",
                             task->names[c]);
        for (size_t i = 0; i < width; i++)
            head->weight[c * width + i] =
                (float)(scale * sums[c * width + i] / sqrt(square));
    }
    return 0;
}

int zero_shot_head(struct zero_shot *z, const real *weights,
                   const struct zero_shot_task *task, struct head *head,
                   const struct work *work, struct error *error) {
    size_t width = clip_text_config(z->text)->projection, prompts, elements;
    *head = (struct head){.classes = task->classes, .features = width};
    if (!size_multiply(task->classes, task->template_count, &prompts) ||
        !size_multiply(task->classes, width, &elements))
        return error_memory(error);
    if (!weights)
        weights = z->own;
    double *sums = array_new(elements, sizeof *sums);
    head->weight = array_new(elements, sizeof *head->weight);
    int result = sums && head->weight ? 0 : error_memory(error);
    for (size_t first = 0; result == 0 && first < prompts; first += TEXTS) {
        size_t left = prompts - first;
        work_report(work, "embedding class names", first, prompts);
        result = work_stopped(work)
                     ? error_set(error, "stopped")
                     : add_prompts(z, weights, task, first, left < TEXTS ? left : TEXTS,
                                   sums, error);
    }
    if (result == 0)
        result = finish(z, weights, task, sums, head, error);
    if (result)
        head_clear(head);
    else
        work_report(work, "embedding class names", prompts, prompts);
    free(sums);
    return result;
}
