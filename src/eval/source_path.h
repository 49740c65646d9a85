/* Paths of a recipe. */
#ifndef PWEMOE_EVAL_SOURCE_PATH_H
#define PWEMOE_EVAL_SOURCE_PATH_H

/* The path as it can be opened; freed with free(), NULL when memory is out. */
char *sources_path(const char *directory, const char *path);

#endif
