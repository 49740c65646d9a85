/* Writing the recipe into a new file. Not for use outside this folder. */
#ifndef PWEMOE_STORE_CREATE_H
#define PWEMOE_STORE_CREATE_H

#include "store/store.h"

/* Checks the recipe and fills the empty tables with it; sets store->tasks. */
int create_recipe(struct store *store, const struct store_recipe *recipe,
                  struct error *error);

#endif
