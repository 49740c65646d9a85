/* What --set says, as the parameters of merging methods. */
#ifndef PWEMOE_COMMAND_WORK_METHOD_SETTINGS_H
#define PWEMOE_COMMAND_WORK_METHOD_SETTINGS_H

#include <jansson.h>
#include <stdio.h>

#include "base/error.h"
#include "merge/method.h"

/* "NAME=VALUE,..." (NULL: nothing) as a new object of texts. `keep`, where not NULL, is
 * the value of one more called keep. NULL with an error. */
json_t *settings_parse(const char *text, const char *keep, struct error *error);
/* A method's parameters from these settings, with defaults for the others; scale, where
 * not NULL, is the value of that one. NULL with an error. */
json_t *settings_of(const struct merge_method *method, const json_t *settings,
                    const double *scale, struct error *error);

/* For completion: the merging methods, those methods that answer a preference, and what
 * --set can begin with. */
void settings_offer_methods(FILE *out);
void settings_offer_answers(FILE *out);
void settings_offer(FILE *out);
/* The same of these methods. */
void settings_offer_of(const struct merge_method *const *methods, size_t count,
                       FILE *out);

/* A method with its parameters, as lines of help. */
void settings_help(const struct merge_method *method, FILE *out);
void settings_help_parameters(const struct merge_parameter *list, FILE *out);

#endif
