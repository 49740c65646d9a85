#include "data/preprocess.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "data/resize.h"

enum { LARGEST_SIZE = 16384 };

/* What an image processor does where its config is silent. */
struct processor {
    const char *name;
    bool int_is_shortest_edge; /* what "size": 224 means */
    bool shortest_edge, center_crop;
    enum resample resample;
    double mean[3], std[3];
};

static const struct processor processors[] = {
    {"CLIP",
     true,
     true,
     true,
     RESAMPLE_BICUBIC,
     {0.48145466, 0.4578275, 0.40821073},
     {0.26862954, 0.26130258, 0.27577711}},
    {"ViT", false, false, false, RESAMPLE_BILINEAR, {0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}},
};

/* Their sizes by default. */
enum { DEFAULT_SIZE = 224 };

/* A key that is absent or null is NULL. */
static const json_t *get(const json_t *config, const char *key) {
    const json_t *value = json_object_get(config, key);
    return json_is_null(value) ? NULL : value;
}

static int read_bool(const json_t *config, const char *key, bool *value,
                     struct error *error) {
    const json_t *found = json_object_get(config, key);
    if (!found)
        return 0;
    /* A step whose switch is null is not done; other keys that are null are as if
     * they were absent. */
    if (!json_is_boolean(found) && !json_is_null(found))
        return error_set(error, "%s is neither true nor false", key);
    *value = json_is_true(found);
    return 0;
}

static int read_edge(const json_t *found, const char *key, size_t *value,
                     struct error *error) {
    if (!json_is_integer(found) || json_integer_value(found) < 1 ||
        json_integer_value(found) > LARGEST_SIZE)
        return error_set(error, "%s is not a number of pixels from 1 to %d", key,
                         LARGEST_SIZE);
    *value = (size_t)json_integer_value(found);
    return 0;
}

/* One number for all channels, or a list of three. */
static int read_channels(const json_t *config, const char *key, double value[3],
                         struct error *error) {
    const json_t *found = get(config, key);
    if (!found)
        return 0;
    bool list = json_is_array(found) && json_array_size(found) == 3;
    for (size_t c = 0; c < 3; c++) {
        const json_t *number = list ? json_array_get(found, c) : found;
        if (!json_is_number(number))
            return error_set(error, "%s is not a list of three numbers", key);
        value[c] = json_number_value(number);
    }
    return 0;
}

static const struct processor *find_processor(const json_t *config, bool clip,
                                              struct error *error) {
    const json_t *type = get(config, "image_processor_type");
    if (!type)
        type = get(config, "feature_extractor_type");
    if (!type)
        return &processors[clip ? 0 : 1];
    const char *name = json_string_value(type);
    static const char *const endings[] = {"ImageProcessor", "ImageProcessorFast",
                                          "ImageProcessorPil", "FeatureExtractor"};
    for (size_t i = 0; name && i < sizeof processors / sizeof *processors; i++) {
        size_t length = strlen(processors[i].name);
        if (strncmp(name, processors[i].name, length) != 0)
            continue;
        for (size_t e = 0; e < sizeof endings / sizeof *endings; e++)
            if (strcmp(name + length, endings[e]) == 0)
                return &processors[i];
    }
    error_set(error,
              "image_processor_type %s is not supported; CLIPImageProcessor and "
              "ViTImageProcessor are",
              name ? name : "(no text)");
    return NULL;
}

/* Every step that a processor can be told to do is one of these, or changes nothing of
 * a picture that is RGB already, as all are here. use_square_size is KOSMOS-2's. */
static int check_steps(const json_t *config, struct error *error) {
    static const char *const known[] = {"do_resize", "do_center_crop", "do_rescale",
                                        "do_normalize", "do_convert_rgb"};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)config, key, value) {
        bool is_known = strncmp(key, "do_", 3) != 0 || !json_is_true(value);
        for (size_t i = 0; !is_known && i < sizeof known / sizeof *known; i++)
            is_known = strcmp(key, known[i]) == 0;
        if (!is_known)
            return error_set(error, "%s is true; that step is not supported", key);
    }
    const json_t *square = get(config, "use_square_size");
    if (square && !json_is_false(square))
        return error_set(error, "use_square_size is not supported; give size as an "
                                "object with height and width");
    return 0;
}

