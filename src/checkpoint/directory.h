/* A Hugging Face model directory: config.json, and the tensors of
 * model.safetensors or of the shards that model.safetensors.index.json names.
 * Ownership: everything reached from a struct model_directory lives until
 * model_directory_close. */
#ifndef PWEMOE_CHECKPOINT_DIRECTORY_H
#define PWEMOE_CHECKPOINT_DIRECTORY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/sha256.h"
#include "base/work.h"
#include "checkpoint/safetensors.h"

struct model_directory;

/* model.safetensors where there is one, else the shards. Map and shards must agree
 * both ways; a shard stays inside the directory. */
int model_directory_open(const char *path, struct model_directory **directory,
                         struct error *error);
/* The same of a model that nothing here runs: config.json may be lacking, which gives
 * no object, and the tensors may be called diffusion_pytorch_model. */
int model_directory_open_any(const char *path, struct model_directory **directory,
                             struct error *error);
/* An expert of the model at `pretrained`: a model directory, or a LoRA adapter
 * (adapter.h) as the model that it makes of that one: its products added, in f32, and
 * what it has whole in place; a classifier may be of another shape or a new one. What
 * it does not change is the pretrained model's, also config.json, without the names of
 * classes where these are others in number. An adapter for another model is refused. */
int model_directory_open_expert(const char *path, const char *pretrained,
                                struct model_directory **directory,
                                struct error *error);
/* Whether it is such an adapter as a model. */
bool model_directory_is_adapted(const struct model_directory *directory);
/* Calls what the adapter changes as this model does: where one of the two was saved
 * with a prefix ("vit.") and the other without, or by names of modules that files do
 * not have; and turns its products as the model's layers are. */
struct adapter;
int model_directory_match(const struct model_directory *directory,
                          struct adapter *adapter, struct error *error);
void model_directory_close(struct model_directory *directory); /* NULL is fine */

const char *model_directory_path(const struct model_directory *directory);
/* What its tensor files are called before ".safetensors" or "-00001-of-...": "model".
 */
const char *model_directory_stem(const struct model_directory *directory);
/* config.json, an object. */
json_t *model_directory_config(const struct model_directory *directory);
/* How images are prepared, an object: `image_processor` of processor_config.json, else
 * preprocessor_config.json; NULL where there is neither. */
json_t *model_directory_preprocessor(const struct model_directory *directory);
/* The name of the file that says so, for errors. */
const char *model_directory_preprocessor_name(const struct model_directory *directory);

/* Whether models of this kind keep matrices of some layers as [inputs, outputs], as
 * transformers' Conv1D does (GPT-2 and its kin); and whether that of this name is one.
 */
bool model_directory_has_turned(const struct model_directory *directory);
bool model_directory_is_turned(const struct model_directory *directory,
                               const char *name);

/* Shard by shard in the order of their names, each in the order of its data. */
size_t model_directory_count(const struct model_directory *directory);
const struct tensor *model_directory_at(const struct model_directory *directory,
                                        size_t index);
const struct tensor *model_directory_find(const struct model_directory *directory,
                                          const char *name);

/* What a checkpoint is known by in results.db: bytes of all its tensor files, and
 * SHA-256 over them: for one file, that file's digest; for shards, the digest of
 * their digests, as 64 hexadecimal digits each, in the order of their names; for an
 * adapter, of its tensors and its adapter_config.json in the same way, after those of a
 * model in the same folder. */
struct fingerprint {
    unsigned long long size;
    char sha256[SHA256_HEX];
};
/* Reads everything: ViT-B/32 takes a second. progress counts bytes; a stop gives
 * an error that ends in "stopped". */
int model_directory_fingerprint(const char *path, struct fingerprint *fingerprint,
                                const struct work *work, struct error *error);
/* The same of several models, the files of all side by side on the cores (OpenMP), so
 * that neither a core's SHA-256 nor one file's reading is what all wait for. Where it
 * fails *failed is the number of the model that error tells of. */
int model_directories_fingerprint(const char *const *paths, size_t count,
                                  struct fingerprint *fingerprints, size_t *failed,
                                  const struct work *work, struct error *error);
/* The stamp of those files (base/file_stamp.h), "" where it must not be relied on, and
 * their size; to be taken before the fingerprint that is kept with it. */
int model_directory_stamp(const char *path, char stamp[SHA256_HEX],
                          unsigned long long *size, struct error *error);

#endif
