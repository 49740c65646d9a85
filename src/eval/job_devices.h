/* What --job-devices says: which of the machine's devices each command sees that
 * measures beside others, by CUDA_VISIBLE_DEVICES. "0,1,2" is one for each of three,
 * "0+1,2+3" two for each of two; a device is a number, or a UUID as nvidia-smi prints
 * it. */
#ifndef PWEMOE_EVAL_JOB_DEVICES_H
#define PWEMOE_EVAL_JOB_DEVICES_H

#include <stddef.h>

enum { JOB_DEVICE_SETTING = 512 };

/* For how many commands; 0: the text is none such. */
size_t job_devices_count(const char *text);
/* "CUDA_VISIBLE_DEVICES=0,1" for the command at `place`, which is below the count. */
void job_devices_setting(const char *text, size_t place,
                         char setting[JOB_DEVICE_SETTING]);

#endif
