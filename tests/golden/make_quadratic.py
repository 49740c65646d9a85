"""Makes tests/golden/quadratic.safetensors: quadratics fitted by numpy.linalg.lstsq.

Run in this folder with numpy and safetensors. For each case "well" (more points than terms,
weighted), "equal" (the same without weights) and "few" (fewer points than terms: the solution
of least norm), and "simplex" (points whose sum is 1, so that terms depend on each other):
  CASE.x [count, inputs], CASE.y [count], CASE.weights [count]
  CASE.coefficients [terms]
  CASE.left_out [count], by fitting again without each point (not of "few")
"""

import os

import numpy as np
from safetensors.numpy import save_file

HERE = os.path.dirname(os.path.abspath(__file__))


def design(x):
    columns = [np.ones(len(x))] + list(x.T)
    n = x.shape[1]
    for i in range(n):
        for j in range(i, n):
            columns.append(x[:, i] * x[:, j] * (0.5 if i == j else 1))
    return np.stack(columns, 1)


def fit(x, y, weights):
    root = np.sqrt(weights)
    return np.linalg.lstsq(design(x) * root[:, None], y * root, rcond=None)[0]


def case(name, x, random, weighted, leave):
    y = random.normal(size=len(x))
    weights = random.uniform(0.2, 2, len(x)) if weighted else np.ones(len(x))
    out = {f"{name}.x": x, f"{name}.y": y, f"{name}.weights": weights,
           f"{name}.coefficients": fit(x, y, weights)}
    if leave:
        left = []
        for i in range(len(x)):
            keep = np.arange(len(x)) != i
            left.append((design(x[i:i + 1]) @ fit(x[keep], y[keep], weights[keep]))[0])
        out[f"{name}.left_out"] = np.array(left)
    return out


def main():
    random = np.random.default_rng(7)
    out = case("well", random.uniform(0, 1, (17, 3)), random, True, True)
    out |= case("equal", random.uniform(0, 1, (9, 2)), random, False, True)
    out |= case("few", random.uniform(0, 1, (5, 3)), random, False, False)
    out |= case("simplex", random.dirichlet(np.ones(3), 12), random, True, True)
    save_file(out, os.path.join(HERE, "quadratic.safetensors"))


main()
