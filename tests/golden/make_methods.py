"""Makes tests/golden/methods-clip.safetensors, methods-vit.safetensors and
methods-gpt2.safetensors: the tiny models of tests/golden/model merged by every method, computed with Hugging Face
transformers and PyTorch in f64 from the definitions of the papers.

Run in this folder, after make_model.py, with Python 3.11, torch 2.15.0 (CPU),
transformers 5.23.0, numpy 2.4.6, safetensors 0.8.0:

    python make_methods.py

Each file:
  pixels.t U8 [n_t, 3, S, S]: training images of task t, all of which are used; or
    ids.t I32 [n_t, 16] and lengths.t I32 [n_t]: texts
  cases (metadata): one a line, "method {parameters}", or "method r0,r1,r2 {parameters}"
    at a preference
  tensors (metadata): names of the N tensors, one a line; heads are not among them
  c.sum [N], c.dot [N] of case number c: each merged tensor's sum, and its inner
    product with cos(0), cos(1), cos(2), ...

    python make_methods.py --compare

with fusion-bench 0.2.33 (see make_merge.py) writes nothing, and prints how far that
package's TIES, Fisher, RegMean, TSV-M, Iso-C and Iso-CTS of these models lie from what is
here, as the largest difference of a merged parameter. What differs on purpose:
  Fisher: fusion-bench squares the gradient of a whole batch's sum over examples and
    labels of sqrt(p) log p, so that products of different examples' and labels'
    gradients enter, and divides by the number of examples. Here each example's and
    label's gradient is squared alone, as in Matena & Raffel (2022). Given
    these diagonals fusion-bench merges to the same model.
  RegMean: none; fusion-bench's mean over batches is weighted by rows.
  TSV-M, Iso-C, Iso-CTS: none, on the layers that are linear ones.
  TIES: none with trim "whole"; "tensor" is mergekit's (make_merge.py).
  Of texts, what is filled up at their ends is no input of RegMean.
"""

import json
import os
import re
import sys

import numpy as np
import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import load_file, save_file

import make_model
from make_model import HERE, OUT, SIZE, memory_name, pixel_values

EXAMPLES = [14, 3, 4]  # more pairs of the first task than run side by side
TASKS = len(EXAMPLES)

generator = torch.Generator().manual_seed(2203)


class Kind:
    """Pretrained model, experts and heads of one kind, in f64."""

    def __init__(self, name):
        self.name = name
        form = {"clip": transformers.CLIPVisionModelWithProjection,
                "vit": transformers.ViTForImageClassification,
                "gpt2": transformers.GPT2ForSequenceClassification}[name]
        folders = [os.path.join(OUT, name)] + [
            os.path.join(OUT, f"{name}-expert{t}") for t in range(TASKS)]
        files = [load_file(os.path.join(f, "model.safetensors")) for f in folders]
        self.tensors = sorted(n for n in files[0]
                              if not n.startswith(("classifier", "score")))
        # The subtraction is the program's, in f32: TIES compares magnitudes.
        self.base = {n: files[0][n].double() for n in self.tensors}
        self.vectors = [{n: (f[n] - files[0][n]).double() for n in self.tensors}
                        for f in files[1:]]
        self.experts = [form.from_pretrained(f, dtype=torch.float64).eval()
                        for f in folders[1:]]
        self.heads = [
            load_file(os.path.join(OUT, f"clip-head{t}.safetensors"))["weight"].double()
            for t in range(TASKS)] if name == "clip" else None
        if name == "gpt2":
            make_model.generator = generator
            self.texts = [make_model.new_texts(n) for n in EXAMPLES]
            return
        size = SIZE[name]
        self.pixels = [torch.randint(0, 256, (n, 3, size, size), generator=generator,
                                     dtype=torch.uint8) for n in EXAMPLES]

    def logits(self, task, model, values):
        if self.name != "clip":
            return model(values).logits
        return F.normalize(model(values).image_embeds, dim=-1) @ self.heads[task].T

    def values(self, task):
        if self.name == "gpt2":
            return self.texts[task]["ids"].long()
        return pixel_values(self.name, self.pixels[task])


