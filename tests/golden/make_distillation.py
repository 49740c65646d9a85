"""Makes tests/golden/distillation.safetensors: what a step of distilling the correction D
computes on the tiny models of tests/golden/model, by PyTorch autograd in f64.

Run in this folder, after make_methods.py, with the packages that it names:

    python make_distillation.py

For each KIND of clip, vit, gpt2, with W = W_0 + sum_t r_t tau_t + g(r) D, where
g(r) = (1 - sum_t r_t^2) / (1 - 1/T), and D[j] = 0.02 cos(3 j + i) in tensor number i:
  KIND.preference [T]: r
  KIND.losses [T]: the mean over the first N examples of task t in methods-KIND.safetensors
    of KL(softmax(expert t's logits) || softmax(the merged model's))
  KIND.gradient.sum [tensors], KIND.gradient.dot: of the gradient of sum_t r_t losses_t in
    each tensor of D: its sum, and its inner product with cos(0), cos(1), ...
  KIND.gradient.size: the sum of its magnitudes
  KIND.ce.losses, KIND.ce.gradient..., KIND.entropy...: the same of cross-entropy with the
    labels i mod classes of example i, and of the entropy of the merged model's answers
  KIND (metadata): the tensors' names, one a line
"""

import os

import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import save_file
from torch.func import functional_call

from make_methods import HERE, TASKS, Kind, memory_name

N = 3
PREFERENCE = [0.5, 0.375, 0.125]


def distil(got, wanted):
    return F.kl_div(F.log_softmax(got, -1), F.log_softmax(wanted, -1), log_target=True,
                    reduction="batchmean")


def ce(got, wanted):
    return F.cross_entropy(got, torch.arange(len(got)) % got.shape[-1])


def entropy(got, wanted):
    return torch.distributions.Categorical(logits=got).entropy().mean()


def describe(kind, name, prefix, loss):
    r = torch.tensor(PREFERENCE, dtype=torch.float64)
    g = (1 - (r**2).sum()) / (1 - 1 / TASKS)
    correction = {
        n: (0.02 * torch.cos(3 * torch.arange(kind.base[n].numel(), dtype=torch.float64)
                             + i)).reshape(kind.base[n].shape).requires_grad_()
        for i, n in enumerate(kind.tensors)}
    merged = {memory_name(n): kind.base[n] + sum(
        w * v[n] for w, v in zip(r, kind.vectors)) + g * correction[n]
        for n in kind.tensors}
    losses = []
    for t in range(TASKS):
        expert, values = kind.experts[t], kind.values(t)[:N]
        with torch.no_grad():
            wanted = kind.logits(t, expert, values)
        got = kind.logits(t, lambda v: functional_call(expert, merged, (v,)), values)
        losses.append(loss(got, wanted))
    losses = torch.stack(losses)
    (r * losses).sum().backward()
    gradients = [torch.zeros(1) if c.grad is None else c.grad.reshape(-1)
                 for c in correction.values()]
    return kind.tensors, {
        f"{name}.preference": r,
        f"{prefix}.losses": losses.detach(),
        f"{prefix}.gradient.sum": torch.stack([d.sum() for d in gradients]),
        f"{prefix}.gradient.size": torch.stack([d.abs().sum() for d in gradients]),
        f"{prefix}.gradient.dot": torch.stack([
            (d * torch.cos(torch.arange(d.numel(), dtype=torch.float64))).sum()
            for d in gradients])}


if __name__ == "__main__":
    transformers.logging.disable_progress_bar()
    out, metadata = {}, {}
    for name in ("clip", "vit", "gpt2"):
        kind = Kind(name)  # once: it draws its examples
        for prefix, loss in ((name, distil), (f"{name}.ce", ce),
                             (f"{name}.entropy", entropy)):
            tensors, values = describe(kind, name, prefix, loss)
            out.update(values)
            print(prefix, values[f"{prefix}.losses"].tolist())
        metadata[name] = "\n".join(tensors)
    save_file(out, os.path.join(HERE, "distillation.safetensors"), metadata)
