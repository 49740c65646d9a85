#!/usr/bin/env python3
"""pwemoe map on a pool of many tasks: how good its answers are for how many models.

    python3 bench/many_tasks.py --pwemoe build/pwemoe [--tasks 8] [--seeds 2] [--folder F]

Needs numpy, scikit-learn and torch. A pool is trained in seconds: a network of three
layers for scikit-learn's digits, and one fine-tuned copy for each way of turning, shifting
or shuffling their images. Commands measure them, so that nothing of the network is known to
the program. Each way of fitting answers the same preferences, whose models are measured;
beside it stands the paper's nesting (arXiv 2406.07529), worked out here by its definition: two
models at a time are merged at the preference, by quadratics of their two coefficients fitted
to --pairs models, then the merged ones, up to one model. Its price is for one preference,
that of pwemoe map for all of them.

Prints a line each: figures measured over tasks, which is models where all of a model's tasks
are; the loss, T (max_t r_t l_t + 0.05 sum_t r_t l_t) with l_t from 0 at the expert's figure to
1 at the worst that another expert has, mean over preferences; the mean accuracy weighted by
the preference."""

import hashlib
import json
import os
import pathlib
import struct
import subprocess
import sys

LAYERS = ((64, 96), (96, 64), (64, 10))
TRAINED = 1000
WAYS = ("upside", "mirror", "left", "inverse", "right2", "down2", "transpose", "half",
        "shuffle1", "shuffle2", "left2", "right")


def score(folder, way, model):
    """The command that measures: all of a model's figures are worked out at the first."""
    path = pathlib.Path(model) / "model.safetensors"
    known = pathlib.Path(folder) / ("figures-" + hashlib.sha256(path.read_bytes()).hexdigest())
    if not known.exists():
        import numpy as np
        data = np.load(pathlib.Path(folder) / "data.npz")
        layers = read_model(path, np)
        figures = {name: accuracy(layers, data[name], data["labels"])
                   for name in data.files if name != "labels"}
        own = known.with_suffix(f".{os.getpid()}")
        own.write_text(json.dumps(figures))
        own.rename(known)
    print(json.loads(known.read_text())[way])


def read_model(path, np):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    take = lambda name: np.frombuffer(data[slice(*header[name]["data_offsets"])],
                                      "f4").reshape(header[name]["shape"])
    return [(take(f"{k}.weight"), take(f"{k}.bias")) for k in range(3)]


def accuracy(layers, images, labels):
    for k, (weight, bias) in enumerate(layers):
        images = images @ weight.T + bias
        if k < 2:
            images = images * (images > 0)
    return 100 * float((images.argmax(1) == labels).mean())


if sys.argv[1:2] == ["score"]:
    sys.exit(score(*sys.argv[2:]))

import argparse  # noqa: E402: what measuring has no need of
import copy  # noqa: E402
import shutil  # noqa: E402
import tempfile  # noqa: E402

import numpy as np  # noqa: E402


def shuffled(images, seed):
    random = np.random.default_rng(seed)
    order, some = np.arange(64), random.choice(64, 32, replace=False)
    order[some] = order[random.permutation(some)]
    return images.reshape(-1, 64)[:, order]


def changed(images, way):
    ways = {"upside": lambda a: a[:, ::-1], "mirror": lambda a: a[:, :, ::-1],
            "left": lambda a: np.rot90(a, 1, (1, 2)), "inverse": lambda a: 0.4 - a,
            "right2": lambda a: np.roll(a, 2, 2), "down2": lambda a: np.roll(a, 2, 1),
            "transpose": lambda a: a.transpose(0, 2, 1),
            "half": lambda a: np.rot90(a, 2, (1, 2)), "shuffle1": lambda a: shuffled(a, 1),
            "shuffle2": lambda a: shuffled(a, 2), "left2": lambda a: np.roll(a, -2, 2),
            "right": lambda a: np.rot90(a, 3, (1, 2))}
    return np.ascontiguousarray(ways[way](images).reshape(-1, 64)).astype("f4")


