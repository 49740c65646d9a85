"""Makes tests/golden/head_fit.safetensors: heads fitted to the mean of the tiny experts of
tests/golden/model, from the definition in src/merge/head_fit.h, by transformers' features
in f64 and numpy's least squares of a system with the ridge as further rows.

Run in this folder, after make_methods.py, with the packages that it names:

    python make_head_fit.py

For each KIND of clip, vit, gpt2 and each task t, on all of its examples in
methods-KIND.safetensors:
  KIND.t.weight [classes, D], and but for gpt2, whose heads have none, KIND.t.bias [classes]
  KIND.shared.t.weight, KIND.shared.t.bias: the same by one map for all tasks, at the
    preference below, from the definition in src/merge/head_map.h
"""

import os

import numpy as np
import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import save_file
from torch.func import functional_call

from make_methods import HERE, TASKS, Kind, average, memory_name

RIDGE = 0.1
PREFERENCE = [0.5, 0.375, 0.125]


def features(kind, task, weights):
    expert, values = kind.experts[task], kind.values(task)
    held = {}
    layer = {"clip": "visual_projection", "vit": "classifier", "gpt2": "score"}[kind.name]
    hook = getattr(expert, layer).register_forward_hook(
        lambda module, args, output: held.update(x=args[0], y=output))
    with torch.no_grad():
        functional_call(expert, weights, (values,))
    hook.remove()
    if kind.name == "clip":
        return F.normalize(held["y"], dim=-1).numpy()
    if kind.name == "gpt2":
        last = kind.texts[task]["lengths"].long() - 1
        return held["x"][torch.arange(len(last)), last].numpy()
    return held["x"].numpy()


def head_of(kind, task):
    if kind.name == "clip":
        return kind.heads[task].numpy(), None
    layer = kind.experts[task].score if kind.name == "gpt2" else kind.experts[task].classifier
    bias = None if layer.bias is None else layer.bias.detach().numpy()
    return layer.weight.detach().numpy(), bias


def fit(kind, task):
    merged_vector = average(kind)
    merged = {memory_name(n): kind.base[n] + merged_vector[n] for n in kind.tensors}
    f, z = features(kind, task, merged), features(kind, task, {})
    weight, bias = head_of(kind, task)
    lack = (z - f) @ weight.T
    f_mean, lack_mean = f.mean(0), lack.mean(0)
    if kind.name == "gpt2":
        f_mean, lack_mean = 0 * f_mean, 0 * lack_mean
    f, lack = f - f_mean, lack - lack_mean
    width = f.shape[1]
    root = np.sqrt(RIDGE * (f**2).sum() / width)
    change = np.linalg.lstsq(
        np.concatenate([f, root * np.eye(width)]),
        np.concatenate([lack, np.zeros((width, lack.shape[1]))]), rcond=None)[0].T
    out = {"weight": weight + change}
    if kind.name != "gpt2":
        out["bias"] = (0 if bias is None else bias) + lack_mean - change @ f_mean
    return out


def share(kind):
    merged_vector = average(kind)
    merged = {memory_name(n): kind.base[n] + merged_vector[n] for n in kind.tensors}
    f = [features(kind, t, merged) for t in range(TASKS)]
    z = [features(kind, t, {}) for t in range(TASKS)]
    root = np.concatenate([np.full(len(x), np.sqrt(r / len(x)))
                           for x, r in zip(f, PREFERENCE)])[:, None]
    f, z = np.concatenate(f), np.concatenate(z)
    lack = z - f
    f_mean, lack_mean = (root**2 * f).sum(0), (root**2 * lack).sum(0)
    if kind.name == "gpt2":
        f_mean, lack_mean = 0 * f_mean, 0 * lack_mean
    f, lack = root * (f - f_mean), root * (lack - lack_mean)
    width = f.shape[1]
    ridge = np.sqrt(RIDGE * (f**2).sum() / width)
    m = np.linalg.lstsq(np.concatenate([f, ridge * np.eye(width)]),
                        np.concatenate([lack, np.zeros((width, width))]), rcond=None)[0].T
    for t in range(TASKS):
        weight, bias = head_of(kind, t)
        out = {"weight": weight @ (np.eye(width) + m)}
        if kind.name != "gpt2":
            out["bias"] = (0 if bias is None else bias) + weight @ (lack_mean - m @ f_mean)
        yield t, out


if __name__ == "__main__":
    transformers.logging.disable_progress_bar()
    out = {}
    for name in ("clip", "vit", "gpt2"):
        kind = Kind(name)
        for t in range(TASKS):
            for what, value in fit(kind, t).items():
                out[f"{name}.{t}.{what}"] = torch.from_numpy(np.ascontiguousarray(value))
        for t, values in share(kind):
            for what, value in values.items():
                out[f"{name}.shared.{t}.{what}"] = torch.from_numpy(
                    np.ascontiguousarray(value))
    save_file(out, os.path.join(HERE, "head_fit.safetensors"))
