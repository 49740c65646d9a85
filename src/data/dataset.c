#include "data/dataset.h"

#include <errno.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "data/draw.h"
#include "data/folder.h"
#include "data/idx.h"
#include "data/image.h"
#include "data/names.h"
#include "data/texts.h"

static const char reading[] = "reading images";

static size_t pixel_bytes(const struct dataset *dataset) {
    return 3 * dataset->size * dataset->size; /* size is at most 16384 */
}

static int allocate_pixels(struct dataset *dataset, struct error *error) {
    dataset->pixels = array_new(dataset->count, pixel_bytes(dataset));
    return dataset->pixels ? 0 : error_memory(error);
}

/* --- class folders ------------------------------------------------------- */

/* Keeps what the limit allows; the other names are freed. */
static int limit_folders(struct class_folders *folders, size_t limit,
                         struct error *error) {
    uint32_t *kept;
    if (limit == 0 || limit >= folders->count)
        return 0;
    if (draw_examples(folders->labels, folders->count, folders->classes, limit, &kept,
                      error))
        return -1;
    size_t next = 0;
    for (size_t i = 0; i < folders->count; i++) {
        if (next < limit && kept[next] == i) {
            folders->files[next] = folders->files[i];
            folders->labels[next++] = folders->labels[i];
        } else {
            free(folders->files[i]);
        }
    }
    folders->count = limit;
    free(kept);
    return 0;
}

static int read_one(const char *path, const char *name, const struct preprocess *p,
                    uint8_t *out, struct error *error) {
    struct image image;
    char *file = text_format("%s/%s", path, name);
    if (!file)
        return error_memory(error);
    int status = image_read(file, &image, error);
    if (status == 0) {
        status = preprocess_apply(p, image.rgb, image.width, image.height, out, error);
        if (status)
            error_prefix(error, "%s", file);
        image_release(&image);
    }
    free(file);
    return status;
}

/* Of several bad files the first in the list is told of, whatever the threads do:
 * when file i fails, those before it are still read. */
static int read_files(const char *path, const struct dataset_options *options,
                      struct dataset *dataset, int threads, const struct work *work,
                      struct error *error) {
    size_t failed = dataset->count, done = 0;
    bool stopped = false;
#pragma omp parallel for schedule(dynamic, 4) num_threads(threads)
    for (size_t i = 0; i < dataset->count; i++) {
        size_t first_failed, done_now;
        struct error problem;
#pragma omp atomic read
        first_failed = failed;
        if (i > first_failed)
            continue;
        if (work_stopped(work)) {
#pragma omp atomic write
            stopped = true;
            continue;
        }
        if (read_one(path, dataset->example_names[i], options->preprocess,
                     dataset->pixels + i * pixel_bytes(dataset), &problem)) {
#pragma omp critical(dataset_failed)
            if (i < failed) {
#pragma omp atomic write
                failed = i;
                *error = problem;
            }
        }
#pragma omp atomic capture
        done_now = ++done;
        if (omp_get_thread_num() == 0)
            work_report(work, reading, done_now, dataset->count);
    }
    if (failed < dataset->count)
        return -1;
    return stopped ? error_set(error, "stopped") : 0;
}

/* The given classes instead of the folders', whatever the labels are. */
static int name_folders(const struct classes *classes, struct class_folders *folders,
                        struct error *error) {
    class_names_release(folders->class_names, folders->classes);
    folders->classes = 0;
    folders->class_names = class_names_copy(classes->names, classes->count);
    if (!folders->class_names)
        return error_memory(error);
    folders->classes = classes->count;
    return 0;
}

/* The same, and their labels. */
static int label_folders(const char *path, const struct classes *classes,
                         struct class_folders *folders, struct error *error) {
    size_t *place = array_new(folders->classes, sizeof *place);
    bool loosely;
    int status = place ? classes_place(classes, folders->class_names, folders->classes,
                                       place, &loosely, error)
                       : error_memory(error);
    for (size_t i = 0; status == 0 && i < folders->classes; i++)
        if (place[i] == SIZE_MAX) {
            char known[400];
            status = error_set(
                error, "%s/%s: is none of the classes: %s", path,
                folders->class_names[i],
                classes_text(classes->names, classes->count, known, sizeof known));
        }
    for (size_t i = 0; status == 0 && i < folders->count; i++)
        folders->labels[i] = (int32_t)place[folders->labels[i]];
    free(place);
    return status ? -1 : name_folders(classes, folders, error);
}