def mean(kind, name):
    return sum(v[name] for v in kind.vectors) / TASKS


# --- methods: the merged task vector as a function of the tensors' names ------------


def pretrained(kind):
    return {n: torch.zeros_like(kind.base[n]) for n in kind.tensors}


def average(kind):
    return {n: mean(kind, n) for n in kind.tensors}


def task_arithmetic(kind, scale):
    return {n: scale * sum(v[n] for v in kind.vectors) for n in kind.tensors}


def ties(kind, scale, keep, trim, sum):
    flat = torch.stack([torch.cat([v[n].reshape(-1) for n in kind.tensors])
                        for v in kind.vectors])
    count = flat.shape[1]
    kept = torch.zeros_like(flat, dtype=torch.bool)
    if trim == "whole":
        # At or above the (d - floor(d K))-th smallest magnitude.
        rank = count - int(np.floor(count * keep))
        for t in range(TASKS):
            magnitudes = flat[t].abs()
            kept[t] = magnitudes >= magnitudes.sort().values[max(rank, 1) - 1]
    else:
        at = 0
        for n in kind.tensors:
            size = kind.base[n].numel()
            for t in range(TASKS):
                most = max(1, int(np.floor(size * keep)))
                order = flat[t, at:at + size].abs().argsort(descending=True, stable=True)
                kept[t, at + order[:most]] = True
            at += size
    trimmed = torch.where(kept, flat, 0)
    total = trimmed.sum(0)
    sign = total.sign()
    assert not ((sign == 0) & kept.any(0)).any()
    agree = kept & (trimmed.sign() == sign)
    merged = torch.where(agree, trimmed, 0).sum(0)
    if sum == "mean":
        merged = merged / agree.sum(0).clamp(min=1)
    parts = merged.split([kind.base[n].numel() for n in kind.tensors])
    return {n: scale * p.reshape(kind.base[n].shape) for n, p in zip(kind.tensors, parts)}


def fisher_diagonal(kind, task):
    """Mean over examples of the expectation over labels of squared gradients of
    log p(label | example), one example and one label at a time."""
    model = kind.experts[task]
    named = dict(model.named_parameters())
    parameters = [named[memory_name(n)] for n in kind.tensors]
    total = [torch.zeros_like(p) for p in parameters]
    values = kind.values(task)
    for example in values:
        logp = F.log_softmax(kind.logits(task, model, example[None])[0], dim=-1)
        for label in range(logp.numel()):
            gradients = torch.autograd.grad(logp[label], parameters, retain_graph=True,
                                            allow_unused=True)
            share = float(logp[label].detach().exp()) / len(values)
            for sum, gradient in zip(total, gradients):
                if gradient is not None:
                    sum += share * gradient**2
    return dict(zip(kind.tensors, total))


def fisher(kind, normalise, floor, **_):
    top = {n: 0 for n in kind.tensors}
    bottom = {n: 0 for n in kind.tensors}
    for t in range(TASKS):
        diagonal = fisher_diagonal(kind, t)
        norm = torch.sqrt(sum((d**2).sum() for d in diagonal.values()))
        share = 1 / (norm + floor) if normalise == "yes" else 1
        for n in kind.tensors:
            weight = share * (diagonal[n] + floor)
            top[n] = top[n] + weight * kind.vectors[t][n]
            bottom[n] = bottom[n] + weight
    return {n: top[n] / bottom[n] for n in kind.tensors}


LINEAR = (r"vision_model\.encoder\.layers\.\d+\..*(proj|fc1|fc2)\.weight$|"
          r"vit\.encoder\.layer\.\d+\..*(query|key|value|dense)\.weight$|"
          r"transformer\.h\.\d+\.(attn|mlp)\.c_\w+\.weight$")


