"""Indicators of small point sets by moocore, for tests/pareto.

Run with numpy 2.4.6 and moocore 0.3.2:
    python make_pareto.py > pareto.txt
    python make_pareto.py indicators > indicators.txt

pareto.txt, all minimised. A case is: the line "case D N R", the reference point, N
points, R reference vectors, the N contributions, and hypervolume, IGD, IGD+, additive
epsilon. Coordinates are rounded so that equal values and duplicates occur; some points
lie on or beyond the reference point.

indicators.txt. A case is: the line "case D N R W"; D directions, 1 for minimised, -1
for maximised; the reference point; the ideal point; N points, R reference vectors and W
weights, in the objectives' own directions; then a line "NAME value" for each indicator;
then of each point the Pareto rank from 0, the crowding distance, its place in the greedy
subset of 5 (0 for none), and the D pseudo-weights. R2 of two objectives, ranks, volumes,
distances and epsilons are moocore's; GD is its IGD with the sets exchanged; R2 by weights,
crowding, pseudo-weights and the greedy choice (by moocore's hypervolume) are from their
definitions. After the cases: "sets N S", N rows "set x y", and for the best, the median
and the worst of S sets "corners C" and the surface by moocore's EAF.
"""

import sys

import moocore
import numpy as np

rng = np.random.default_rng(20240614)


def draw(kind, count, objectives):
    if kind == "sphere":
        x = np.abs(rng.normal(size=(count, objectives)))
        return 1 - x / np.linalg.norm(x, axis=1, keepdims=True)
    if kind == "linear":
        return rng.dirichlet(np.ones(objectives), size=count)
    return rng.random((count, objectives)) * 1.2


def show(row):
    print(" ".join(repr(float(v)) for v in row))