static int open_folders(const char *path, const struct dataset_options *options,
                        struct dataset *dataset, int threads, const struct work *work,
                        struct error *error) {
    struct class_folders folders;
    const struct data_form *form = options->form;
    bool plain = form && form->unlabelled;
    if (plain ? plain_folder_read(path, &folders, error)
              : class_folders_read(path, form && form->nested, &folders, error))
        return -1;
    int status = !options->classes ? 0
                 : plain           ? name_folders(options->classes, &folders, error)
                         : label_folders(path, options->classes, &folders, error);
    if (status == 0)
        status = limit_folders(&folders, options->limit, error);
    if (status) {
        class_folders_release(&folders);
        return -1;
    }
    dataset->count = folders.count;
    dataset->classes = folders.classes;
    dataset->labels = folders.labels;
    dataset->class_names = folders.class_names;
    dataset->example_names = folders.files;
    if (allocate_pixels(dataset, error))
        return -1;
    return read_files(path, options, dataset, threads, work, error);
}

/* --- idx files ------------------------------------------------------------ */

/* The labels as the given classes, or as they are. */
static int label_idx(const char *path, const struct classes *classes,
                     const uint8_t *labels, size_t count, struct dataset *dataset,
                     struct error *error) {
    size_t most = 0;
    dataset->labels = array_new(count, sizeof *dataset->labels);
    if (!dataset->labels)
        return error_memory(error);
    for (size_t i = 0; i < count; i++) {
        size_t label = classes ? classes_of_number(classes, labels[i]) : labels[i];
        if (label == SIZE_MAX)
            return error_set(error, "%s: label %u of %zu classes", path,
                             (unsigned)labels[i], classes->count);
        most = label > most ? label : most;
        dataset->labels[i] = (int32_t)label;
    }
    if (classes) {
        dataset->class_names = class_names_copy(classes->names, classes->count);
        dataset->classes = dataset->class_names ? classes->count : 0;
        return dataset->class_names ? 0 : error_memory(error);
    }
    dataset->class_names = array_new(most + 1, sizeof *dataset->class_names);
    if (!dataset->class_names)
        return error_memory(error);
    dataset->classes = most + 1;
    for (size_t i = 0; i <= most; i++)
        if (!(dataset->class_names[i] = text_format("%zu", i)))
            return error_memory(error);
    return 0;
}

/* Preprocesses grey u8 [height, width] into example i. */
static int take_grey(const struct preprocess *p, const uint8_t *grey, size_t width,
                     size_t height, uint8_t *out, struct error *error) {
    uint8_t *rgb = malloc(3 * width * height);
    if (!rgb)
        return error_memory(error);
    for (size_t i = 0; i < width * height; i++)
        memset(rgb + 3 * i, grey[i], 3);
    int status = preprocess_apply(p, rgb, width, height, out, error);
    free(rgb);
    return status;
}

/* Reads the images in chunks and preprocesses those that are kept (all if kept is
 * NULL), each chunk with all threads. */
static int read_images(struct idx_images *images, const uint32_t *kept,
                       const struct preprocess *p, struct dataset *dataset, int threads,
                       const struct work *work, struct error *error) {
    enum { CHUNK_BYTES = 4 << 20 };
    size_t area = images->width * images->height, next = 0;
    size_t chunk = area > CHUNK_BYTES ? 1 : CHUNK_BYTES / area;
    uint8_t *grey = array_new(chunk, area);
    if (!grey)
        return error_memory(error);
    int status = 0;
    while (status == 0 && images->read < images->count) {
        size_t first = images->read, left = images->count - first;
        size_t n = chunk < left ? chunk : left, begin = next;
        if (work_stopped(work)) {
            status = error_set(error, "stopped");
            break;
        }
        status = idx_images_next(images, n, grey, error);
        while (next < dataset->count && (kept ? kept[next] : next) < first + n)
            next++;
        bool failed = false;
        if (status)
            break;
#pragma omp parallel for schedule(dynamic, 16) num_threads(threads)
        for (size_t i = begin; i < next; i++) {
            struct error problem;
            size_t index = kept ? kept[i] : i;
            if (take_grey(p, grey + (index - first) * area, images->width,
                          images->height, dataset->pixels + i * pixel_bytes(dataset),
                          &problem)) {
#pragma omp critical(dataset_failed)
                {
                    failed = true;
                    *error = problem; /* the images differ in nothing that can fail */
                }
            }
        }
        status = failed ? -1 : 0;
        work_report(work, reading, next, dataset->count);
    }
    free(grey);
    return status;
}

