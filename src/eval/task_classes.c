#include "eval/task_classes.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"
#include "eval/class_reading.h"

/* Whether each name is one class, and no two the same: place [names], seen [classes] is
 * filled. */
static int check_names(const struct labels *split, const struct classes *classes,
                       const size_t *place, bool *seen, struct error *error) {
    const struct names *names = &split->names;
    char known[LIST_BYTES], own[LIST_BYTES];
    for (size_t i = 0; i < names->count; i++) {
        if (place[i] == SIZE_MAX) {
            const char *near = text_nearest(
                names->at[i], (const char *const *)classes->names, classes->count);
            return error_set(
                error,
                "%s: '%s' is none of the classes%s%s%s; the model has %s; the %s data "
                "have %s",
                split->path, names->at[i], near ? ", did you mean '" : "",
                near ? near : "", near ? "'?" : "",
                classes_text(classes->names, classes->count, known, sizeof known),
                split->split, classes_text(names->at, names->count, own, sizeof own));
        }
        if (seen[place[i]])
            return error_set(error,
                             "%s: '%s' and another name both match the class '%s'",
                             split->path, names->at[i], classes->names[place[i]]);
        seen[place[i]] = true;
    }
    return 0;
}

/* What is no error, and yet may not be meant. */
static void remark_names(const struct reading *r, const struct labels *split,
                         bool loosely, const bool *seen) {
    const struct classes *classes = &r->classes;
    if (loosely)
        reading_say(r,
                    "%s: some class names are spelt differently from the model's: they "
                    "are matched without regard to case, blanks, '_' and '-'",
                    split->path);
    for (size_t i = 0; split->names.count < classes->count && i < classes->count; i++)
        if (!seen[i]) {
            reading_say(r, "%s: no examples of %zu of the %zu classes, such as '%s'",
                        split->path, classes->count - split->names.count,
                        classes->count, classes->names[i]);
            break;
        }
    if (split->numbers && r->head.count && class_number(classes->names[0]) == SIZE_MAX)
        reading_say(r, "%s: labels are numbers: 0 is '%s'", split->path,
                    classes->names[classes_of_number(classes, 0)]);
}

static int check_split(const struct reading *r, const struct labels *split,
                       struct error *error) {
    const struct classes *classes = &r->classes;
    const struct names *names = &split->names;
    char known[LIST_BYTES];
    if (!names->count) { /* an idx file */
        if (classes_of_number(classes, split->most) == SIZE_MAX)
            return error_set(
                error, "%s: label %zu of %zu classes: %s", split->path, split->most,
                classes->count,
                classes_text(classes->names, classes->count, known, sizeof known));
        return 0;
    }
    size_t *place = array_new(names->count, sizeof *place);
    bool loosely, *seen = array_new(classes->count, sizeof *seen);
    int result = place && seen ? classes_place(classes, names->at, names->count, place,
                                               &loosely, error)
                               : error_memory(error);
    if (result == 0)
        result = check_names(split, classes, place, seen, error);
    if (result == 0)
        remark_names(r, split, loosely, seen);
    free(place);
    free(seen);
    return result;
}

int task_classes_read(const struct store_recipe *recipe, size_t task,
                      const char *directory, struct classes *classes,
                      const struct remarks *remarks, struct error *error) {
    struct reading r = {.remarks = remarks};
    int result = reading_open(&r, recipe, task, directory, error);
    if (result == 0)
        result = reading_order(&r, error);
    for (size_t i = 0; result == 0 && i < 2; i++)
        if (r.splits[i].path)
            result = check_split(&r, &r.splits[i], error);
    *classes = (struct classes){0};
    if (result == 0)
        *classes = r.classes;
    else
        classes_clear(&r.classes);
    reading_close(&r);
    return result ? error_prefix(error, "task %s", recipe->tasks[task].name) : 0;
}
