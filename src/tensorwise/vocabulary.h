/* Which tokens one model directory has and another has not: for the error about
 * embeddings of different sizes. For this folder. */
#ifndef PWEMOE_TENSORWISE_VOCABULARY_H
#define PWEMOE_TENSORWISE_VOCABULARY_H

#include <stdbool.h>

#include "base/error.h"
#include "checkpoint/directory.h"

/* Whether two tensors look like embeddings of vocabularies of different sizes: they
 * differ in the number of rows alone, and a directory has a tokenizer. Then text says
 * which tokens one of them has and the other has not. */
bool vocabulary_differs(const struct tensor *base, const struct tensor *own,
                        const struct model_directory *base_directory,
                        const struct model_directory *own_directory,
                        struct error *text);

#endif