def write_model(folder, layers):
    folder.mkdir(parents=True)
    header, data = {}, b""
    for k, pair in enumerate(layers):
        for name, tensor in zip(("weight", "bias"), pair):
            raw = np.ascontiguousarray(tensor, "f4").tobytes()
            header[f"{k}.{name}"] = {"dtype": "F32", "shape": list(tensor.shape),
                                     "data_offsets": [len(data), len(data) + len(raw)]}
            data += raw
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    (folder / "config.json").write_text('{"model_type": "three-layers"}')


def train(network, images, labels, steps, rate):
    import torch
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    images, labels = torch.tensor(images), torch.tensor(labels)
    for _ in range(steps):
        some = torch.randint(len(images), (64,))
        loss = torch.nn.functional.cross_entropy(network(images[some]), labels[some])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def make_pool(folder, ways):
    import torch
    from sklearn.datasets import load_digits
    torch.manual_seed(0)
    torch.set_num_threads(1)
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    images, labels = (images[order] / 16 - 0.3).astype("f4").reshape(-1, 8, 8), labels[order]
    data = [changed(images, way) for way in ways]
    parts = []
    for k, (width, height) in enumerate(LAYERS):
        parts += [torch.nn.Linear(width, height)] + ([torch.nn.ReLU()] if k < 2 else [])
    base = torch.nn.Sequential(*parts)
    # Before, all have been seen a little, as large models have seen a little of everything.
    train(base, np.concatenate([images.reshape(-1, 64)[:TRAINED]] + [d[:150] for d in data]),
          np.concatenate([labels[:TRAINED]] + [labels[:150]] * len(ways)), 500, 1e-3)
    models = {"pretrained": base}
    for way, own in zip(ways, data):
        models[way] = copy.deepcopy(base)
        train(models[way], own[:TRAINED], labels[:TRAINED], 300, 3e-4)
    for name, model in models.items():
        write_model(folder / name, [(m.weight.detach().numpy(), m.bias.detach().numpy())
                                    for m in list(model)[::2]])
    np.savez(folder / "data.npz", labels=labels[TRAINED:],
             **{way: own[TRAINED:] for way, own in zip(ways, data)})


class Pool:
    """The same models and figures without commands, for the nesting and the experts."""

    def __init__(self, folder, ways):
        self.data, self.ways, self.measured = np.load(folder / "data.npz"), ways, 0
        read = lambda name: read_model(folder / name / "model.safetensors", np)
        self.base, self.experts = read("pretrained"), [read(way) for way in ways]

    def figures(self, scales, tasks):
        layers = [tuple(part + sum(s * (e[k][i] - part) for s, e in zip(scales, self.experts))
                        for i, part in enumerate(pair)) for k, pair in enumerate(self.base)]
        self.measured += len(tasks)
        return np.array([accuracy(layers, self.data[self.ways[t]], self.data["labels"])
                         for t in tasks])


def loss_of(best, worst, preference, figures):
    lost = preference * np.maximum(0, (best - figures) / (best - worst))
    return lost.max(-1) + 0.05 * lost.sum(-1)


def quadratic(x):
    return np.stack([np.ones(len(x)), x[:, 0], x[:, 1], x[:, 0] ** 2, x[:, 0] * x[:, 1],
                     x[:, 1] ** 2], 1)


def nested(pool, tasks, preference, count, random):
    """Scales of the model that merges these tasks, two halves at a time."""
    if len(tasks) == 1:
        return np.eye(len(pool.ways))[tasks[0]]
    half = 1
    while half * 2 < len(tasks):
        half *= 2
    sides = np.stack([nested(pool, part, preference, count, random)
                      for part in (tasks[:half], tasks[half:])])
    share, total = random.permutation(count - 4), 0.5 + random.uniform(size=count - 4) * 1.16
    share = (share + random.uniform(size=count - 4)) / (count - 4)
    x = np.concatenate([[[1, 0], [0, 1], [0.5, 0.5], [0.83, 0.83]],
                        np.minimum(1, np.stack([share * total, (1 - share) * total], 1))])
    y = np.array([pool.figures(row @ sides, tasks) for row in x])
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 41)] * 2), -1).reshape(-1, 2)
    grid = grid[(grid.sum(1) >= 0.5) & (grid.sum(1) <= 1.67)]
    p = np.clip(y / 100, 1e-3, 1 - 1e-3)
    z, root = np.log(p / (1 - p)), 2 * np.sqrt(p * (1 - p))
    said = np.stack([100 / (1 + np.exp(-quadratic(grid) @ np.linalg.lstsq(
        quadratic(x) * root[:, [k]], (z * root)[:, k], rcond=None)[0]))
        for k in range(len(tasks))], 1)
    best = y.max(0)
    worst = np.minimum(y[y.argmax(0)].min(0), best - 1e-3)
    own = preference[tasks] / max(1e-9, preference[tasks].sum())
    return grid[loss_of(best, worst, own, said).argmin()] @ sides