static int read_size(const json_t *config, const struct processor *processor,
                     struct preprocess *out, struct error *error) {
    const json_t *size = get(config, "size");
    out->shortest_edge = size ? false : processor->shortest_edge;
    out->width = out->height = DEFAULT_SIZE;
    if (!size)
        return 0;
    const json_t *shortest = get(size, "shortest_edge"), *width = get(size, "width"),
                 *height = get(size, "height");
    if (json_is_integer(size)) {
        out->shortest_edge = processor->int_is_shortest_edge;
        /* The slow processors of transformers pass over this key, the fast ones do
         * not. */
        const json_t *square = get(config, "default_to_square");
        if (square && json_is_true(square) == out->shortest_edge)
            return error_set(error,
                             "default_to_square makes %s of size %lld, unlike the "
                             "processor; give size as an object",
                             json_is_true(square) ? "a square" : "the shortest edge",
                             (long long)json_integer_value(size));
        if (read_edge(size, "size", &out->width, error))
            return -1;
        out->height = out->width;
        return 0;
    }
    if (json_is_array(size) && json_array_size(size) == 2)
        return read_edge(json_array_get(size, 0), "size", &out->height, error) ||
                       read_edge(json_array_get(size, 1), "size", &out->width, error)
                   ? -1
                   : 0;
    if (shortest && json_object_size(size) == 1) {
        out->shortest_edge = true;
        if (read_edge(shortest, "size.shortest_edge", &out->width, error))
            return -1;
        out->height = out->width;
        return 0;
    }
    if (width && height && json_object_size(size) == 2)
        return read_edge(width, "size.width", &out->width, error) ||
                       read_edge(height, "size.height", &out->height, error)
                   ? -1
                   : 0;
    return error_set(error, "size must be a number, or an object with shortest_edge or "
                            "with height and width");
}

static int read_crop(const json_t *config, size_t *crop, struct error *error) {
    const json_t *found = get(config, "crop_size");
    *crop = DEFAULT_SIZE;
    if (!found)
        return 0;
    if (json_is_integer(found))
        return read_edge(found, "crop_size", crop, error);
    bool list = json_is_array(found) && json_array_size(found) == 2;
    const json_t *height = list ? json_array_get(found, 0) : get(found, "height"),
                 *width = list ? json_array_get(found, 1) : get(found, "width");
    size_t tall;
    if (read_edge(width, "crop_size.width", crop, error) ||
        read_edge(height, "crop_size.height", &tall, error))
        return -1;
    if (tall != *crop)
        return error_set(error, "crop_size is %zu x %zu; the model's images are square",
                         *crop, tall);
    return 0;
}

static int read_geometry(const json_t *config, const struct processor *processor,
                         size_t image_size, struct preprocess *out,
                         struct error *error) {
    bool resize = true, crop = processor->center_crop;
    if (read_bool(config, "do_resize", &resize, error) ||
        read_bool(config, "do_center_crop", &crop, error))
        return -1;
    if (resize && read_size(config, processor, out, error))
        return -1;
    if (crop && read_crop(config, &out->crop, error))
        return -1;
    out->size = image_size;
    if (crop && out->crop != image_size)
        return error_set(error, "crop_size is %zu, the model's image_size is %zu",
                         out->crop, image_size);
    if (!crop && resize && (out->width != image_size || out->height != image_size))
        return error_set(error, "size is %zu x %zu, the model's image_size is %zu",
                         out->width, out->height, image_size);
    out->resample = processor->resample;
    const json_t *resample = get(config, "resample");
    if (!resample)
        return 0;
    json_int_t number = json_is_integer(resample) ? json_integer_value(resample) : -1;
    if (number < RESAMPLE_NEAREST || number > RESAMPLE_HAMMING)
        return error_set(error, "resample is not a number from 0 to 5");
    out->resample = (enum resample)number;
    return 0;
}

