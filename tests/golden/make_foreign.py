"""Makes tensorwise/foreign.safetensors: what fusion-bench makes of the tiny Llama, BERT and
T5 of tensorwise/, in float64. Run after make_tensorwise.py with what make_merge.py wants,
from which the way of loading fusion-bench's files is taken."""

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
    """Matrices outside numbered layers, which pwemoe takes the mean of."""
    return [k for k in base if not any(part.isdigit() for part in k.split("."))]


def main():
    iso = fusion_bench("isotropic_merging/iso_utils.py")
    slerp = fusion_bench("slerp/slerp_utils.py").slerp
    results = {}

    def keep(label, tensors):
        for key, value in tensors.items():
            results[label + "/" + key] = value.float().contiguous()

    base, taus = vectors("llama", "abc")
    found = iso.iso_c(taus, accelerator="cpu", exclude_keys=others(base))
    keep("llama/iso-c", {k: base[k] + 0.7 * found[k] for k in base})
    base, taus = vectors("bert", "ab")
    found = iso.iso_cts(taus, 0.5, accelerator="cpu", exclude_keys=others(base))
    keep("bert/iso-cts", {k: base[k] + 0.7 * found[k] for k in base})
    _, a, b = models("t5", "ab")
    keep("t5/slerp", {k: slerp(0.3, a[k], b[k]) for k in a})
    save_file(results, HERE / "foreign.safetensors")


if __name__ == "__main__":
    sys.exit(main())
