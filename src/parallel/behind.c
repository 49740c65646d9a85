#include "parallel/behind.h"

#include "parallel/ranks.h"

/* Waits until a value and those behind it are there. */
static void wait_until_made(struct behind *b, size_t value) {
    pthread_mutex_lock(&b->lock);
    while (b->made > value)
        pthread_cond_wait(&b->more, &b->lock);
    pthread_mutex_unlock(&b->lock);
}

static void *add_all(void *self) {
    struct behind *b = self;
    while (b->result == 0 && b->left > 0) {
        size_t piece = b->left - 1, begin = b->begins[piece];
        wait_until_made(b, begin);
        b->result = ranks_add_parts(b->ranks, b->values + begin,
                                    b->begins[piece + 1] - begin, &b->error);
        if (b->result == 0)
            b->left--;
    }
    return NULL;
}

void behind_begin(struct behind *b, struct ranks *ranks, float *values,
                  const size_t *begins, size_t pieces) {
    *b = (struct behind){
        .ranks = ranks, .values = values, .begins = begins, .made = begins[pieces]};
    atomic_init(&b->left, pieces);
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->more, NULL);
    b->threaded = pthread_create(&b->thread, NULL, add_all, b) == 0;
}

void behind_made(struct behind *b, size_t from) {
    pthread_mutex_lock(&b->lock);
    b->made = from;
    pthread_cond_signal(&b->more);
    pthread_mutex_unlock(&b->lock);
}

int behind_end(struct behind *b, struct error *error) {
    behind_made(b, 0);
    if (b->threaded)
        pthread_join(b->thread, NULL);
    else
        add_all(b);
    pthread_cond_destroy(&b->more);
    pthread_mutex_destroy(&b->lock);
    if (b->result)
        *error = b->error;
    return b->result;
}
