"""Points of least norm in hulls of gradients, for tests/train/test_mgda.c.

Run with numpy 2.4.6 and cvxopt 1.3.3, whose quadratic-programming solver finds them:
    python make_mgda.py > mgda.txt
A case is the line "case T", C [T, T], the weights [T] and the least weights.C weights.
"""

import cvxopt
import numpy as np
from cvxopt import solvers

rng = np.random.default_rng(2012)
solvers.options.update(
    show_progress=False, abstol=1e-14, reltol=1e-13, feastol=1e-13, maxiters=200
)


def show(values):
    print(" ".join(format(float(v), ".15g") for v in np.ravel(values)))


cases = 0
while cases < 80:
    T = int(rng.integers(1, 9))
    # As many dimensions as points, so that the point of least norm is unique.
    G = rng.normal(size=(T, T + int(rng.integers(0, 5))))
    G += rng.normal(size=G.shape[1]) * rng.choice([0, 0.5, 3])
    G = (G * rng.choice([0.3, 1, 4], size=(T, 1))).round(1)
    C = G @ G.T
    if np.linalg.cond(C) > 1e4:
        continue
    result = solvers.qp(
        cvxopt.matrix(C),
        cvxopt.matrix(np.zeros(T)),
        cvxopt.matrix(-np.eye(T)),
        cvxopt.matrix(np.zeros(T)),
        cvxopt.matrix(np.ones((1, T))),
        cvxopt.matrix(1.0),
    )
    w = np.array(result["x"]).ravel()
    print("case", T)
    show(C.round(2))
    show(w)
    show(w @ C @ w)
    cases += 1
