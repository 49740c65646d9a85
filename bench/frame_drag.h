/* A drag without a terminal: from a preference to the cells of its frame. */
#ifndef PWEMOE_BENCH_FRAME_DRAG_H
#define PWEMOE_BENCH_FRAME_DRAG_H

/* Seconds a key, the mean of 200 keys; -1: the file cannot be read. */
double frame_drag(const char *file);

#endif
