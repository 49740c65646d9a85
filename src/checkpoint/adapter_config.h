/* The settings of a LoRA adapter, PEFT's adapter_config.json. */
#ifndef PWEMOE_CHECKPOINT_ADAPTER_CONFIG_H
#define PWEMOE_CHECKPOINT_ADAPTER_CONFIG_H

#include <stdbool.h>

#include "base/error.h"

#define ADAPTER_CONFIG_NAME "adapter_config.json"

struct adapter_config;

/* path: the adapter's folder, which the caller keeps until it is closed. Refuses, by
 * name, what cannot be added to weights (adapter.h). */
int adapter_config_open(const char *path, struct adapter_config **config,
                        struct error *error);
void adapter_config_close(struct adapter_config *config); /* NULL is fine */

/* PEFT's alpha of a module: the first entry of alpha_pattern that matches the end of
 * its name, or lora_alpha. */
double adapter_config_alpha(const struct adapter_config *config, const char *module);
/* Whether a setting is true: use_rslora, fan_in_fan_out. */
bool adapter_config_says(const struct adapter_config *config, const char *key);

#endif
