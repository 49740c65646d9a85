/* What an image goes through before the model sees it, as preprocessor_config.json or
 * processor_config.json says (CLIPImageProcessor, ViTImageProcessor): resize by
 * Pillow's antialiased filter, centre crop, rescale, normalise. */
#ifndef PWEMOE_DATA_PREPROCESS_H
#define PWEMOE_DATA_PREPROCESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "data/resize.h"

struct preprocess {
    enum resample resample;
    bool shortest_edge;       /* resize keeps the aspect; else to width x height */
    size_t width, height;     /* of the resize, 0: none; the edge if shortest_edge */
    size_t crop;              /* centre crop, pixels an edge; 0: none */
    size_t size;              /* what comes out, pixels an edge */
    float scale[3], shift[3]; /* value = scale[c] * byte + shift[c] */
};

/* config: the image processor's object, or NULL for CLIP's constants
 * (clip true: shortest edge, crop, bicubic) or ViT's (0.5, 0.5, bilinear).
 * What a config leaves out is what its image_processor_type has by default, and
 * clip says which that is where it has no type. image_size is the model's: what
 * the pixels come out as; a config that gives another size is an error naming
 * both. So is a step that is not one of the four above. Errors do not name the file. */
int preprocess_read(const json_t *config, bool clip, size_t image_size,
                    struct preprocess *out, struct error *error);

/* Whether both make the same of any picture. */
bool preprocess_same(const struct preprocess *a, const struct preprocess *b);

/* Interleaved RGB u8 [height, width, 3] to planar u8 [3, size, size]. Byte for
 * byte what Pillow's resize and the processor's crop give: a picture smaller than
 * the crop is set in the middle of zeros. Fails where memory is out, where the
 * picture is too long for its width, and where there is no crop and the picture
 * does not come out square. */
int preprocess_apply(const struct preprocess *preprocess, const uint8_t *rgb,
                     size_t width, size_t height, uint8_t *out, struct error *error);

#endif
