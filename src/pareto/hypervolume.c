#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/inside.h"
#include "pareto/pareto.h"
#include "pareto/sweep.h"
#include "pareto/wfg.h"

static int volume_many(const double *rows, size_t count, size_t objectives,
                       const double *reference, double *volume, const struct work *work,
                       struct error *error) {
    struct wfg wfg;
    int result = wfg_new(&wfg, count, objectives, error);
    wfg.work = wfg.room.work = work;
    if (result == 0) {
        memcpy(wfg.levels[0].rows, rows, count * objectives * sizeof *rows);
        *volume = wfg_dominated(&wfg, 0, count, objectives, reference);
        if (wfg.zones.refused)
            result = error_memory(error);
    }
    wfg_free(&wfg);
    return result;
}

int pareto_hypervolume(const double *points, size_t count, size_t objectives,
                       const double *reference, double *volume, const struct work *work,
                       struct error *error) {
    size_t inside;
    double *rows = inside_points(points, count, objectives, reference, &inside, error);
    int result = 0;
    *volume = 0;
    if (!rows || inside == 0) {
        free(rows);
        return rows ? 0 : -1;
    }
    if (objectives == 1) {
        for (size_t i = 0; i < inside; i++)
            *volume = fmax(*volume, reference[0] - rows[i]);
    } else if (objectives == 2) {
        struct order_item *items = array_new(inside, 2 * sizeof *items);
        if (items)
            *volume = sweep_area(rows, inside, reference, items, items + inside);
        else
            result = error_memory(error);
        free(items);
    } else if (objectives == 3) {
        if (sweep_volume(rows, inside, reference, volume))
            result = error_memory(error);
    } else {
        result = volume_many(rows, inside, objectives, reference, volume, work, error);
    }
    free(rows);
    if (result == 0 && work_stopped(work))
        return error_set(error, "stopped");
    if (result == 0 && !isfinite(*volume))
        return error_set(error, "the hypervolume is larger than numbers can be; give "
                                "points in other units");
    return result;
}

/* Two objectives: between the least y to the left and the next point that is lower,
 * O(n log n) since each walk to the right ends at the next of the front. */
static int contributions_two(const double *rows, size_t count, const double *reference,
                             double *contributions, struct error *error) {
    struct order_item *items = array_new(count, 2 * sizeof *items);
    if (!items)
        return error_memory(error);
    for (int j = 1; j >= 0; j--) {
        for (size_t i = 0; i < count; i++) {
            if (j == 1)
                items[i].index = i;
            items[i].key = rows[2 * items[i].index + (size_t)j];
        }
        order_sort(items, items + count, count);
    }
    double top = reference[1];
    for (size_t i = 0; i < count; i++) {
        const double *p = rows + 2 * items[i].index;
        double area = 0;
        if (p[1] < top) {
            double roof = top, left = p[0];
            size_t k = i + 1;
            for (; k < count && rows[2 * items[k].index + 1] > p[1]; k++) {
                const double *q = rows + 2 * items[k].index;
                if (q[1] >= roof)
                    continue;
                area += (q[0] - left) * (roof - p[1]);
                left = q[0];
                roof = q[1];
            }
            area += ((k < count ? rows[2 * items[k].index] : reference[0]) - left) *
                    (roof - p[1]);
            top = p[1];
        }
        contributions[items[i].index] = area;
    }
    free(items);
    return 0;
}

static int contributions_three(const double *rows, size_t count,
                               const double *reference, double *contributions,
                               const struct work *work, struct error *error) {
    struct sweep_room room;
    size_t *place = array_new(count, 2 * sizeof *place);
    if (sweep_room_new(&room, count) || !place) {
        sweep_room_free(&room);
        free(place);
        return error_memory(error);
    }
    sweep_sort(room.by_x, rows, count, 0, &room);
    for (size_t i = 0; i < count; i++)
        place[room.items[i].index] = i;
    sweep_sort(room.by_z, rows, count, 2, &room);
    for (size_t i = 0; i < count; i++)
        place[count + room.items[i].index] = i;
    struct sweep_point high = {reference[0], reference[1], reference[2]};
    for (size_t i = 0; i < count && !work_stopped(work); i++) {
        /* The point itself is out of sight while its coordinates are infinite,
         * other than the one by which the list is sorted. */
        struct sweep_point *in_x = &room.by_x[place[i]];
        struct sweep_point *in_z = &room.by_z[place[count + i]];
        struct sweep_point p = *in_x;
        in_x->z = in_z->x = INFINITY;
        contributions[i] = fmax(
            0, sweep_undominated(room.by_x, room.by_z, count, p, high, room.stair));
        *in_x = *in_z = p;
    }
    sweep_room_free(&room);
    free(place);
    return 0;
}

static void swap_rows(double *a, double *b, size_t objectives) {
    for (size_t j = 0; j < objectives; j++) {
        double value = a[j];
        a[j] = b[j];
        b[j] = value;
    }
}

static int contributions_many(double *rows, size_t count, size_t objectives,
                              const double *reference, double *contributions,
                              const struct work *work, struct error *error) {
    struct wfg wfg;
    int result = wfg_new(&wfg, count, objectives, error);
    wfg.work = wfg.room.work = work;
    double *last = rows + (count - 1) * objectives;
    for (size_t i = 0; result == 0 && i < count && !work_stopped(work); i++) {
        double *row = rows + i * objectives;
        work_report(work, "what each point adds", i, count);
        swap_rows(row, last, objectives);
        contributions[i] = fmax(0, wfg_undominated(&wfg, 0, rows, count - 1, objectives,
                                                   objectives, last, reference));
        swap_rows(row, last, objectives);
        if (wfg.zones.refused)
            result = error_memory(error);
    }
    wfg_free(&wfg);
    return result;
}

int pareto_contributions(const double *points, size_t count, size_t objectives,
                         const double *reference, double *contributions,
                         const struct work *work, struct error *error) {
    size_t inside;
    double *rows = inside_points(points, count, objectives, reference, &inside, error);
    int result = rows ? 0 : -1;
    if (result == 0 && inside > 0)
        result =
            (objectives == 2
                 ? contributions_two(rows, inside, reference, contributions, error)
             : objectives == 3 ? contributions_three(rows, inside, reference,
                                                     contributions, work, error)
                               : contributions_many(rows, inside, objectives, reference,
                                                    contributions, work, error));
    free(rows);
    if (result)
        return -1;
    if (work_stopped(work))
        return error_set(error, "stopped");
    /* Back to the places of all points, from the end so that none is lost. */
    for (size_t i = count; i-- > 0;)
        contributions[i] = inside_box(points + i * objectives, reference, objectives)
                               ? contributions[--inside]
                               : 0;
    return 0;
}
