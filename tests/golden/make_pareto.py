"""Indicators of small point sets by moocore, for tests/pareto/test_golden.c.

Run with numpy 2.4.6 and moocore 0.3.2:
    python make_pareto.py > pareto.txt
A case is: the line "case D N R", the reference point, N points, R reference
vectors, the N contributions, and hypervolume, IGD, IGD+, additive epsilon. All
minimised. Coordinates are rounded so that equal values and duplicates occur; some
points lie on or beyond the reference point.
"""

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