def volumes():
    sizes = {1: 6, 2: 16, 3: 20, 4: 20, 5: 16, 6: 14, 7: 12, 8: 12}
    for objectives, count in sizes.items():
        for kind in ("sphere", "linear", "random"):
            points = draw(kind, count, objectives).round(2)
            points[1] = points[0]
            points[count // 2, 0] = 1.0
            reference = np.full(objectives, 1.0)
            if kind == "linear":
                reference = rng.uniform(0.5, 1.5, objectives).round(2)
            others = draw("sphere", 8, objectives).round(2)
            print("case", objectives, count, len(others))
            show(reference)
            for row in (*points, *others):
                show(row)
            # moocore has no hypervolume of one objective; there it is a length.
            if objectives == 1:
                inside = np.sort(np.maximum(reference[0] - points[:, 0], 0))[::-1]
                volume = inside[0]
                alone = [
                    volume - max(0, *np.delete(reference[0] - points[:, 0], i))
                    for i in range(count)
                ]
            else:
                volume = moocore.hypervolume(points, ref=reference)
                alone = moocore.hv_contributions(
                    points, ref=reference, ignore_dominated=False
                )
            show(alone)
            if objectives == 1:
                gap = points[None, :, 0] - others[:, 0, None]
                show(
                    [
                        volume,
                        np.abs(gap).min(axis=1).mean(),
                        np.maximum(gap, 0).min(axis=1).mean(),
                        gap.min(axis=1).max(),
                    ]
                )
                continue
            show(
                [
                    volume,
                    moocore.igd(points, ref=others),
                    moocore.igd_plus(points, ref=others),
                    moocore.epsilon_additive(points, ref=others),
                ]
            )


def crowding_of(points, ranks):
    crowding = np.zeros(len(points))
    for rank in set(ranks):
        rows = np.flatnonzero(ranks == rank)
        for column in points[rows].T:
            order = np.argsort(column, kind="stable")
            sorted_column = column[order]
            gap = np.full(len(rows), np.inf)
            spread = sorted_column[-1] - sorted_column[0]
            gap[1:-1] = (sorted_column[2:] - sorted_column[:-2]) / spread if spread else 0
            crowding[rows[order]] += gap
    return crowding


def greedy(points, reference, most):
    place, chosen = np.zeros(len(points), int), []
    for step in range(1, most + 1):
        volumes = [
            -1.0 if i in chosen else moocore.hypervolume(points[[*chosen, i]], ref=reference)
            for i in range(len(points))
        ]
        best = int(np.argmax(volumes))
        before = moocore.hypervolume(points[chosen], ref=reference) if chosen else 0
        if volumes[best] <= before:
            break
        place[best] = step
        chosen.append(best)
    return place


def indicators():
    for objectives, count in {2: 14, 3: 15, 4: 12, 6: 10}.items():
        for kind in ("sphere", "linear", "random"):
            maximise = rng.random(objectives) < 0.4
            sign = np.where(maximise, -1, 1)
            # All above 0, for ratios, in the objectives' own directions.
            points = (draw(kind, count, objectives) + 0.2).round(3)
            points[1] = points[0]
            others = (draw("sphere", 8, objectives) + 0.1).round(3)
            weights = rng.dirichlet(np.ones(objectives), size=20)
            ideal, reference = np.full(objectives, 0.05), np.full(objectives, 1.1)
            both = [ideal, reference]
            for values in (points, others):
                values[:, maximise] = (1.5 - values[:, maximise]).round(3)
            for values in both:
                values[maximise] = 1.5 - values[maximise]
            low, best = points * sign, others * sign
            print("case", objectives, count, len(others), len(weights))
            for row in (sign, reference, ideal, *points, *others, *weights):
                show(row)
            volume = moocore.hypervolume(low, ref=reference * sign)
            print("hypervolume", repr(float(volume)))
            relative = moocore.RelativeHypervolume(
                ref=reference, ref_set=others, maximise=list(maximise))
            print("hypervolume_share", repr(float(1 - relative(points))))
            how = {"maximise": list(maximise)}
            print("igd", repr(float(moocore.igd(points, ref=others, **how))))
            print("igd_plus", repr(float(moocore.igd_plus(points, ref=others, **how))))
            print("gd", repr(float(moocore.igd(others, ref=points, **how))))
            print("gd_plus", repr(float(moocore.igd_plus(-best, ref=-low))))
            print("hausdorff",
                  repr(float(moocore.avg_hausdorff_dist(points, ref=others, **how))))
            print("epsilon_additive",
                  repr(float(moocore.epsilon_additive(points, ref=others, **how))))
            print("epsilon_multiplicative",
                  repr(float(moocore.epsilon_mult(points, ref=others, **how))))
            away = low - ideal * sign
            if objectives == 2:
                print("r2", repr(float(moocore.r2_exact(points, ref=ideal, **how))))
            scaled = (weights[:, None, :] * away[None]).max(axis=2).min(axis=1)
            print("r2_by_weights", repr(float(scaled.mean())))
            ranks = moocore.pareto_rank(low)
            front = low[ranks == 0]
            good = (front.max(axis=0) - low) / np.ptp(front, axis=0)
            good /= good.sum(axis=1, keepdims=True)
            good[ranks > 0] = np.nan
            place = greedy(low, reference * sign, 5)
            for row in zip(ranks, crowding_of(low, ranks), place):
                show(row)
            for row in good:
                show(row)
    for sets in (1, 4, 5):
        rows = [(s, *p) for s in range(sets) for p in draw("sphere", 12, 2).round(2)]
        rows = np.array(rows)[rng.permutation(len(rows))]
        print("sets", len(rows), sets)
        for row in rows:
            show(row)
        # moocore takes the rows of a set for what follow one another; its percentile 0
        # is what any set attains.
        ordered = rows[np.argsort(rows[:, 0], kind="stable")]
        surfaces = [
            moocore.eaf(ordered[:, 1:], ordered[:, 0], percentiles=[p])
            for p in (0, 50, 100)
        ]
        for surface in surfaces:
            print("corners", len(surface))
            for row in surface[:, :2]:
                show(row)


indicators() if sys.argv[1:] == ["indicators"] else volumes()
