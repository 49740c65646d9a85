/* What checks of a recipe tell besides errors. */
#ifndef PWEMOE_EVAL_REMARKS_H
#define PWEMOE_EVAL_REMARKS_H

/* What was assumed, and what a person may want to know of it: one line each. */
struct remarks {
    void (*say)(void *self, const char *text);
    void *self;
};

#endif
