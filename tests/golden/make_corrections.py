"""Makes tests/golden/corrections.safetensors: what a step of distilling computes for the
other forms of a correction than one vector, and for routers and heads beside it, on the
tiny models of tests/golden/model, by PyTorch autograd in f64.

Run in this folder, after make_methods.py, with the packages that it names:

    python make_corrections.py

For each KIND of clip, vit, gpt2 and FORM of task, pair, linear, routers, heads, with
W = W_0 + sum_t r_t tau_t + sum_k h_k(r) D_k, D_k[j] = 0.02 cos(3 j + i + k) in tensor
number i, and h as src/moe/correction.h has it (`routers` has those of task, `heads` g alone):
  KIND.FORM.losses [T]: as in make_distillation.py, at its preference
  KIND.FORM.gradient.sum [vectors, tensors], .dot, .size: of the gradient of
    sum_t r_t losses_t in each tensor of each D_k, as there
With `routers` a router for each tensor makes R [T + K] of x = (r, h), and what multiplies
the vectors in that tensor is x + g R; R = V relu(U x + u) + v with
  U[a, b] = 0.3 cos(i + 5 a + 7 b), u[a] = 0.1 cos(2 i + a),
  V[a, b] = 0.1 cos(3 i + a + 2 b), v[a] = 0.05 cos(i + a + 1)
  KIND.routers.slopes [tensors, numbers]: the gradient of U, u, V and v, one behind the other
With `heads` that of task t is W_t + g X_t, b_t + g y_t (where it has a bias), with
  X_t[c, j] = 0.05 cos(t + c + 2 j), y_t[c] = 0.05 cos(t + 3 c)
  KIND.heads.slopes: the gradient of X_0, y_0, X_1, ..., one behind the other
  KIND (metadata): the tensors' names, one a line
"""

import itertools
import os

import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import save_file
from torch.func import functional_call

from make_distillation import N, PREFERENCE, distil
from make_methods import HERE, TASKS, Kind, memory_name


def weights_of(form, r, g):
    if form == "heads":
        return g.reshape(1)
    if form == "pair":
        return torch.stack([2 * r[s] * r[t] / (1 - 1 / TASKS)
                            for t, s in itertools.product(range(TASKS), repeat=2) if s < t])
    return r if form == "linear" else g * r


def wave(shape, *factors):
    grid = torch.meshgrid(*[torch.arange(n, dtype=torch.float64) for n in shape],
                          indexing="ij")
    return torch.cos(factors[0] + sum(f * x for f, x in zip(factors[1:], grid)))


def router(i, n):
    return [(0.3 * wave((2 * n, n), i, 5, 7)).requires_grad_(),
            (0.1 * wave((2 * n,), 2 * i, 1)).requires_grad_(),
            (0.1 * wave((n, 2 * n), 3 * i, 1, 2)).requires_grad_(),
            (0.05 * wave((n,), i + 1, 1)).requires_grad_()]


def own_head(kind, t):
    """By its parameters' names, the weight first."""
    if kind.heads:
        return {"weight": kind.heads[t]}
    return {n: p.detach() for n, p in kind.experts[t].named_parameters()
            if n.startswith(("classifier", "score"))}


def changes_of(kind):
    changes = []
    for t in range(TASKS):
        weight, *bias = own_head(kind, t).values()
        changes.append([(0.05 * wave(weight.shape, t, 1, 2)).requires_grad_()] +
                       [(0.05 * wave(b.shape, t, 3)).requires_grad_() for b in bias])
    return changes


def answers(kind, t, merged, values, head):
    if kind.heads:
        features = functional_call(kind.experts[t], merged, (values,)).image_embeds
        return F.normalize(features, dim=-1) @ head["weight"].T
    return kind.logits(t, lambda v: functional_call(kind.experts[t], merged | head, (v,)),
                       values)


def describe(kind, form):
    r = torch.tensor(PREFERENCE, dtype=torch.float64)
    g = (1 - (r**2).sum()) / (1 - 1 / TASKS)
    h = weights_of(form, r, g)
    x = torch.cat([r, h])
    vectors = [{n: (0.02 * torch.cos(3 * torch.arange(kind.base[n].numel(),
                                                      dtype=torch.float64) + i + k)
                    ).reshape(kind.base[n].shape).requires_grad_()
                for i, n in enumerate(kind.tensors)} for k in range(len(h))]
    routers = [router(i, len(x)) for i in range(len(kind.tensors))]
    merged = {}
    for i, n in enumerate(kind.tensors):
        weights = x
        if form == "routers":
            u, a, v, b = routers[i]
            weights = x + g * (v @ torch.relu(u @ x + a) + b)
        merged[memory_name(n)] = kind.base[n] + sum(
            w * v[n] for w, v in zip(weights, kind.vectors + vectors))
    changes = changes_of(kind)
    losses = []
    for t in range(TASKS):
        expert, values = kind.experts[t], kind.values(t)[:N]
        head = {n: p + (g * x if form == "heads" else 0)
                for (n, p), x in zip(own_head(kind, t).items(), changes[t])}
        with torch.no_grad():
            wanted = kind.logits(t, expert, values)
        got = answers(kind, t, merged, values, head)
        losses.append(distil(got, wanted))
    losses = torch.stack(losses)
    (r * losses).sum().backward()
    gradients = [[torch.zeros(1, dtype=torch.float64) if d.grad is None
                  else d.grad.reshape(-1) for d in vector.values()] for vector in vectors]

    def of_each(what):
        return torch.tensor([[what(d).item() for d in row] for row in gradients],
                            dtype=torch.float64)

    prefix = f"{kind.name}.{form}"
    out = {f"{prefix}.losses": losses.detach(),
           f"{prefix}.gradient.sum": of_each(lambda d: d.sum()),
           f"{prefix}.gradient.size": of_each(lambda d: d.abs().sum()),
           f"{prefix}.gradient.dot": of_each(
               lambda d: (d * torch.cos(torch.arange(len(d), dtype=torch.float64))).sum())}
    if form == "routers":
        out[f"{prefix}.slopes"] = torch.stack(
            [torch.cat([p.grad.reshape(-1) for p in parts]) for parts in routers])
    if form == "heads":
        out[f"{prefix}.slopes"] = torch.cat(
            [x.grad.reshape(-1) for parts in changes for x in parts])
    return out


if __name__ == "__main__":
    transformers.logging.disable_progress_bar()
    out, metadata = {}, {}
    for name in ("clip", "vit", "gpt2"):
        kind = Kind(name)  # once: it draws its examples
        for form in ("task", "pair", "linear", "routers", "heads"):
            values = describe(kind, form)
            out.update(values)
            print(name, form, values[f"{name}.{form}.losses"].tolist())
        metadata[name] = "\n".join(kind.tensors)
    save_file(out, os.path.join(HERE, "corrections.safetensors"), metadata)
