"""TIES, Fisher and RegMean by the published implementations, for tests/merge.

Run with torch 2.15 and, both installed by pip's --no-deps, fusion-bench 0.2.33 and
mergekit 0.1.5:
    python make_merge.py ties > ties.txt
    python make_merge.py fisher > fisher.txt
    python make_merge.py regmean > regmean.txt
Only the files that do the arithmetic are loaded; what the rest of fusion-bench needs
is not.
"""

import contextlib
import importlib.util
import pathlib
import sys
import types

import torch

torch.manual_seed(20231119)


def fusion_bench(path):
    """One module of fusion-bench by its file, its imports of the package stood for."""
    for name in (
        "fusion_bench.method",
        "fusion_bench.mixins",
        "fusion_bench.modelpool",
        "fusion_bench.utils",
        "fusion_bench.utils.type",
        "tqdm.autonotebook",
    ):
        stand_in = types.ModuleType(name)
        stand_in.__getattr__ = lambda attribute: (
            (lambda c: c) if attribute == "auto_register_config"
            else contextlib.nullcontext if attribute == "timeit_context"
            else type(attribute, (), {})
        )
        sys.modules[name] = stand_in
    root = pathlib.Path(importlib.util.find_spec("fusion_bench").origin).parent
    package = types.ModuleType("fb_" + path.split("/")[0])
    package.__path__ = [str((root / "method" / path).parent)]
    sys.modules[package.__name__] = package
    name = package.__name__ + "." + pathlib.Path(path).stem
    spec = importlib.util.spec_from_file_location(name, root / "method" / path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def show(values):
    print(" ".join(format(float(v), ".9g") for v in values.reshape(-1)))


def ties():
    """case TASKS COUNT KEEP TENSORS ALSO; counts of tensors; vectors; fusion-bench's
    mean and sum; where ALSO, mergekit's mean."""
    theirs = fusion_bench("ties_merging/ties_merging_utils.py")
    from mergekit.merge_methods.generalized_task_arithmetic import get_mask
    from mergekit.sparsify import SparsificationMethod, sparsify

    def whole(vectors, keep, name):
        if int(vectors.shape[1] * keep) < vectors.shape[1]:
            return theirs.ties_merging(vectors, reset_thresh=keep, merge_func=name)
        # torch's kthvalue knows no 0-th smallest value: nothing is trimmed.
        return theirs.disjoint_merge(vectors, name, theirs.resolve_sign(vectors))

    def by_tensor(part, keep):
        deltas = torch.stack(
            [
                sparsify(row, density=keep, method=SparsificationMethod.magnitude)
                for row in part
            ]
        )
        mask = get_mask(deltas, method="sum")
        divisor = mask.sum(dim=0)
        divisor[divisor == 0] = 1
        return (deltas * mask).sum(dim=0) / divisor

    keeps = (0.2, 0.05, 0.5, 0.9, 1.0, 0.3)
    for number in range(24):
        tasks = 1 + number % 6
        counts = [7 + number, 1, 40, 16]
        keep = keeps[(number + number // 6) % len(keeps)]
        vectors = torch.randn(tasks, sum(counts)).mul(1e4).round() / 1e4
        if number % 2:  # equal magnitudes, sums of 0, zeros
            vectors = (vectors * 2).round() / 4
        if number % 8 == 7:
            vectors = -vectors.abs()
            vectors[0] = -vectors[tasks - 1]
        # Which of equal magnitudes mergekit keeps depends on torch's sort.
        also = int(number % 2 == 0 or keep == 1)
        with contextlib.redirect_stdout(sys.stderr):
            mean, total = (whole(vectors, keep, name) for name in ("mean", "sum"))
        print("case", tasks, sum(counts), keep, len(counts), also)
        print(*counts)
        show(vectors)
        show(mean)
        show(total)
        if also:
            parts = vectors.split(counts, dim=1)
            show(torch.cat([by_tensor(part, keep) for part in parts]))


def fisher():
    """case TASKS COUNT NORMALISE FLOOR; pretrained; experts; Fisher diagonals; merged."""
    theirs = fusion_bench("fisher_merging/fisher_merging.py")
    for number in range(12):
        tasks, floor = 1 + number % 5, (1e-6, 1e-3)[number % 2]
        shapes = {"a.weight": (4, 5), "a.bias": (5,), "b": (7,)}
        count = 32
        pretrained = torch.randn(count).mul(1e3).round() / 1e3
        experts = pretrained + (torch.randn(tasks, count) * 100).round() / 1e3
        diagonals = torch.randn(tasks, count) ** 4 * 10.0 ** -(number % 4)
        diagonals[0, :6] = 0

        def split(row):
            parts = row.split([20, 5, 7])
            return {n: p.reshape(s) for (n, s), p in zip(shapes.items(), parts)}

        for normalise in (0, 1):
            merged = theirs.merging_with_fisher_weights(
                {n: [split(row)[n] for row in experts] for n in shapes},
                [split(row) for row in diagonals],
                torch.ones(tasks) / tasks,
                normalize_fisher_weight=bool(normalise),
                minimal_fisher_weight=floor,
            )
            print("case", tasks, count, normalise, floor)
            show(pretrained)
            show(experts)
            show(diagonals)
            show(torch.cat([merged[n].reshape(-1) for n in shapes]))


def regmean():
    """case TASKS INPUTS OUTPUTS RATIO; pretrained [OUTPUTS, INPUTS]; experts; the
    tasks' X^T X / n [INPUTS, INPUTS]; merged. In f64, so that what differs is ours."""
    theirs = fusion_bench("regmean/regmean.py")
    torch.set_default_dtype(torch.float64)
    for number in range(10):
        tasks, inputs, outputs = 1 + number % 4, 3 + number, 2 + number % 5
        ratio = (1.0, 0.95, 0.5)[number % 3]
        pretrained = torch.randn(outputs, inputs).float().double()
        experts = (pretrained + torch.randn(tasks, outputs, inputs) * 0.1).float().double()
        x = torch.randn(tasks, 3 * inputs, inputs)
        grams = (x.transpose(1, 2) @ x / (3 * inputs)).float().double()
        merged = theirs.merging_with_regmean_weights(
            {"m.weight": list(experts)},
            [{"m": gram} for gram in grams],
            reduce_non_diagonal_ratio=ratio,
        )["m.weight"]
        print("case", tasks, inputs, outputs, ratio)
        show(pretrained)
        show(experts)
        show(grams)
        show(merged)


if __name__ == "__main__":
    {"ties": ties, "fisher": fisher, "regmean": regmean}[sys.argv[1]]()
