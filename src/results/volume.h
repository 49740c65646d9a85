/* The hypervolume of what was merged and measured here, up to the reference point that
 * is stored with the file, and what each point of the front adds to it. Worked out
 * apart from the catalog that the points come from: it may take long. */
#ifndef PWEMOE_RESULTS_VOLUME_H
#define PWEMOE_RESULTS_VOLUME_H

#include "results/catalog.h"
#include "results/oriented.h"

struct volume_points {
    struct oriented points;
    int64_t *solutions; /* the id of each row */
    bool *fp8;          /* of each row */
};
int volume_points_make(struct volume_points *points, const struct catalog *catalog,
                       struct error *error);
void volume_points_clear(struct volume_points *points);
/* Would both have the same volume, of the same solutions, measured alike? */
bool volume_points_same(const struct volume_points *a, const struct volume_points *b);

enum volume_state {
    VOLUME_WORKING, /* nothing else is known yet */
    VOLUME_KNOWN,
    VOLUME_TOO_LONG /* it was given up */
};

struct front_volume {
    enum volume_state state;
    size_t tasks, count;               /* points of the front */
    size_t fp8;                        /* so many of them were measured in fp8 */
    double reference[STORE_TASKS_MAX]; /* as it is stored */
    double value;
    double within;         /* what part of itself it may be off by; 0: exact */
    int64_t *solutions;    /* [count], rising */
    double *contributions; /* [count]; NULL: not known (yet, or given up) */
};
/* contributions [points] are copied, or NULL. NULL where memory is out. */
struct front_volume *front_volume_new(const struct volume_points *points,
                                      enum volume_state state, double value,
                                      const double *contributions);
void front_volume_free(struct front_volume *volume); /* NULL is fine */
/* What a solution adds; 0 for one that is not of the front. false: not known. */
bool front_volume_contribution(const struct front_volume *volume, int64_t solution,
                               double *contribution);

#endif
