/* What a trade costs here: how much of one objective is lost for one point more of
 * another while the preference moves from the one towards the other.
 *
 * An objective f depends on the preference r only through the routing weights w(r), so
 * its slope along a direction d of preferences is (df/dw) . (J d), with J = dw/dr the
 * routers' Jacobian. df/dw is fitted to the stored neighbours: ridge regression of
 * their values on their routing weights, each weighted by its nearness (tricube), the
 * amount of regularisation chosen by leaving one out. That a direction hardly moves
 * the routing weights is thereby known and not fitted. Where the routers cannot be
 * read, r itself takes the place of w and the identity that of J.
 *
 * The errors made when leaving one out are the noise: they hold what the examples
 * scatter, and what a plane misses. A price is said only where both objectives move by
 * more than twice the standard error of their slopes, one up and the other down. */
#ifndef PWEMOE_RESULTS_PRICE_H
#define PWEMOE_RESULTS_PRICE_H

#include "results/estimate.h"

struct routers;

struct price {
    double cost;  /* of the one, for one point more of the other, or less where that is
                     better */
    double error; /* its standard error, from those of the two slopes */
    size_t neighbours;
    bool routed; /* by the routers' Jacobian */
};

/* routers: those of the samples, or NULL. false where it is not known: fewer than 2
 * tasks neighbours, objectives within noise, gaining costs nothing, nothing of `loss`
 * left in the preference and none of `gain` either, or memory is out. */
bool price_at(const struct samples *samples, const struct routers *routers,
              const double *preference, size_t gain, size_t loss, struct price *price);

/* What a small step changes in every objective, by the same slopes: change [tasks] in
 * their units with their standard errors [tasks]. from, to: preferences. false where it
 * is not known: fewer than 2 tasks neighbours, or memory is out. */
bool price_step(const struct samples *samples, const struct routers *routers,
                const double *from, const double *to, double *change, double *error);

#endif
