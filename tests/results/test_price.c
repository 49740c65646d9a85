/* Prices on stores whose prices are known in closed form: objectives that are linear in
 * the routing weights, of routers that bend. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "moe/routers.h"
#include "results/price.h"

enum { TASKS = 3, MODULES = 5, SAMPLES = 300, WIDTH = MODULES * TASKS };

static struct random draws;

struct world {
    struct routers *routers;
    double effect[TASKS][WIDTH]; /* of each routing weight on each objective */
    struct samples samples;
};

/* Untrained routers are nearly constant: these have weights of a size that bends. */
static void world_new(struct world *world, double noise) {
    struct error error;
    assert_int_equal(routers_new(UPSCALE_MLP, 2, MODULES, TASKS, 0.3f, &draws,
                                 &world->routers, &error),
                     0);
    for (size_t i = 0; i < world->routers->count; i++)
        world->routers->parameters[i] = (float)random_normal(&draws);
    for (size_t t = 0; t < TASKS; t++)
        for (size_t i = 0; i < WIDTH; i++)
            world->effect[t][i] = random_normal(&draws);
    struct samples *samples = &world->samples;
    *samples = (struct samples){.tasks = TASKS, .count = SAMPLES};
    samples->preferences = calloc(SAMPLES * TASKS, sizeof(double));
    samples->values = calloc(SAMPLES * TASKS, sizeof(double));
    for (size_t i = 0; i < SAMPLES; i++) {
        float weights[(MODULES + 1) * TASKS];
        double *preference = samples->preferences + i * TASKS;
        random_dirichlet(&draws, 1, TASKS, preference);
        routers_forward(world->routers, preference, weights);
        for (size_t t = 0; t < TASKS; t++) {
            double value = 60 + noise * random_normal(&draws);
            for (size_t k = 0; k < WIDTH; k++)
                value += world->effect[t][k] * (double)weights[k];
            samples->values[i * TASKS + t] = value;
        }
    }
}

static void world_free(struct world *world) {
    routers_free(world->routers);
    samples_free(&world->samples);
}

/* By the routers' own values on both sides, which the Jacobian has no part in. */
static double true_slope(const struct world *world, const double *at, size_t objective,
                         size_t gain, size_t loss) {
    const double step = 1e-3;
    double slope = 0;
    for (int side = 0; side < 2; side++) {
        double moved[TASKS];
        float weights[(MODULES + 1) * TASKS];
        memcpy(moved, at, sizeof moved);
        moved[gain] += side ? step : -step;
        moved[loss] -= side ? step : -step;
        routers_forward(world->routers, moved, weights);
        for (size_t k = 0; k < WIDTH; k++)
            slope += (side ? 1 : -1) * world->effect[objective][k] *
                     (double)weights[k] / (2 * step);
    }
    return slope;
}

static void draw_inside(double *at) {
    do
        random_dirichlet(&draws, 2, TASKS, at);
    while (at[0] < 0.05 || at[1] < 0.05 || at[2] < 0.05);
}

static void without_noise_it_is_exact(void **state) {
    (void)state;
    size_t said = 0, close = 0;
    for (int round = 0; round < 60; round++) {
        struct world world;
        struct price price;
        double at[TASKS];
        world_new(&world, 0);
        draw_inside(at);
        double gained = true_slope(&world, at, 0, 0, 1);
        double lost = -true_slope(&world, at, 1, 0, 1);
        bool is = price_at(&world.samples, world.routers, at, 0, 1, &price);
        /* Never where the objectives do not trade. */
        if (is && (gained < -0.1 || lost < -0.1))
            fail_msg("slopes %g and %g, price %g", gained, -lost, price.cost);
        if (gained < 0.5 || lost < 0.5) {
            world_free(&world);
            continue;
        }
        assert_true(is && price.routed);
        said++;
        close += fabs(price.cost - lost / gained) < 0.02 * lost / gained;
        world_free(&world);
    }
    /* A step over a kink of a router makes the difference quotient another one. */
    assert_true(said >= 8);
    assert_true(close >= said - said / 8);
}

/* A step that gives one task more in proportion: the change of every objective is that
 * of the routers' own values. */