static int read_scale(const json_t *config, const struct processor *processor,
                      struct preprocess *out, struct error *error) {
    bool rescale = true, normalise = true;
    if (read_bool(config, "do_rescale", &rescale, error) ||
        read_bool(config, "do_normalize", &normalise, error))
        return -1;
    double factor = 1.0 / 255, mean[3], std[3];
    const json_t *found = get(config, "rescale_factor");
    if (found && !json_is_number(found))
        return error_set(error, "rescale_factor is not a number");
    if (found)
        factor = json_number_value(found);
    memcpy(mean, processor->mean, sizeof mean);
    memcpy(std, processor->std, sizeof std);
    if (read_channels(config, "image_mean", mean, error) ||
        read_channels(config, "image_std", std, error))
        return -1;
    for (size_t c = 0; c < 3; c++) {
        double scale = rescale ? factor : 1, shift = 0;
        if (normalise) {
            scale /= std[c];
            shift = -mean[c] / std[c];
        }
        out->scale[c] = (float)scale;
        out->shift[c] = (float)shift;
        if (!isfinite(out->scale[c]) || !isfinite(out->shift[c]))
            return error_set(error,
                             "rescale_factor, image_mean and image_std do not give "
                             "finite values");
    }
    return 0;
}

int preprocess_read(const json_t *config, bool clip, size_t image_size,
                    struct preprocess *out, struct error *error) {
    *out = (struct preprocess){0};
    if (image_size < 1 || image_size > LARGEST_SIZE)
        return error_set(error, "an image_size of %zu; it can be from 1 to %d",
                         image_size, LARGEST_SIZE);
    if (!config) {
        const struct processor *processor = &processors[clip ? 0 : 1];
        out->width = out->height = out->size = image_size;
        out->shortest_edge = processor->shortest_edge;
        out->crop = processor->center_crop ? image_size : 0;
        out->resample = processor->resample;
        return read_scale(NULL, processor, out, error);
    }
    if (!json_is_object(config))
        return error_set(error, "not an object");
    if (check_steps(config, error))
        return -1;
    const struct processor *processor = find_processor(config, clip, error);
    if (!processor || read_geometry(config, processor, image_size, out, error))
        return -1;
    return read_scale(config, processor, out, error);
}

/* The picture's size after the resize. transformers computes edge * long / short
 * in f64 and cuts it to an integer. */
static void resized(const struct preprocess *p, size_t *width, size_t *height) {
    if (p->width == 0)
        return;
    if (!p->shortest_edge) {
        *width = p->width;
        *height = p->height;
        return;
    }
    bool upright = *width <= *height;
    size_t shorter = upright ? *width : *height, longer = upright ? *height : *width;
    longer = (size_t)((double)(p->width * longer) / (double)shorter);
    *width = upright ? p->width : longer;
    *height = upright ? longer : p->width;
}

/* Along one axis: `have` pixels and a centre crop to `want`. The first of the
 * pixels that stay, and how many zeros come before them. */
static void crop_axis(size_t have, size_t want, size_t *first, size_t *zeros) {
    *first = have > want ? (have - want) / 2 : 0;
    *zeros = have < want ? (want - have + 1) / 2 : 0;
}

bool preprocess_same(const struct preprocess *a, const struct preprocess *b) {
    bool same = a->resample == b->resample && a->shortest_edge == b->shortest_edge &&
                a->width == b->width && a->height == b->height && a->crop == b->crop &&
                a->size == b->size;
    for (size_t c = 0; c < 3; c++)
        same = same && !(a->scale[c] < b->scale[c] || a->scale[c] > b->scale[c] ||
                         a->shift[c] < b->shift[c] || a->shift[c] > b->shift[c]);
    return same;
}

int preprocess_apply(const struct preprocess *p, const uint8_t *rgb, size_t width,
                     size_t height, uint8_t *out, struct error *error) {
    size_t to_width = width, to_height = height, size = p->size;
    resized(p, &to_width, &to_height);
    if (!p->crop && (to_width != size || to_height != size))
        return error_set(
            error,
            "preprocessing makes the picture %zu x %zu pixels, the model's are "
            "%zu x %zu, and there is no crop",
            to_width, to_height, size, size);
    struct window window;
    size_t left, top;
    crop_axis(to_width, size, &window.left, &left);
    crop_axis(to_height, size, &window.top, &top);
    window.width = to_width < size ? to_width : size;
    window.height = to_height < size ? to_height : size;
    if (window.width < size || window.height < size)
        memset(out, 0, 3 * size * size);
    return resize_rgb(rgb, width, height, to_width, to_height, p->resample, window,
                      out + top * size + left, size, size * size, error);
}
