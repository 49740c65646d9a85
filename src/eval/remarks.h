/* What checks of a recipe tell besides errors. */
#ifndef PWEMOE_EVAL_REMARKS_H
#define PWEMOE_EVAL_REMARKS_H

/* What was assumed, one line for each assumption. */
struct remarks {
    void (*say)(void *self, const char *text);
    void *self;
};

#endif