/* Of all labels, which are in the dataset, those that are kept, and their images. */
static int fill_idx(const char *path, struct idx_images *images,
                    const struct dataset_options *options, struct dataset *dataset,
                    int threads, const struct work *work, struct error *error) {
    size_t count = images->count;
    uint32_t *kept = NULL;
    dataset->count = count;
    if (options->limit && options->limit < count) {
        if (draw_examples(dataset->labels, count, dataset->classes, options->limit,
                          &kept, error))
            return -1;
        dataset->count = options->limit;
        for (size_t i = 0; i < dataset->count; i++)
            dataset->labels[i] = dataset->labels[kept[i]]; /* kept ascends */
    }
    int status = allocate_pixels(dataset, error);
    if (status == 0)
        status = read_images(images, kept, options->preprocess, dataset, threads, work,
                             error);
    free(kept);
    return status ? error_prefix(error, "%s", path) : 0;
}

/* The images alone, all labels 0. */
static int open_plain_idx(const char *path, const struct dataset_options *options,
                          struct dataset *dataset, int threads, const struct work *work,
                          struct error *error) {
    struct idx_images images;
    if (idx_images_open(path, &images, error))
        return -1;
    uint8_t *labels = array_new(images.count, 1);
    int status = labels ? label_idx(path, NULL, labels, images.count, dataset, error)
                        : error_memory(error);
    if (status == 0 && options->classes) {
        class_names_release(dataset->class_names, dataset->classes);
        const struct classes *given = options->classes;
        dataset->class_names = class_names_copy(given->names, given->count);
        dataset->classes = dataset->class_names ? given->count : 0;
        status = dataset->class_names ? 0 : error_memory(error);
    }
    if (status == 0)
        status = fill_idx(path, &images, options, dataset, threads, work, error);
    idx_images_close(&images);
    free(labels);
    return status;
}

static int open_idx(const char *path, const struct dataset_options *options,
                    struct dataset *dataset, int threads, const struct work *work,
                    struct error *error) {
    struct idx_images images;
    uint8_t *labels = NULL;
    size_t count;
    if (options->form && options->form->unlabelled)
        return open_plain_idx(path, options, dataset, threads, work, error);
    char *beside = idx_labels_path(path, error);
    if (!beside)
        return -1;
    int status = idx_labels_read(beside, &labels, &count, error);
    if (status == 0)
        status = idx_images_open(path, &images, error);
    if (status == 0) {
        if (images.count != count)
            status = error_set(error, "%s has %zu images, %s has %zu labels", path,
                               images.count, beside, count);
        if (status == 0)
            status = label_idx(beside, options->classes, labels, count, dataset, error);
        if (status == 0)
            status = fill_idx(path, &images, options, dataset, threads, work, error);
        idx_images_close(&images);
    }
    free(labels);
    free(beside);
    return status;
}

/* --- all ------------------------------------------------------------------ */

int dataset_open(const char *path, const struct dataset_options *options,
                 struct dataset **out, const struct work *work, struct error *error) {
    struct stat about;
    *out = NULL;
    if (stat(path, &about))
        return error_set(error, "%s: %s", path, strerror(errno));
    struct dataset *dataset = array_new(1, sizeof *dataset);
    if (!dataset)
        return error_memory(error);
    int threads = options->threads ? (int)options->threads : omp_get_num_procs(),
        status;
    if (!options->tokenizer)
        dataset->size = options->preprocess->size;
    if (options->tokenizer)
        status = texts_read(path, options, threads, dataset, work, error);
    else if (S_ISDIR(about.st_mode))
        status = open_folders(path, options, dataset, threads, work, error);
    else
        status = open_idx(path, options, dataset, threads, work, error);
    if (status) {
        dataset_close(dataset);
        return -1;
    }
    *out = dataset;
    return 0;
}

void dataset_close(struct dataset *dataset) {
    if (!dataset)
        return;
    class_names_release(dataset->class_names, dataset->classes);
    class_names_release(dataset->example_names, dataset->count);
    free(dataset->labels);
    free(dataset->pixels);
    free(dataset->tokens);
    free(dataset->begin);
    free(dataset);
}