def grams(kind, task, names):
    """X^T X / rows of the inputs X of each named layer, by forward hooks."""
    model, inputs = kind.experts[task], {}
    modules = dict(model.named_modules())
    hooks = [modules[memory_name(n).removesuffix(".weight")].register_forward_hook(
        lambda module, args, output, n=n: inputs.__setitem__(n, args[0])) for n in names]
    with torch.no_grad():
        model(kind.values(task))
    for hook in hooks:
        hook.remove()
    if kind.name == "gpt2":
        lengths = kind.texts[task]["lengths"].tolist()
        inputs = {n: torch.cat([x[i, :k] for i, k in enumerate(lengths)])
                  for n, x in inputs.items()}
    flat = {n: x.reshape(-1, x.shape[-1]) for n, x in inputs.items()}
    return {n: x.T @ x / x.shape[0] for n, x in flat.items()}


def weighted_mean(kind, weights):
    return {n: sum(w * v[n] for w, v in zip(weights, kind.vectors)) for n in kind.tensors}


def regmean(kind, ratio, preference=[1 / TASKS] * TASKS, **_):
    merged = weighted_mean(kind, preference)
    names = [n for n in kind.tensors if re.match(LINEAR, n)]
    transposed = kind.name == "gpt2"  # [inputs, outputs]
    assert len(names) == (4 if transposed else 6) * make_model.LAYERS
    all_grams = [grams(kind, t, names) for t in range(TASKS)]
    for n in names:
        left = right = 0
        for t in range(TASKS):
            gram = all_grams[t][n]
            gram = ratio * gram + (1 - ratio) * torch.diag(gram.diagonal())
            expert = kind.base[n] + kind.vectors[t][n]
            left = left + preference[t] * (
                gram @ expert if transposed else (expert @ gram).T)
            right = right + preference[t] * gram
        solved = torch.linalg.solve(right, left)
        merged[n] = (solved if transposed else solved.T) - kind.base[n]
    return merged


def wudi(kind, ridge, shrink, preference):
    """W = (sum_t q_t tau_t G_t + e m sum_t q_t tau_t) (sum_t q_t G_t + e m I)^-1 with
    G_t = tau_t' tau_t / |tau_t|^2 and m the mean diagonal of sum_t q_t G_t; queries,
    keys and values as one layer."""
    q = [(1 - shrink) * r + shrink / TASKS for r in preference]
    merged = weighted_mean(kind, q)
    layers = {}
    for n in kind.tensors:
        if re.match(LINEAR, n):
            key = re.sub(r"(q_proj|k_proj|v_proj|query|key|value)\.weight$", "qkv", n)
            layers.setdefault(key, []).append(n)
    for names in layers.values():
        if len(names) == 3:
            order = ["q_proj", "k_proj", "v_proj", "query", "key", "value"]
            names.sort(key=lambda n: order.index(n.split(".")[-2]))
        transposed = kind.name == "gpt2"
        taus = [torch.cat([v[n].T if transposed else v[n] for n in names])
                for v in kind.vectors]
        grams = [tau.T @ tau / (tau**2).sum() for tau in taus]
        system = sum(w * g for w, g in zip(q, grams))
        pull = ridge * system.diagonal().mean()
        right = sum(w * tau @ g for w, tau, g in zip(q, taus, grams))
        right = right + pull * sum(w * tau for w, tau in zip(q, taus))
        system = system + pull * torch.eye(len(system), dtype=torch.float64)
        solved = torch.linalg.solve(system, right.T).T
        parts = solved.split([kind.base[n].shape[1 if transposed else 0] for n in names])
        for n, part in zip(names, parts):
            merged[n] = part.T if transposed else part
    return merged


def singular_layers(kind):
    """The linear layers of the blocks and the projection."""
    return [n for n in kind.tensors if re.match(LINEAR, n) or
            n == "visual_projection.weight"]


def thin(matrix):
    u, s, v = np.linalg.svd(matrix.numpy(), full_matrices=False)
    return u, s, v


def polar(matrix):
    u, _, v = np.linalg.svd(matrix, full_matrices=False)
    return u @ v


def put_layers(kind, scale, merge):
    """merge of a layer's task vectors [outputs, inputs]; everything else the mean."""
    merged = {n: scale * mean(kind, n) for n in kind.tensors}
    turned = kind.name == "gpt2"
    for n in singular_layers(kind):
        layer = torch.from_numpy(merge([v[n].T if turned else v[n] for v in kind.vectors]))
        merged[n] = scale * (layer.T if turned else layer)
    return merged