def preferences_of(tasks):
    drawn = np.random.default_rng(7).dirichlet(np.ones(tasks), 12)
    out = np.round(np.concatenate([np.full((1, tasks), 1 / tasks), drawn]), 6)
    out[:, 0] += 1 - out.sum(1)
    return out


def run_map(program, folder, ways, options, seed, preferences):
    """Figures of the answers at preferences, and how many models the fit was given."""
    db = folder / "map.db"
    for path in folder.glob("map.db*"):
        path.unlink()

    def pwemoe(*words):
        return subprocess.run([program, *map(str, words), "--quiet", "--allow-commands"],
                              check=True, stdout=subprocess.PIPE).stdout

    subprocess.run([program, "init", db, folder / "pool.yaml", "--quiet"], check=True)
    pwemoe("map", db, "--seed", seed, "--grid", 2, *options)
    count = len(json.loads(subprocess.run(
        [program, "show", db, "solutions", "--kind", "merge", "--format", "json"],
        check=True, stdout=subprocess.PIPE).stdout))
    figures = []
    for row in preferences:
        said = json.loads(pwemoe("eval", db, "--format", "json", "--preference",
                                 ",".join(f"{r:.6f}" for r in row)))
        figures.append([said[0]["objectives"][way]["value"] for way in ways])
    return np.array(figures), count


def main():
    parser = argparse.ArgumentParser(description="pwemoe map on many tasks")
    parser.add_argument("--pwemoe", default="build/pwemoe")
    parser.add_argument("--tasks", type=int, default=8, choices=range(2, len(WAYS) + 1))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--folder", default=tempfile.gettempdir())
    parser.add_argument("options", nargs="*",
                        default=["", "--evaluations 25", "--fit least-squares"],
                        help="of pwemoe map, one way of fitting each")
    o = parser.parse_args()
    program, ways = os.path.abspath(o.pwemoe), WAYS[:o.tasks]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="many-tasks-", dir=o.folder))
    make_pool(folder, ways)
    (folder / "pool.yaml").write_text("pretrained: pretrained\ntasks:\n" + "".join(
        f"  {way}:\n    expert: {way}\n    direction: max\n    unit: '%'\n    measure: "
        f"{sys.executable} {os.path.abspath(__file__)} score {folder} {way} {{model}}\n"
        for way in ways))
    pool, preferences = Pool(folder, ways), preferences_of(o.tasks)
    alone = np.array([pool.figures(row, range(o.tasks)) for row in np.eye(o.tasks)])
    best, worst = np.diag(alone), alone.min(0)

    def tell(name, count, figures):
        lost = loss_of(best, worst, preferences, figures).mean() * o.tasks
        print(f"{name:34} models {count:6.1f}  loss {lost:.3f}  "
              f"weighted {(preferences * figures).sum(1).mean():.2f}", flush=True)

    for seed in range(o.seeds):
        pool.measured, random = 0, np.random.default_rng(seed)
        found = np.array([pool.figures(
            nested(pool, list(range(o.tasks)), row, o.pairs, random), range(o.tasks))
            for row in preferences])
        count = pool.measured / o.tasks / len(preferences) - 1
        tell(f"nested, each preference, seed {seed}", count, found)
        for options in o.options:
            found, count = run_map(program, folder, ways, options.split(), seed, preferences)
            tell(f"map {options}, seed {seed}", count, found)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
