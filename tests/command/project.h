/* A project that ./pwemoe works on in tests: tiny golden models, images made here, and
 * recipes, in folder(). */
#ifndef PWEMOE_TESTS_COMMAND_PROJECT_H
#define PWEMOE_TESTS_COMMAND_PROJECT_H

#include <jansson.h>

enum { PROJECT_TRAIN = 48, PROJECT_TEST = 60 }; /* images of a task */

/* The folder of the golden models. */
const char *models(void);

/* Three tasks of images, and two.yaml (a and b with an expert each), own.yaml (c
 * without), missing.yaml (c and d without). For cmocka. */
int make_project(void **state);

/* A new results.db of two.yaml under this name. */
void new_store(const char *name);

/* What stands under a key: NaN never, 0 or "" where it is of another type. */
double number(const json_t *object, const char *key);
const char *string(const json_t *object, const char *key);

/* The hash of the model at (0.5, 0.5) by what answers preferences in this store. */
void model_at_the_centre(const char *name, char hex[65]);

/* The loss curves of run 1 of two stores, to the last digit that is stored. */
void assert_same_curve(const char *one, const char *two);

#endif
