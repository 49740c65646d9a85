/* What the parts of `pwemoe show` share. */
#ifndef PWEMOE_COMMAND_WORK_SHOW_H
#define PWEMOE_COMMAND_WORK_SHOW_H

#include "command/command.h"
#include "store/store.h"

struct filter;

struct show_options {
    bool all;
    const char *method, *where;
    unsigned kind; /* of KINDS, where one was given */
    unsigned split;
    uint64_t run, last, subset;
    double approximate;
};

struct show_context {
    const struct invocation *invocation;
    const struct show_options *options;
    struct store *store;
    struct store_recipe *recipe;
    const char *split;
    enum store_kind kind;  /* STORE_KIND_NONE: any */
    struct filter *filter; /* NULL: of all */
};

/* One view each: prints its rows. */
int show_routers(const struct show_context *v, struct error *error);
int show_training(const struct show_context *v, struct error *error);
int show_routing(const struct show_context *v, struct error *error);
int show_similarity(const struct show_context *v, struct error *error);

#endif
