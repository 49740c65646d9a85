#include "plot/triangles.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"

/* Points of a grid lie four and more on one circle, where rounding decides who is
 * inside and leaves holes: they are moved a little, by no more than is seen. */
#define JITTER 1e-5

struct hole_side {
    size_t a, b;
};

struct mesh {
    const double *points; /* [count + 3, 2]: three of a triangle around all come last */
    struct triangle *triangles;
    size_t count, capacity;
    struct hole_side *sides; /* of the hole that an insertion makes */
    size_t side_count, side_capacity;
};

/* Twice the signed area. */
static double turn(const double *a, const double *b, const double *c) {
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

/* Is p inside the circle through the corners, which turn to the left? */
static bool is_inside(const struct mesh *m, const struct triangle *t, const double *p) {
    double d[3][3];
    for (size_t i = 0; i < 3; i++) {
        const double *corner = m->points + 2 * t->corner[i];
        d[i][0] = corner[0] - p[0];
        d[i][1] = corner[1] - p[1];
        d[i][2] = d[i][0] * d[i][0] + d[i][1] * d[i][1];
    }
    return d[0][0] * (d[1][1] * d[2][2] - d[1][2] * d[2][1]) -
               d[0][1] * (d[1][0] * d[2][2] - d[1][2] * d[2][0]) +
               d[0][2] * (d[1][0] * d[2][1] - d[1][1] * d[2][0]) >
           0;
}

static int add_triangle(struct mesh *m, size_t a, size_t b, size_t c) {
    if (array_reserve((void **)&m->triangles, &m->capacity, m->count + 1,
                      sizeof *m->triangles))
        return -1;
    bool left = turn(m->points + 2 * a, m->points + 2 * b, m->points + 2 * c) > 0;
    m->triangles[m->count++] =
        left ? (struct triangle){{a, b, c}} : (struct triangle){{a, c, b}};
    return 0;
}

/* A side of two triangles that go is inside the hole: it is taken out again. */
static int add_side(struct mesh *m, size_t a, size_t b) {
    for (size_t i = 0; i < m->side_count; i++)
        if (m->sides[i].a == b && m->sides[i].b == a) {
            m->sides[i] = m->sides[--m->side_count];
            return 0;
        }
    if (array_reserve((void **)&m->sides, &m->side_capacity, m->side_count + 1,
                      sizeof *m->sides))
        return -1;
    m->sides[m->side_count++] = (struct hole_side){a, b};
    return 0;
}

static int insert(struct mesh *m, size_t point) {
    m->side_count = 0;
    for (size_t i = 0; i < m->count;) {
        struct triangle t = m->triangles[i];
        if (!is_inside(m, &t, m->points + 2 * point)) {
            i++;
            continue;
        }
        for (size_t k = 0; k < 3; k++)
            if (add_side(m, t.corner[k], t.corner[(k + 1) % 3]))
                return -1;
        m->triangles[i] = m->triangles[--m->count];
    }
    for (size_t i = 0; i < m->side_count; i++)
        if (add_triangle(m, m->sides[i].a, m->sides[i].b, point))
            return -1;
    return 0;
}

/* Leaves out what has a corner around all, and what is no wider than rounding. */
static void keep_inner(struct mesh *m, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < m->count; i++) {
        const size_t *c = m->triangles[i].corner;
        if (c[0] < count && c[1] < count && c[2] < count &&
            turn(m->points + 2 * c[0], m->points + 2 * c[1], m->points + 2 * c[2]) >
                JITTER * JITTER)
            m->triangles[kept++] = m->triangles[i];
    }
    m->count = kept;
}

int triangles_make(const double *points, size_t count, struct triangle **triangles,
                   size_t *triangle_count, struct error *error) {
    static const double around[6] = {-31, -20, 32, -21, 1, 40};
    struct mesh m = {0};
    size_t most;
    double *all = NULL;
    if (size_multiply(count + 3, 2, &most))
        all = array_new(most, sizeof *all);
    m.points = all;
    int result = all ? 0 : -1;
    for (size_t i = 0; result == 0 && i < 2 * count; i++)
        all[i] = points[i] + JITTER * (double)(i * 2654435761U % 4096U) / 4096;
    for (size_t i = 0; result == 0 && i < 6; i++)
        all[2 * count + i] = around[i];
    if (result == 0)
        result = add_triangle(&m, count, count + 1, count + 2);
    for (size_t i = 0; result == 0 && i < count; i++)
        result = insert(&m, i);
    if (result == 0)
        keep_inner(&m, count);
    free(m.sides);
    free(all);
    if (result) {
        free(m.triangles);
        return error_memory(error);
    }
    *triangles = m.triangles;
    *triangle_count = m.count;
    return 0;
}
