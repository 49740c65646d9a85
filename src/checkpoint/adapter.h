/* LoRA adapters as PEFT saves them: a folder with adapter_config.json and
 * adapter_model.safetensors. An adapter is another model's weights plus products of two
 * thin matrices, W + scale B A (Hu et al. 2022, arXiv 2106.09685), and some tensors
 * whole (modules_to_save, biases). Facts of the format: names begin with
 * base_model.model.; lora_A.weight is [rank, inputs], lora_B.weight [outputs, rank];
 * of embeddings lora_embedding_A is [rank, rows] and lora_embedding_B [width, rank];
 * scale is lora_alpha / r, or lora_alpha / sqrt(r) with use_rslora. */
#ifndef PWEMOE_CHECKPOINT_ADAPTER_H
#define PWEMOE_CHECKPOINT_ADAPTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "checkpoint/low_rank.h"
#include "checkpoint/safetensors.h"

struct adapter_entry {
    char *name;                 /* of the other model's tensor */
    const struct tensor *whole; /* takes its place; or NULL, and there is a product */
    struct low_rank product;
    const struct tensor
        *before; /* what the product was trained on, where it was saved */
};

struct adapter;

/* Whether the folder holds an adapter. */
bool adapter_is(const char *path);
/* Refuses, by name, what is not LoRA (peft_type), DoRA, settings that change the
 * product, and those that have changed the other model's weights before training
 * (init_lora_weights: PiSSA and its kin). Errors name the file. */
int adapter_open(const char *path, struct adapter **adapter, struct error *error);
void adapter_close(struct adapter *adapter); /* NULL is fine */

const char *adapter_path(const struct adapter *adapter);
size_t adapter_count(const struct adapter *adapter);
/* In the order of names. */
const struct adapter_entry *adapter_at(const struct adapter *adapter, size_t index);
const struct adapter_entry *adapter_find(const struct adapter *adapter,
                                         const char *name);

/* Calls entries [adapter_count] by other names, an array in their order; NULL leaves
 * one as it is. Entries are in the order of their names again then. Fails where two get
 * one name. */
int adapter_rename(struct adapter *adapter, const char *const *names,
                   struct error *error);

/* That of a linear layer: whether its product is transposed, whatever fan_in_fan_out
 * says. PEFT goes by the kind of the layer and keeps in the file what the last one was.
 */
void adapter_turn(struct adapter *adapter, size_t index, bool turned);

/* Whether an entry fits a tensor of the model that it is to change: an adapter for
 * another model does not. Fails saying both shapes. */
int adapter_check(const struct adapter *adapter, const struct adapter_entry *entry,
                  const struct tensor *tensor, struct error *error);

#endif
