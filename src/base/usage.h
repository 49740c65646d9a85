/* What the process has used: time and memory. */
#ifndef PWEMOE_BASE_USAGE_H
#define PWEMOE_BASE_USAGE_H

#include <stdint.h>

/* Seconds of a clock that only goes forward. */
double usage_clock(void);

/* Peaks are counted from here on, where the kernel lets a process say so (Linux: 5 to
 * /proc/self/clear_refs); elsewhere from the start of the process. */
void usage_restart(void);
/* The most physical memory that the process has had at a time, in bytes, pages of
 * mapped files included (Linux: VmHWM; elsewhere ru_maxrss). */
uint64_t usage_peak(void);

#endif
