/* TIES as a method of the table (ties.h has the arithmetic). */
#ifndef PWEMOE_MERGE_TIES_METHOD_H
#define PWEMOE_MERGE_TIES_METHOD_H

#include "merge/method.h"

extern const struct merge_method merge_ties;

#endif
