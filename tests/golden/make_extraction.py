"""Makes tests/golden/extraction.txt: what the nearest matrices of rank 2 lack of what
fine-tuning changed, by numpy's singular values. Run in this folder with numpy and safetensors,
after make_tensorwise.py. A line for each matrix in numbered layers that differs:

    MODEL TENSOR NORM LOST     norms of the change, and of it less the nearest, over NORM
"""

import os

import numpy as np
from safetensors.numpy import load_file

HERE = os.path.dirname(os.path.abspath(__file__))
RANK = 2


def main():
    lines = []
    for model in ("llama", "resnet"):
        base, tuned = (load_file(os.path.join(HERE, "tensorwise", model, name,
                                              "model.safetensors")) for name in ("base", "a"))
        for name in sorted(base):
            change = tuned[name].astype(np.float64) - base[name].astype(np.float64)
            inside = any(part.isdigit() for part in name.split("."))
            if change.ndim not in (2, 4) or not inside or not np.any(change):
                continue
            values = np.linalg.svd(change.reshape(len(change), -1), compute_uv=False)
            norm = np.sqrt(np.sum(values ** 2))
            lost = np.sqrt(np.sum(values[RANK:] ** 2)) / norm
            lines.append(f"{model} {name} {norm:.12g} {lost:.12g}\n")
    with open(os.path.join(HERE, "extraction.txt"), "w") as file:
        file.writelines(lines)


main()
