/* Libraries that end the process when they get no memory. */
#ifndef PWEMOE_BASE_EXHAUSTED_H
#define PWEMOE_BASE_EXHAUSTED_H

/* What is written in C++ (oneDNN's code generator, Clp) throws where an allocation
 * fails, and nothing in C can catch: the process is aborted. From here on a failed
 * `new`, or whatever else is thrown and not caught, ends it with exit status 1 and one
 * line, "PROGRAM: out of memory in a library; ...": what is in the store is complete,
 * and files appear whole or not at all, as after a crash. before may be NULL; it is
 * called first, on the thread that asked, and may do no more than a handler of signals
 * may. Where no library brings C++, nothing is done. */
void exhausted_watch(const char *program, void (*before)(void));

#endif
