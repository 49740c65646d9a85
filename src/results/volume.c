#include "results/volume.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "results/front.h"

int volume_points_make(struct volume_points *points, const struct catalog *catalog,
                       struct error *error) {
    *points = (struct volume_points){
        .solutions = array_new(catalog->count, sizeof *points->solutions),
        .fp8 = array_new(catalog->count, sizeof *points->fp8)};
    if (!points->solutions || !points->fp8) {
        volume_points_clear(points);
        return error_memory(error);
    }
    for (size_t i = 0; i < catalog->count; i++) {
        points->solutions[i] = catalog->rows[i].solution.id;
        points->fp8[i] = catalog->solutions[i].fp8;
    }
    if (front_points(catalog, NULL, NULL, 0, &points->points, error) == 0)
        return 0;
    volume_points_clear(points);
    return -1;
}

void volume_points_clear(struct volume_points *points) {
    oriented_clear(&points->points);
    free(points->solutions);
    free(points->fp8);
    points->solutions = NULL;
    points->fp8 = NULL;
}

bool volume_points_same(const struct volume_points *a, const struct volume_points *b) {
    const struct oriented *p = &a->points, *q = &b->points;
    size_t cells = p->count * p->objectives;
    if (p->objectives != q->objectives || p->count != q->count ||
        memcmp(p->reference, q->reference, sizeof p->reference))
        return false;
    for (size_t i = 0; i < p->count; i++)
        if (a->solutions[p->rows[i]] != b->solutions[q->rows[i]] ||
            a->fp8[p->rows[i]] != b->fp8[q->rows[i]])
            return false;
    return !cells || !memcmp(p->values, q->values, cells * sizeof *p->values);
}

struct front_volume *front_volume_new(const struct volume_points *points,
                                      enum volume_state state, double value,
                                      const double *contributions) {
    const struct oriented *front = &points->points;
    size_t count = front->count;
    struct front_volume *volume = array_new(1, sizeof *volume);
    if (!volume)
        return NULL;
    *volume = (struct front_volume){
        .state = state, .tasks = front->objectives, .count = count, .value = value};
    for (size_t t = 0; t < front->objectives; t++)
        volume->reference[t] = front->own_reference[t];
    volume->solutions = array_new(count, sizeof *volume->solutions);
    if (contributions)
        volume->contributions = array_new(count, sizeof *volume->contributions);
    if (!volume->solutions || (contributions && !volume->contributions)) {
        front_volume_free(volume);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        volume->solutions[i] = points->solutions[front->rows[i]];
        volume->fp8 += points->fp8[front->rows[i]];
        if (contributions)
            volume->contributions[i] = contributions[i];
    }
    return volume;
}

void front_volume_free(struct front_volume *volume) {
    if (!volume)
        return;
    free(volume->solutions);
    free(volume->contributions);
    free(volume);
}

static int order_ids(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

bool front_volume_contribution(const struct front_volume *volume, int64_t solution,
                               double *contribution) {
    if (!volume || volume->state != VOLUME_KNOWN || !volume->contributions)
        return false;
    *contribution = 0;
    if (!volume->count)
        return true;
    const int64_t *found = bsearch(&solution, volume->solutions, volume->count,
                                   sizeof solution, order_ids);
    if (found)
        *contribution = volume->contributions[found - volume->solutions];
    return true;
}
