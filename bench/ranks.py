#!/usr/bin/env python3
"""One preference of a large model by `mpirun -n N pwemoe eval`, for N from 1: what the
ranks gain by making the closed form's layers together.

    python3 bench/ranks.py --pwemoe build/pwemoe [--ranks 2] [--rounds 3] [--shape L/14]
        [--experts 4] [--method wudi] [--set ridge=1]

Needs numpy, Open MPI, and disk below --folder for (experts + 1) models. The models have
the shape of a CLIP vision tower and random weights, and each task ten random images, so
that making the model is nearly all there is. Every rank has one thread. Runs N = 1, 2, ...
in turns; prints, a line each, medians: wall seconds of the whole command, what it took to
make the model (the column that the store keeps), that of N = 1 divided by N times it, and
how many layers the other ranks made. All models must have the same hash."""

import argparse
import json
import os
import pathlib
import re
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import numpy

# width, layers, heads, mlp, patch
SHAPES = {"B/32": (768, 12, 12, 3072, 32), "L/14": (1024, 24, 16, 4096, 14),
          "tiny": (64, 2, 2, 256, 8)}
CLASSES, IMAGES, SIZE = 4, 10, 28


def tensors(shape):
    width, layers, _, mlp, patch = SHAPES[shape]
    positions = (224 // patch) ** 2 + 1
    yield "embeddings.class_embedding", (width,)
    yield "embeddings.patch_embedding.weight", (width, 3, patch, patch)
    yield "embeddings.position_embedding.weight", (positions, width)
    for norm in ("pre_layrnorm", "post_layernorm"):
        yield norm + ".weight", (width,)
        yield norm + ".bias", (width,)
    for layer in range(layers):
        at = f"encoder.layers.{layer}."
        for name, out, into in (("self_attn.q_proj", width, width),
                                ("self_attn.k_proj", width, width),
                                ("self_attn.v_proj", width, width),
                                ("self_attn.out_proj", width, width),
                                ("mlp.fc1", mlp, width), ("mlp.fc2", width, mlp)):
            yield f"{at}{name}.weight", (out, into)
            yield f"{at}{name}.bias", (out,)
        for norm in ("layer_norm1", "layer_norm2"):
            yield f"{at}{norm}.weight", (width,)
            yield f"{at}{norm}.bias", (width,)


def write_tensors(path, named):
    """named: (name, array of float32) in turn, the shapes known beforehand."""
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, shape, _ in named:
        size = 4 * int(numpy.prod(shape))
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, _, make in named:
            make().astype("<f4").tofile(file)


def random_tensor(seed, shape, added):
    def make():
        value = 0.05 * numpy.random.default_rng(seed).standard_normal(shape, "f4")
        if added is not None:
            value += 0.005 * numpy.random.default_rng(added).standard_normal(shape, "f4")
        return value
    return make


def write_pool(folder, shape, experts):
    width, layers, heads, mlp, patch = SHAPES[shape]
    config = {"model_type": "clip_vision_model", "num_hidden_layers": layers,
              "hidden_size": width, "num_attention_heads": heads, "intermediate_size": mlp,
              "image_size": 224, "patch_size": patch, "num_channels": 3,
              "projection_dim": 64, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}
    names = list(tensors(shape)) + [("visual_projection.weight", (64, width))]
    lines = ["name: random models", "model: clip-vision", "pretrained: base", "tasks:"]
    for model in range(experts + 1):
        place = folder / ("base" if model == 0 else f"expert{model}")
        place.mkdir()
        (place / "config.json").write_text(json.dumps(config))
        write_tensors(place / "model.safetensors", [
            (name if name.startswith("visual") else "vision_model." + name, s,
             random_tensor(i, s, 1000 * model + i if model else None))
            for i, (name, s) in enumerate(names)])
        if model == 0:
            continue
        data = folder / f"data{model}"
        data.mkdir()
        draw = numpy.random.default_rng(model)
        pixels = draw.integers(0, 256, IMAGES * SIZE * SIZE, "u1")
        (data / "images-idx3-ubyte").write_bytes(
            struct.pack(">IIII", 0x803, IMAGES, SIZE, SIZE) + pixels.tobytes())
        labels = (numpy.arange(IMAGES) % CLASSES).astype("u1")
        (data / "labels-idx1-ubyte").write_bytes(
            struct.pack(">II", 0x801, IMAGES) + labels.tobytes())
        write_tensors(folder / f"head{model}.safetensors",
                      [("weight", (CLASSES, 64), random_tensor(model, (CLASSES, 64), None)),
                       ("bias", (CLASSES,), random_tensor(model, (CLASSES,), None))])
        lines += [f"  task{model}:", f"    expert: expert{model}",
                  f"    head: head{model}.safetensors",
                  f"    test: data{model}/images-idx3-ubyte"]
    (folder / "recipe.yaml").write_text("\n".join(lines) + "\n")


def evaluate(options, folder, ranks, number):
    """Another preference each time, the same for all ranks: (wall, making, others, hash)."""
    weights = [1 + (number * (t + 3)) % 7 for t in range(options.experts)]
    preference = ",".join(repr(w / sum(weights)) for w in weights[:-1])
    preference += "," + repr(1 - sum(w / sum(weights) for w in weights[:-1]))
    database = folder / f"{ranks}.db"
    words = [options.pwemoe, "eval", str(database), "--threads", "1", "--batch", "8",
             "--method", options.method, "--set", options.set, "--again",
             "--preference", preference]
    if options.method != "wudi":
        words = [options.pwemoe, "merge", str(database), "--threads", "1", "--batch", "8",
                 "--method", options.method, "--set", f"scale={1 + number / 100}"]
    if ranks > 1:
        words = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] + words
    began = time.monotonic()
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    wall = time.monotonic() - began
    if ran.returncode:
        sys.exit(ran.stderr)
    said = re.search(r"of (\d+) linear layers other ranks made (\d+)", ran.stderr)
    with sqlite3.connect(database) as db:
        seconds, digest = db.execute(
            "SELECT seconds, model_sha256 FROM solution ORDER BY id DESC LIMIT 1").fetchone()
    return wall, seconds, int(said[2]) if said else 0, digest


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--pwemoe", default="build/pwemoe")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shape", choices=SHAPES, default="B/32")
    parser.add_argument("--experts", type=int, default=4)
    parser.add_argument("--method", default="wudi")
    parser.add_argument("--set", default="ridge=1")
    parser.add_argument("--folder", default=None, help="where models are made; kept")
    options = parser.parse_args()
    options.pwemoe = os.path.abspath(options.pwemoe)
    with tempfile.TemporaryDirectory() as own:
        folder = pathlib.Path(options.folder or own).resolve()
        if not (folder / "recipe.yaml").exists():
            folder.mkdir(exist_ok=True)
            write_pool(folder, options.shape, options.experts)
        for n in range(1, options.ranks + 1):
            for old in folder.glob(f"{n}.db*"):
                old.unlink()
            subprocess.run([options.pwemoe, "init", str(folder / f"{n}.db"),
                            str(folder / "recipe.yaml"), "--quiet"], check=True,
                           stdout=subprocess.DEVNULL)
        found = {n: [] for n in range(1, options.ranks + 1)}
        for number in range(options.rounds):
            for n, runs in found.items():
                runs.append(evaluate(options, folder, n, number))
            if len({runs[-1][3] for runs in found.values()}) != 1:
                sys.exit("the models differ")
        print("ranks  wall s  making s  efficiency  layers elsewhere")
        one = statistics.median(run[1] for run in found[1])
        for n, runs in found.items():
            wall, making, others = (statistics.median(run[i] for run in runs)
                                    for i in range(3))
            print(f"{n:5d} {wall:7.2f} {making:9.2f} {one / (n * making):11.2f} {others:17.0f}")


if __name__ == "__main__":
    main()
