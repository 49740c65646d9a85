"""A hundred steps of Adam and AdamW along a cosine, for tests/train/test_optimiser.c.

Run with torch 2.15.0:
    python make_optimiser.py > optimiser.txt
A case is the line "case BETA1 BETA2 EPSILON DECAY RATE LAST STEPS COUNT", the start
[COUNT], the gradients' scales [COUNT], the learning rates [STEPS] and, after each 20th
step, the parameters [COUNT]. Gradient i of step s (from 0) is scale i times
((37 s + 101 i) mod 64 - 28) / 32, a number that f32 holds without rounding.
"""

import torch

STEPS = 100


def show(values, digits):
    print(" ".join(format(float(v), f".{digits}g") for v in values))


def case(make, betas, epsilon, decay, rate, last):
    start = [1.5, -0.75, 0.0, 0.5, -2.0, 0.125, 1.0]
    scales = [2.0**k for k in (0, -27, 10, -3, -24, -7, 2)]
    parameter = torch.tensor(start, dtype=torch.float32, requires_grad=True)
    optimiser = make([parameter], rate, betas, epsilon, decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimiser, T_max=STEPS, eta_min=rate * last
    )
    print("case", *betas, epsilon, decay, rate, last, STEPS, len(start))
    show(start, 9)
    show(scales, 9)
    rates, rows = [], []
    for s in range(STEPS):
        parameter.grad = torch.tensor(
            [c * ((37 * s + 101 * i) % 64 - 28) / 32 for i, c in enumerate(scales)]
        )
        rates.append(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()
        if (s + 1) % 20 == 0:
            rows.append(parameter.tolist())
    show(rates, 17)
    for row in rows:
        show(row, 9)


def adam(parameters, rate, betas, epsilon, _):
    return torch.optim.Adam(parameters, lr=rate, betas=betas, eps=epsilon)


def adamw(parameters, rate, betas, epsilon, decay):
    return torch.optim.AdamW(
        parameters, lr=rate, betas=betas, eps=epsilon, weight_decay=decay
    )


case(adam, (0.9, 0.999), 1e-8, 0.0, 0.01, 0.1)
case(adamw, (0.9, 0.999), 1e-8, 0.1, 0.01, 0.0)
case(adamw, (0.8, 0.99), 1e-6, 0.5, 0.02, 0.1)
