"""Makes tests/golden/adamerging.safetensors: a step of AdaMerging on the tiny models of
tests/golden/model, by PyTorch autograd in f64.

Run in this folder, after make_methods.py, with the packages that it names:

    python make_adamerging.py

For each KIND of clip, vit, gpt2, on the first N examples of each task in
methods-KIND.safetensors, the entropy as -sum p log p and coefficients clamped to [0, 1]:
  KIND.tensor.losses [T], KIND.tensor.gradient [tensors, T]: at coefficients
    0.4 + 0.7 cos(i + 2 t) of task t in tensor number i, some of which are clamped
  KIND.whole.losses [T], KIND.whole.gradient [1, T]: at 0.3, 0.6, 1.2 for all tensors
  KIND (metadata): the tensors' names, one a line
Gradients are of the sum of the losses.

    python make_adamerging.py --compare

with fusion-bench 0.2.33 (see make_merge.py) writes nothing, and prints how far the same by
its LayerWiseMergedModel and entropy_loss lies from that, relative to the largest number.
"""

import importlib.util
import os
import pathlib
import sys
import types
import typing

import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import save_file
from torch.func import functional_call

from make_methods import HERE, TASKS, Kind, memory_name

N = 3
WHOLE = [0.3, 0.6, 1.2]


def coefficients(kind, what):
    if what == "whole":
        return torch.tensor([WHOLE], dtype=torch.float64)
    i = torch.arange(len(kind.tensors), dtype=torch.float64)[:, None]
    return 0.4 + 0.7 * torch.cos(i + 2 * torch.arange(TASKS, dtype=torch.float64))


def describe(kind, what):
    given = coefficients(kind, what).requires_grad_()
    weights = given.clamp(0, 1).expand(len(kind.tensors), TASKS)
    merged = {memory_name(n): kind.base[n] + sum(
        w * v[n] for w, v in zip(row, kind.vectors))
        for n, row in zip(kind.tensors, weights)}
    losses = []
    for t in range(TASKS):
        logits = kind.logits(t, lambda v: functional_call(kind.experts[t], merged, (v,)),
                             kind.values(t)[:N])
        losses.append(-(F.softmax(logits, -1) * F.log_softmax(logits, -1)).sum(-1).mean())
    losses = torch.stack(losses)
    losses.sum().backward()
    return {f"{kind.name}.{what}.losses": losses.detach(),
            f"{kind.name}.{what}.gradient": given.grad}


def fusion_bench(root, path):
    """One file of fusion-bench, what it imports of the package stood for."""
    name = "fusion_bench." + path.removesuffix(".py").replace("/", ".")
    parents = name.split(".")[:-1]
    packages = [".".join(parents[:i + 1]) for i in range(len(parents))]
    for part in packages + ["fusion_bench.utils", "fusion_bench.utils.dict",
                            "fusion_bench.utils.type"]:
        stand_in = sys.modules.setdefault(part, types.ModuleType(part))
        stand_in.__getattr__ = typing.TypeVar
        stand_in.__path__ = []
    spec = importlib.util.spec_from_file_location(name, root / path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compare(kind):
    root = pathlib.Path(importlib.util.find_spec("fusion_bench").origin).parent
    fusion_bench(root, "models/utils.py")
    fusion = fusion_bench(root, "models/wrappers/layer_wise_fusion.py")
    entropy_loss = fusion_bench(root, "method/adamerging/entropy_loss.py").entropy_loss
    wanted = describe(kind, "tensor")[f"{kind.name}.tensor.gradient"]
    pretrained = type(kind.experts[0]).from_pretrained(
        os.path.join(HERE, "model", kind.name), dtype=torch.float64)
    names = [n for n, _ in pretrained.named_parameters()]  # its layers
    own = [memory_name(n) for n in kind.tensors]
    given = coefficients(kind, "tensor")
    weight = torch.zeros(TASKS, len(names), dtype=torch.float64)
    for i, n in enumerate(own):
        weight[:, names.index(n)] = given[i]
    merged = fusion.LayerWiseMergedModel(weight, pretrained, kind.experts,
                                         strict=False)
    for t in range(TASKS):
        merged.merge_weights()
        entropy_loss(kind.logits(t, merged, kind.values(t)[:N])).backward()
    got = torch.stack([merged.merge_weight.grad[:, names.index(n)] for n in own])
    print(kind.name, float((got - wanted).abs().max() / wanted.abs().max()))


if __name__ == "__main__":
    transformers.logging.disable_progress_bar()
    out, metadata = {}, {}
    for name in ("clip", "vit", "gpt2"):
        kind = Kind(name)
        if "--compare" in sys.argv:
            if name == "clip":
                compare(kind)
            continue
        for what in ("tensor", "whole"):
            out.update(describe(kind, what))
            print(name, what, out[f"{name}.{what}.losses"].tolist())
        metadata[name] = "\n".join(kind.tensors)
    if out:
        save_file(out, os.path.join(HERE, "adamerging.safetensors"), metadata)
