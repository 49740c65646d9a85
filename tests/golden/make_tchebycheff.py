"""Weights of smooth Tchebycheff scalarisation, for tests/train/test_tchebycheff.c.

Run with torch 2.15.0 and numpy 2.4.6:
    python make_tchebycheff.py > tchebycheff.txt
A case is the line "case T MU", the losses [T], the preference [T], and the gradient [T]
of MU * logsumexp(preference * losses / MU) with respect to the losses, by autograd in
f64.
"""

import numpy as np
import torch

rng = np.random.default_rng(240219078)


def show(values):
    print(" ".join(format(float(v), ".17g") for v in values))


for _ in range(60):
    T = int(rng.integers(1, 9))
    mu = float(rng.choice([1e-3, 0.01, 0.1, 1, 10]))
    preference = rng.dirichlet(np.ones(T)).round(4)
    preference[0] += 1 - preference.sum()
    losses = (rng.uniform(0, 3, T) * rng.choice([0.05, 1, 20])).round(5)
    at = torch.tensor(losses, dtype=torch.float64, requires_grad=True)
    value = mu * torch.logsumexp(torch.tensor(preference) * at / mu, 0)
    value.backward()
    print("case", T, format(mu, "g"))
    show(losses)
    show(preference)
    show(at.grad)
