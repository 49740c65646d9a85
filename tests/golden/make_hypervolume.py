"""Makes tests/golden/hypervolume.txt: gradients of hypervolumes, and the weights that
src/train/hypervolume.h makes of them, by PyTorch autograd in f64 of the volume as a sum
over subsets (inclusion and exclusion), which moocore's hypervolume confirms.

Run in this folder, with Python 3.11, torch 2.15.0 (CPU), moocore 0.1.9:

    python make_hypervolume.py

A line for each case: tasks, count, then losses [count, tasks], preferences [count,
tasks], the reference [tasks], slopes [count, tasks] of the losses all together, weights
[count, tasks].
"""

import itertools
import os

import moocore
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
REACH, FLOOR, PENALTY = 1.1, 0.05, 1.0


def volume(points, reference):
    total = 0
    for n in range(1, len(points) + 1):
        for some in itertools.combinations(range(len(points)), n):
            corner = torch.stack([points[i] for i in some]).max(0).values
            total = total + (-1) ** (n + 1) * torch.clamp(reference - corner, min=0).prod()
    return total


def slopes(points, reference):
    points = points.clone().requires_grad_()
    inside = [p for p in points if bool((p < reference).all())]
    v = volume(inside, reference)
    expected = moocore.hypervolume(points.detach().numpy(), ref=reference.numpy())
    assert abs(v.item() - expected) < 1e-9 * max(1, expected), (v.item(), expected)
    v.backward()
    return -points.grad


def weights(losses, preferences):
    count, tasks = losses.shape
    reference = REACH * losses.max(0).values
    out, left = torch.zeros_like(losses), list(range(count))
    while left:
        front = [p for p in left if not any(
            bool((losses[q] <= losses[p]).all()) and bool((losses[q] < losses[p]).any())
            for q in left)]
        s = slopes(losses[front], reference)
        for row, p in zip(s, front):
            out[p] = row / row.sum()
        left = [p for p in left if p not in front]
    for p in range(count):
        point = losses[p].clone().requires_grad_()
        ray = 1 / preferences[p].clamp(min=FLOOR)
        (1 - torch.nn.functional.cosine_similarity(ray, point, dim=0)).backward()
        out[p] += PENALTY * point.detach().norm() * point.grad
    return out.clamp(min=0) / count


generator = torch.Generator().manual_seed(2102)
with open(os.path.join(HERE, "hypervolume.txt"), "w") as file:
    for tasks, count in [(2, 4), (2, 7), (3, 4), (3, 6), (4, 5), (5, 6)]:
        losses = torch.rand((count, tasks), dtype=torch.float64, generator=generator) + 0.1
        losses[-1] = losses[0] * 1.05  # dominated
        preferences = torch.distributions.Dirichlet(
            torch.ones(tasks, dtype=torch.float64)).sample((count,))
        reference = torch.full((tasks,), 0.9, dtype=torch.float64)
        parts = [losses, preferences, reference, slopes(losses, reference),
                 weights(losses, preferences)]
        print(tasks, count, *(repr(x) for part in parts for x in part.reshape(-1).tolist()),
              file=file)
