"""Makes tensorwise/foreign.safetensors: what fusion-bench makes of the tiny Llama, BERT, T5
and ResNet of tensorwise/, in float64, by each of TSV-M, Iso-C, Iso-CTS, SLERP and TIES. Run
after make_tensorwise.py with what make_merge.py wants, from which the way of loading
fusion-bench's files is taken."""

import pathlib
import sys

import torch
from make_merge import fusion_bench
from safetensors.torch import load_file, save_file

HERE = pathlib.Path(__file__).parent / "tensorwise"


def models(kind, experts):
    return [{k: v.double() for k, v in
             load_file(HERE / kind / m / "model.safetensors").items()}
            for m in ("base", *experts)]


def vectors(kind, experts):
    base, *tuned = models(kind, experts)
    return base, [{k: t[k] - base[k] for k in base} for t in tuned]


def others(base):
    """Matrices outside numbered layers, and a table of relative positions inside one, which
    pwemoe takes the mean of."""
    return [k for k in base
            if "_bias." in k or not any(part.isdigit() for part in k.split("."))]


def trimmed(taus, share):
    """TIES of one tensor. Its threshold is a value that it keeps, so that a share of n
    numbers leaves one more of them: what it is asked for is one less."""
    theirs = fusion_bench("ties_merging/ties_merging_utils.py")
    rows = torch.stack([t.reshape(-1) for t in taus])
    count = max(1, int(share * rows.shape[1]))
    ready = theirs.topk_values_mask(rows, K=(count - 0.5) / rows.shape[1])[0]
    return theirs.disjoint_merge(ready, "sum", theirs.resolve_sign(ready)).reshape(
        taus[0].shape)


def main():
    tsv = fusion_bench("task_singular_vector/utils/TSVM_utils.py")
    iso = fusion_bench("isotropic_merging/iso_utils.py")
    slerp = fusion_bench("slerp/slerp_utils.py").slerp
    results = {}

    def keep(label, tensors):
        for key, value in tensors.items():
            results[label + "/" + key] = value.float().contiguous()

    for kind, experts in (("llama", "abc"), ("bert", "ab"), ("t5", "ab"), ("resnet", "abc")):
        base, taus = vectors(kind, experts)
        learnt = [k for k in base if base[k].dim() and "running_" not in k]
        scaled = lambda found: {k: base[k] + 0.7 * found[k] for k in learnt}
        copies = lambda: [{k: v.clone() for k, v in tau.items()} for tau in taus]
        keep(kind + "/tsv-m", scaled(tsv.compute_and_sum_svd_mem_reduction(
            copies(), others(base), "cpu")))
        keep(kind + "/iso-c", scaled(iso.iso_c(copies(), "cpu", others(base))))
        keep(kind + "/iso-cts", scaled(iso.iso_cts(copies(), 0.5, "cpu", others(base))))
        _, a, b = models(kind, "ab")
        keep(kind + "/slerp", {k: slerp(0.3, a[k], b[k]) for k in learnt})
        keep(kind + "/ties", {k: base[k] + 0.4 * trimmed([t[k] for t in taus], 0.3)
                              for k in learnt})
    save_file(results, HERE / "foreign.safetensors")


if __name__ == "__main__":
    sys.exit(main())
