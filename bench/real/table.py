"""Prints the tables of README.md for one results.db, in the paper's layout:
python3 table.py FILE (PWEMOE names the program). Standard library only.

Time and memory are those that timed.py wrote to seconds.csv beside FILE."""

import csv
import json
import os
import subprocess
import sys

pwemoe = os.environ.get("PWEMOE", "pwemoe")


def show(path, *arguments):
    done = subprocess.run([pwemoe, "show", path, *arguments, "--format", "json"],
                          check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def average(row, tasks):
    return sum(row["objectives"][t]["value"] for t in tasks) / len(tasks)


def line(name, row, tasks, bold=None):
    cells = []
    for t in tasks:
        value = f"{row['objectives'][t]['value']:.1f}"
        cells.append(f"**{value}**" if t == bold else value)
    print(f"| {name} | " + " | ".join(cells) + f" | {average(row, tasks):.1f} |")


def same(preference, wanted):
    return all(abs(p - w) < 1e-6 for p, w in zip(preference, wanted))


def weighted(row, tasks):
    """What a row's preference is called, and the task that has all of it."""
    preference = row["preference"]
    if same(preference, [1 / len(tasks)] * len(tasks)):
        return "equal weights", None
    for i, task in enumerate(tasks):
        if same(preference, [float(i == j) for j in range(len(tasks))]):
            return f"all on {task}", task
    return " : ".join(f"{p:g}" for p in preference), None


def shown(row, tasks):
    """Equal weights and all on one task; the rest of a front is in its hypervolume."""
    return weighted(row, tasks)[0].split()[0] in ("equal", "all")


def accuracies(rows, tasks):
    print("| model | " + " | ".join(tasks) + " | average |")
    print("| --- |" + " ---: |" * (len(tasks) + 1))
    names = {"pretrained": "pretrained, experts' heads", "stl": "STL: each expert alone",
             "average": "simple average", "fisher": "Fisher merging",
             "regmean": "RegMean"}
    for method, name in names.items():
        for row in rows:
            if row["method"] == method and row["kind"] in ("single", "merge"):
                line(name, row, tasks)
    for method, name in (("task-arithmetic", "task arithmetic"), ("ties", "TIES")):
        sweep = [r for r in rows if r["method"] == method]
        for row in sweep:
            if row["parameters"]["scale"] == 0.3:
                line(f"{name}, 0.3", row, tasks)
        if sweep:
            best = max(sweep, key=lambda r: average(r, tasks))
            line(f"{name}, best of {len(sweep)} ({best['parameters']['scale']:g})", best,
                 tasks)
    for method in METHODS:
        for row in rows:
            if row["kind"] == "train" and row["method"] == method:
                line(f"trained whole, {method}, {weighted(row, tasks)[0]}", row, tasks)
    for method, upscale in FRONTS:
        mine = [r for r in routed(rows, method, upscale) if shown(r, tasks)]
        mine.sort(key=lambda r: (weighted(r, tasks)[0][0] == "a", r["id"]))
        for row in mine:
            name, task = weighted(row, tasks)
            line(f"routers {method} {upscale}, {name}", row, tasks, task)


METHODS = ("ls", "epo", "mgda")
FRONTS = [(m, u) for m in METHODS for u in ("mlp", "attn+mlp", "all")]


def routed(rows, method, upscale):
    return [r for r in rows if r["kind"] == "pwemoe" and r["method"] == method
            and r["upscale"] == upscale]


def indicators(points, *arguments):
    with open("points.csv", "w") as f:
        f.write("\n".join(",".join(str(v) for v in p) for p in points) + "\n")
    done = subprocess.run([pwemoe, "indicators", "points.csv", "--maximise", *arguments,
                           "--format", "json"],
                          check=True, capture_output=True, text=True)
    os.remove("points.csv")
    return json.loads(done.stdout)


def fronts(rows, tasks):
    sets = [("task arithmetic", [r for r in rows if r["method"] == "task-arithmetic"]),
            ("TIES", [r for r in rows if r["method"] == "ties"]),
            ("trained whole", [r for r in rows if r["kind"] == "train"])]
    sets += [(f"routers {m} {u}", routed(rows, m, u)) for m, u in FRONTS]
    sets = [(name, [[r["objectives"][t]["value"] for t in tasks] for r in points])
            for name, points in sets if points]
    with open("union.csv", "w") as f:
        f.write("\n".join(",".join(str(v) for v in p) for _, s in sets for p in s) + "\n")
    print("| front | points | not dominated | hypervolume | IGD+ to the union |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, points in sets:
        found = indicators(points, "--ref", ",".join("0" for _ in tasks),
                           "--reference-set", "union.csv")
        print(f"| {name} | {len(points)} | {found['nondominated']} | "
              f"{found['hypervolume']:,.0f} | {found['igd_plus']:.2f} |")
    os.remove("union.csv")


def costs(path, rows):
    pool = os.path.splitext(os.path.basename(path))[0]
    trainable = {}
    for run in show(path, "routers"):
        name = f"routers {run['method']} {run['upscale']}" if run["upscale"] else \
            f"trained {run['method']}"
        trainable[name] = run["trainable"]
    print("| step | trainable | seconds | processor seconds | memory, MiB |")
    print("| --- | ---: | ---: | ---: | ---: |")
    with open(os.path.join(os.path.dirname(path) or ".", "seconds.csv")) as f:
        for name, *numbers in csv.reader(f):
            if name.startswith(pool + ": ") or name.startswith("expert "):
                what = name.removeprefix(pool + ": ").strip()
                count = trainable.get(" ".join(what.split()[:3])) or \
                    trainable.get(" ".join(what.split()[:2]))
                cells = [f"{count:,}" if count else ""] + \
                    [f"{float(x):,.0f}" for x in numbers]
                print(f"| {what} | " + " | ".join(cells) + " |")


def main():
    path = sys.argv[1]
    rows = show(path, "solutions")
    tasks = list(rows[0]["objectives"])
    accuracies(rows, tasks)
    print()
    fronts(rows, tasks)
    print()
    costs(path, rows)


main()
