#include "eval/job_devices.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char variable[] = "CUDA_VISIBLE_DEVICES=";

/* The length of one command's devices at text; 0 where they are none. */
static size_t one(const char *text) {
    size_t length = strcspn(text, ",");
    bool begins = true; /* a device must begin here */
    if (length >= JOB_DEVICE_SETTING - sizeof variable)
        return 0;
    for (size_t i = 0; i < length; i++) {
        bool sound = (text[i] >= '0' && text[i] <= '9') ||
                     (text[i] >= 'a' && text[i] <= 'z') ||
                     (text[i] >= 'A' && text[i] <= 'Z') || strchr("-/:", text[i]);
        if (!sound && (text[i] != '+' || begins))
            return 0;
        begins = text[i] == '+';
    }
    return begins ? 0 : length;
}

size_t job_devices_count(const char *text) {
    for (size_t count = 1;; count++) {
        size_t length = one(text);
        if (length == 0)
            return 0;
        if (!text[length])
            return count;
        text += length + 1;
    }
}

void job_devices_setting(const char *text, size_t place,
                         char setting[JOB_DEVICE_SETTING]) {
    while (place--)
        text += strcspn(text, ",") + 1;
    snprintf(setting, JOB_DEVICE_SETTING, "%s%.*s", variable, (int)strcspn(text, ","),
             text);
    for (char *at = setting; *at; at++)
        if (*at == '+')
            *at = ',';
}
