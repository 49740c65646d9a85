"""Weights of exact Pareto optimal search by GLPK, for tests/train/test_epo.c.

Run with numpy 2.4.6, cvxpy 1.9.3 and cvxopt 1.3.3 (which holds GLPK):
    python make_epo.py > epo.txt
The linear programmes are set up here from the paper (Mahapatra & Rajan 2020), in
numpy alone; cvxpy hands them to GLPK. A case is
    case T STEP UNIQUE     STEP: 0 balance, 1 descent, 2 without a solution
    C [T, T], losses [T], preference [T]
    objective [T], lower bounds of C alpha [T], row [T], its lower bound
    alpha [T], the objective's value                    (not where STEP is 2)
UNIQUE is 1 where alpha stays in place under small changes of objective and bounds:
linear programmes may have many solutions, and any of them is right.
"""

import cvxpy as cp
import numpy as np

rng = np.random.default_rng(20100631)


def programme(C, losses, preference):
    """The step, objective, lower bounds, and the extra row with its bound."""
    T = len(losses)
    weighted = preference * losses
    share = weighted / weighted.sum()
    logs = np.log(T * share)
    mu = (share * logs).sum()
    ca = C @ (preference * (logs - mu))
    none = np.full(T, -np.inf)
    if mu <= 1e-4:
        return 1, C.sum(axis=1), np.zeros(T), ca, min(ca.max(), 0.0)
    if (ca > 0).any():
        low = np.where(ca > 0, none, ca)
        low[weighted == weighted.max()] = 0
    else:
        low = np.zeros(T)
    return 0, ca, low, np.zeros(T), -np.inf


def solve(C, objective, low, row, bound):
    alpha = cp.Variable(len(objective))
    has = np.isfinite(low)
    rules = [alpha >= 0, cp.sum(alpha) == 1]
    if has.any():
        rules.append(C[has] @ alpha >= low[has])
    if np.isfinite(bound):
        rules.append(row @ alpha >= bound)
    problem = cp.Problem(cp.Maximize(objective @ alpha), rules)
    problem.solve(solver=cp.GLPK)
    return alpha.value if problem.status == "optimal" else None


def show(values):
    print(" ".join(format(float(v), ".12g") for v in np.ravel(values)))


wanted = {(0, True): 100, (1, True): 90, (1, False): 40}
while any(wanted.values()):
    T = int(rng.integers(2, 9))
    G = rng.normal(size=(T, int(rng.integers(2, 12))))
    if rng.random() < 0.5:
        G += rng.normal(size=G.shape[1])  # gradients that agree
    elif rng.random() < 0.5:
        G -= G.mean(axis=0)  # gradients that fight
    C = G.round(1) @ G.round(1).T
    preference = rng.dirichlet(np.ones(T)).round(3)
    preference[0] += 1 - preference.sum()
    if preference.min() < 0.01:
        continue
    if rng.random() < 0.45:
        losses = rng.uniform(0.05, 3, T).round(3)
    else:
        losses = (1 / preference * rng.uniform(0.99, 1.01, T)).round(3)
    step, objective, low, row, bound = programme(C, losses, preference)
    alpha = solve(C, objective, low, row, bound)
    if not wanted.get((step, alpha is not None)):
        continue
    # Where bounds moved by little decide, so do the solvers' tolerances.
    shift = 1e-6 * np.abs(C).max()
    moved = solve(C, objective, low - shift, row, bound - shift)
    if (moved is None) != (alpha is None):
        continue
    if alpha is not None and abs(objective @ (moved - alpha)) > 10 * shift:
        continue
    wanted[step, alpha is not None] -= 1
    unique = alpha is not None and np.abs(moved - alpha).max() < 2e-5
    for _ in range(4 if unique else 0):
        other = solve(C, objective + rng.normal(size=T) * 1e-6, low, row, bound)
        unique &= other is not None and np.abs(other - alpha).max() < 1e-6
    print("case", T, step if alpha is not None else 2, int(unique))
    show(C)
    show(losses)
    show(preference)
    show(objective)
    show(low)
    show(row)
    show(bound)
    if alpha is not None:
        show(alpha)
        show(objective @ alpha)
