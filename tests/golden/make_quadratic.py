"""Makes tests/golden/quadratic.safetensors: quadratics fitted by numpy.linalg.lstsq, and
under a prior by numpy.linalg.solve, its widths by scipy.optimize.

Run in this folder with numpy, scipy and safetensors. For each case "well" (more points than terms,
weighted), "equal" (the same without weights) and "few" (fewer points than terms: the solution
of least norm), and "simplex" (points whose sum is 1, so that terms depend on each other):
  CASE.x [count, inputs], CASE.y [count], CASE.weights [count]
  CASE.coefficients [terms]
  CASE.left_out [count], by fitting again without each point (not of "few")
and of "prior" (fewer points than terms, values of a quadratic with errors):
  prior.x, prior.y, prior.weights, prior.coefficients, prior.left_out
  prior.widths [2], of b and of A, at which those are
  prior.errors [count], standard deviations of f at the points, values of weight 1 having 1
  prior.deviation [1]
  prior.likeliest [2], the widths of the greatest restricted likelihood, from the covariance
and of "many" (the same with more points than terms): many.x, .y, .weights, .likeliest
"""

import os

import numpy as np
from scipy.optimize import minimize
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


def precision(terms, inputs, widths):
    prior = np.zeros(terms)
    prior[1:1 + inputs] = widths[0] ** -2
    prior[1 + inputs:] = widths[1] ** -2
    return np.diag(prior)


def posterior(x, y, weights, widths):
    a = design(x)
    system = a.T @ (a * weights[:, None]) + precision(a.shape[1], x.shape[1], widths)
    return np.linalg.solve(system, a.T @ (weights * y)), np.linalg.inv(system)


def unlikely(x, y, weights, widths):
    """Minus the restricted log likelihood of y, whose covariance is s (1 / weights +
    linear^2 X X^T + curved^2 Q Q^T) with the best s."""
    a, n = design(x), len(x)
    linear, curved = a[:, 1:1 + x.shape[1]], a[:, 1 + x.shape[1]:]
    v = (np.diag(1 / weights) + widths[0] ** 2 * linear @ linear.T
         + widths[1] ** 2 * curved @ curved.T)
    one, inverse = np.ones(n), np.linalg.inv(v)
    mean = (one @ inverse @ y) / (one @ inverse @ one)
    left = (y - mean) @ inverse @ (y - mean)
    return 0.5 * ((n - 1) * np.log(left) + np.linalg.slogdet(v)[1]
                  + np.log(one @ inverse @ one))


def drawn(random, count):
    x = random.uniform(0, 1, (count, 4))
    weights = random.uniform(0.2, 2, len(x))
    truth = np.concatenate([[3], random.normal(size=4) * 8, random.normal(size=10) * 4])
    y = design(x) @ truth + 0.1 * random.normal(size=len(x)) / np.sqrt(weights)
    return x, y, weights


def likeliest(x, y, weights):
    best = min((minimize(lambda w: unlikely(x, y, weights, 10 ** w), start,
                         method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-10})
                for start in ([0, 0], [1, 1], [2, 0], [0, 2], [2, 2])),
               key=lambda result: result.fun)
    print("likeliest widths", 10 ** best.x)
    return 10 ** best.x


def prior_case(random):
    x, y, weights = drawn(random, 14)
    widths = np.array([6.0, 2.5])
    coefficients, covariance = posterior(x, y, weights, widths)
    a, left = design(x), []
    for i in range(len(x)):
        keep = np.arange(len(x)) != i
        left.append(a[i] @ posterior(x[keep], y[keep], weights[keep], widths)[0])
    penalty = coefficients @ precision(a.shape[1], 4, widths) @ coefficients
    squares = (weights * (y - a @ coefficients) ** 2).sum() + penalty
    return {"prior.x": x, "prior.y": y, "prior.weights": weights, "prior.widths": widths,
            "prior.coefficients": coefficients, "prior.left_out": np.array(left),
            "prior.errors": np.sqrt(np.einsum("ik,kl,il->i", a, covariance, a)),
            "prior.deviation": np.array([np.sqrt(squares / (len(x) - 1))]),
            "prior.likeliest": likeliest(x, y, weights)}


def main():
    random = np.random.default_rng(7)
    out = case("well", random.uniform(0, 1, (17, 3)), random, True, True)
    out |= case("equal", random.uniform(0, 1, (9, 2)), random, False, True)
    out |= case("few", random.uniform(0, 1, (5, 3)), random, False, False)
    out |= case("simplex", random.dirichlet(np.ones(3), 12), random, True, True)
    out |= prior_case(np.random.default_rng(1))
    x, y, weights = drawn(np.random.default_rng(2), 25)
    out |= {"many.x": x, "many.y": y, "many.weights": weights,
            "many.likeliest": likeliest(x, y, weights)}
    save_file(out, os.path.join(HERE, "quadratic.safetensors"))


main()
