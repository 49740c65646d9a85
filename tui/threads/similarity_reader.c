#include "threads/similarity_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "eval/similarity.h"

static void tell_progress(void *self, const char *what, size_t done, size_t total) {
    (void)what;
    struct similarity_reader *reader = self;
    struct event event = {.kind = EVENT_SIMILARITY, .done = done, .total = total};
    mailbox_post(reader->mailbox, &event, true);
}

static int compare(struct similarity_reader *reader, struct similarity *similarity,
                   struct error *error) {
    struct store *store = NULL;
    struct store_recipe *recipe = NULL;
    struct work work = {&reader->stop, tell_progress, reader};
    char *folder = store_folder(reader->path);
    int result = folder ? store_open(reader->path, STORE_READ_ONLY, &store, error) ||
                              store_recipe(store, &recipe, error) ||
                              similarity_make(recipe, folder, similarity, &work, error)
                        : error_memory(error);
    store_recipe_free(recipe);
    store_close(store);
    free(folder);
    return result ? -1 : 0;
}

static void *run(void *self) {
    struct similarity_reader *reader = self;
    struct event event = {.kind = EVENT_SIMILARITY};
    struct error error = {.text = ""};
    event.similarity = array_new(1, sizeof *event.similarity);
    if (!event.similarity || compare(reader, event.similarity, &error)) {
        if (!event.similarity)
            error_memory(&error);
        free(event.similarity);
        event.similarity = NULL;
        snprintf(event.text, sizeof event.text, "%s", TEXT_CUT(error.text, 1000));
    }
    mailbox_post(reader->mailbox, &event, true);
    return NULL;
}

void similarity_reader_stop(struct similarity_reader *reader) {
    if (!reader->started)
        return;
    atomic_store(&reader->stop, true);
    pthread_join(reader->thread, NULL);
    reader->started = false;
}

int similarity_reader_begin(struct similarity_reader *reader, struct mailbox *mailbox,
                            const char *path, struct error *error) {
    similarity_reader_stop(reader);
    atomic_store(&reader->stop, false);
    reader->path = path;
    reader->mailbox = mailbox;
    int failed = pthread_create(&reader->thread, NULL, run, reader);
    if (failed)
        return error_set(error, "cannot start a thread: %s", strerror(failed));
    reader->started = true;
    return 0;
}