def tsv_m(kind, scale):
    def merge(taus):
        each = min(taus[0].shape) // TASKS
        parts = [thin(tau) for tau in taus]
        u = polar(np.concatenate([u[:, :each] for u, _, _ in parts], axis=1))
        v = polar(np.concatenate([v[:each] for _, _, v in parts]))
        return u * np.concatenate([s[:each] for _, s, _ in parts]) @ v
    return put_layers(kind, scale, merge)


def iso_c(kind, scale):
    def merge(taus):
        u, s, v = thin(sum(taus))
        return s.mean() * u @ v
    return put_layers(kind, scale, merge)


def iso_cts(kind, scale, common):
    def merge(taus):
        rank = min(taus[0].shape)
        each = min(round((rank - int(rank * common)) / TASKS), rank // TASKS)
        k = rank - each * TASKS
        u, s, v = thin(sum(taus))
        left, values, right = [u[:, :k]], [s[:k]], [v[:k]]
        for tau in taus:
            a, b, c = thin(tau - torch.from_numpy(u[:, :k] @ u[:, :k].T) @ tau)
            left.append(a[:, :each])
            values.append(b[:each])
            right.append(c[:each])
        return np.concatenate(values).mean() * (
            polar(np.concatenate(left, axis=1)) @ polar(np.concatenate(right)))
    return put_layers(kind, scale, merge)


METHODS = {
    "pretrained": pretrained,
    "average": average,
    "task-arithmetic": task_arithmetic,
    "ties": ties,
    "fisher": fisher,
    "regmean": regmean,
    "wudi": wudi,
    "tsv-m": tsv_m,
    "iso-c": iso_c,
    "iso-cts": iso_cts,
}


def cases():
    yield "pretrained", {}
    yield "average", {}
    for scale in (0.3, 1.1):
        yield "task-arithmetic", {"scale": scale}
    for trim in ("whole", "tensor"):
        for sum, scale in (("sum", 0.3), ("mean", 0.9)):
            for keep in (0.2, 0.5):
                yield "ties", {"scale": scale, "keep": keep, "trim": trim, "sum": sum}
    for normalise, floor in (("yes", 1e-6), ("no", 1e-6), ("yes", 0.01)):
        yield "fisher", {"examples": 100, "labels": 16, "floor": floor,
                         "normalise": normalise}
    for ratio in (0.95, 0.5):
        yield "regmean", {"examples": 100, "ratio": ratio}
    yield "regmean", {"examples": 100, "ratio": 0.9}, [0.5, 0.375, 0.125]
    equal = [1 / TASKS] * TASKS
    for ridge, shrink, preference in ((0.01, 0, equal), (1, 0.3, [0.5, 0.375, 0.125]),
                                      (0.1, 0, [0.25, 0.75, 0]), (0.1, 0, [0, 0, 1])):
        yield "wudi", {"ridge": ridge, "shrink": shrink}, preference
    for scale in (1, 0.7):
        yield "tsv-m", {"scale": scale}
        yield "iso-c", {"scale": scale}
    for common in (0.8, 0.3, 0):
        yield "iso-cts", {"scale": 1, "common": common}


def make(kind):
    if kind.name == "gpt2":
        out = {f"{k}.{t}": v for t, text in enumerate(kind.texts) for k, v in text.items()}
    else:
        out = {f"pixels.{t}": p for t, p in enumerate(kind.pixels)}
    lines = []
    for c, (method, parameters, *preference) in enumerate(cases()):
        at = {"preference": preference[0]} if preference else {}
        vector = METHODS[method](kind, **parameters, **at)
        merged = [(kind.base[n] + vector[n]).detach().reshape(-1) for n in kind.tensors]
        out[f"{c}.sum"] = torch.stack([m.sum() for m in merged])
        out[f"{c}.dot"] = torch.stack([
            (m * torch.cos(torch.arange(m.numel(), dtype=torch.float64))).sum()
            for m in merged])
        where = "".join(",".join(map(repr, r)) + " " for r in preference)
        lines.append(f"{method} {where}{json.dumps(parameters, sort_keys=True)}")
    save_file(out, os.path.join(HERE, f"methods-{kind.name}.safetensors"),
              {"cases": "\n".join(lines), "tensors": "\n".join(kind.tensors)})


# --- fusion-bench --------------------------------------------------------------------


def batch_diagonal(kind, task):
    """What fusion-bench's get_fisher_weights computes of one batch of all examples."""
    model = kind.experts[task]
    named = dict(model.named_parameters())
    logits = kind.logits(task, model, kind.values(task))
    root = F.softmax(logits, dim=-1).detach().sqrt()
    gradients = torch.autograd.grad((root * F.log_softmax(logits, dim=-1)).sum(),
                                    [named[memory_name(n)] for n in kind.tensors],
                                    allow_unused=True)
    return {n: torch.zeros_like(kind.base[n]) if g is None else g**2 / EXAMPLES[task]
            for n, g in zip(kind.tensors, gradients)}


def compare(kind):
    from make_merge import fusion_bench

    experts = {n: [kind.base[n] + v[n] for v in kind.vectors] for n in kind.tensors}

    def say(what, theirs, ours):
        worst = max(float((theirs[n] - kind.base[n] - ours[n]).abs().max()) for n in ours)
        print(f"{kind.name} {what}: {worst:.3g}")

    # Its sum over tasks is in f32 or f64 as the vectors are.
    theirs = fusion_bench("ties_merging/ties_merging_utils.py")
    flat = torch.stack([torch.cat([v[n].reshape(-1) for n in kind.tensors])
                        for v in kind.vectors])
    for sum in ("sum", "mean"):
        merged = theirs.ties_merging(flat, reset_thresh=0.2, merge_func=sum)
        parts = merged.split([kind.base[n].numel() for n in kind.tensors])
        say(f"ties {sum}", {n: kind.base[n] + p.reshape(kind.base[n].shape)
                            for n, p in zip(kind.tensors, parts)},
            ties(kind, 1, 0.2, "whole", sum))

    theirs = fusion_bench("fisher_merging/fisher_merging.py")
    ours = fisher(kind, "yes", 1e-6)
    for what, diagonal in (("these diagonals", fisher_diagonal), ("its own", batch_diagonal)):
        merged = theirs.merging_with_fisher_weights(
            experts, [diagonal(kind, t) for t in range(TASKS)],
            torch.ones(TASKS, dtype=torch.float64) / TASKS, True, 1e-6)
        say(f"fisher, {what}", merged, ours)

    theirs = fusion_bench("regmean/regmean.py")
    names = [n for n in kind.tensors if re.match(LINEAR, n)]
    merged = theirs.merging_with_regmean_weights(
        experts, [{n.removesuffix(".weight"): g for n, g in grams(kind, t, names).items()}
                  for t in range(TASKS)], reduce_non_diagonal_ratio=0.95)
    say("regmean", merged, regmean(kind, 0.95))

    # What has two dimensions and is no linear layer is left out by hand.
    others = [n for n in kind.tensors if n not in singular_layers(kind)]
    theirs = fusion_bench("task_singular_vector/utils/TSVM_utils.py")
    merged = theirs.compute_and_sum_svd_mem_reduction(kind.vectors, others, "cpu")
    say("tsv-m", {n: kind.base[n] + merged[n] for n in merged}, tsv_m(kind, 1))
    theirs = fusion_bench("isotropic_merging/iso_utils.py")
    merged = theirs.iso_c(kind.vectors, "cpu", others)
    say("iso-c", {n: kind.base[n] + merged[n] for n in merged}, iso_c(kind, 1))
    for common in (0.8, 0.3):  # at 0 it may round up to more vectors than there are
        merged = theirs.iso_cts(kind.vectors, common, "cpu", others)
        say(f"iso-cts {common}", {n: kind.base[n] + merged[n] for n in merged},
            iso_cts(kind, 1, common))


if __name__ == "__main__":
    transformers.logging.disable_progress_bar()
    for name in ("clip", "vit", "gpt2"):
        kind = Kind(name)
        if "--compare" in sys.argv:
            if name != "gpt2":
                compare(kind)
        else:
            make(kind)