static void a_step_changes_what_it_says(void **state) {
    (void)state;
    size_t close = 0, said = 0;
    for (int round = 0; round < 40; round++) {
        struct world world;
        double at[TASKS], to[TASKS], change[TASKS], error[TASKS];
        world_new(&world, 0);
        draw_inside(at);
        for (size_t t = 0; t < TASKS; t++)
            to[t] = t ? at[t] * (1 - at[0] - 1e-3) / (1 - at[0]) : at[0] + 1e-3;
        assert_true(price_step(&world.samples, world.routers, at, to, change, error));
        for (size_t t = 0; t < TASKS; t++) {
            float from[(MODULES + 1) * TASKS], there[(MODULES + 1) * TASKS];
            double moved = 0;
            routers_forward(world.routers, at, from);
            routers_forward(world.routers, to, there);
            for (size_t k = 0; k < WIDTH; k++)
                moved += world.effect[t][k] * ((double)there[k] - (double)from[k]);
            said++;
            close += fabs(change[t] - moved) < 0.03 * fabs(moved) + 1e-5;
        }
        world_free(&world);
    }
    /* Over a kink of a router the step is another one. */
    assert_true(close >= said - said / 8);
}

static void the_error_is_that_of_the_noise(void **state) {
    (void)state;
    size_t said = 0, covered = 0;
    for (int round = 0; round < 120; round++) {
        struct world world;
        struct price price;
        double at[TASKS];
        world_new(&world, 0.05);
        draw_inside(at);
        double gained = true_slope(&world, at, 0, 0, 1);
        double lost = -true_slope(&world, at, 1, 0, 1);
        if (gained > 2 && lost > 2 &&
            price_at(&world.samples, world.routers, at, 0, 1, &price)) {
            said++;
            covered += fabs(price.cost - lost / gained) < 3 * price.error;
            assert_true(price.error > 0 && price.error < price.cost);
        }
        world_free(&world);
    }
    assert_true(said >= 10);
    assert_true(covered >= said * 8 / 10);
}

static void within_noise_nothing_is_said(void **state) {
    (void)state;
    size_t said = 0;
    for (int round = 0; round < 60; round++) {
        struct world world;
        struct price price;
        double at[TASKS];
        world_new(&world, 0);
        for (size_t i = 0; i < SAMPLES * TASKS; i++)
            world.samples.values[i] = 60 + random_normal(&draws);
        draw_inside(at);
        said += price_at(&world.samples, world.routers, at, 0, 1, &price);
        said += price_at(&world.samples, NULL, at, 0, 1, &price);
        world_free(&world);
    }
    assert_true(said <= 6);
}

/* Two tasks, on a grid, of routers that cannot be read: d sqrt(r), so that gaining the
 * second at 0.36 costs sqrt(.36 / .64) of the first. */
static void the_preference_alone(void **state) {
    (void)state;
    enum { EDGE = 21 };
    double preferences[2 * EDGE], values[2 * EDGE], at[] = {0.64, 0.36};
    struct samples samples = {
        .tasks = 2, .count = EDGE, .preferences = preferences, .values = values};
    struct price price, back;
    for (size_t i = 0; i < EDGE; i++)
        for (size_t t = 0; t < 2; t++) {
            double share = (double)i / (EDGE - 1);
            preferences[2 * i + t] = t ? share : 1 - share;
            values[2 * i + t] = 60 + 30 * sqrt(preferences[2 * i + t]);
        }
    assert_true(price_at(&samples, NULL, at, 1, 0, &price));
    assert_false(price.routed);
    assert_true(fabs(price.cost - 0.75) < 0.03);
    assert_true(price_at(&samples, NULL, at, 0, 1, &back));
    assert_true(fabs(back.cost * price.cost - 1) < 1e-9);
    assert_true(fabs(back.error / back.cost - price.error / price.cost) < 1e-9);
    assert_false(price_at(&samples, NULL, at, 1, 1, &price));
    /* Of losses, less of one costs more of the other: the same. */
    struct price losses;
    for (size_t i = 0; i < 2 * EDGE; i++)
        values[i] = 200 - values[i];
    assert_false(price_at(&samples, NULL, at, 1, 0, &losses));
    samples.less[0] = samples.less[1] = true;
    assert_true(price_at(&samples, NULL, at, 1, 0, &losses));
    assert_true(fabs(losses.cost - price.cost) < 1e-9);
    /* One of each kind. */
    for (size_t i = 0; i < EDGE; i++)
        values[2 * i] = 200 - values[2 * i];
    samples.less[0] = false;
    assert_true(price_at(&samples, NULL, at, 1, 0, &losses));
    assert_true(fabs(losses.cost - price.cost) < 1e-9);
    samples.count = 3;
    assert_false(price_at(&samples, NULL, at, 1, 0, &price));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_noise_it_is_exact),
        cmocka_unit_test(a_step_changes_what_it_says),
        cmocka_unit_test(the_error_is_that_of_the_noise),
        cmocka_unit_test(within_noise_nothing_is_said),
        cmocka_unit_test(the_preference_alone),
    };
    random_seed(&draws, 5, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
