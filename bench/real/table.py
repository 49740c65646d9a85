"""Prints the table of README.md for one results.db, in the paper's layout:
python3 table.py FILE (PWEMOE names the program). Standard library only."""

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


def main():
    path = sys.argv[1]
    rows = show(path, "solutions")
    tasks = list(rows[0]["objectives"])
    print("| model | " + " | ".join(tasks) + " | average |")
    print("| --- |" + " ---: |" * (len(tasks) + 1))
    names = {"pretrained": "pretrained, experts' heads", "stl": "STL: each expert alone",
             "average": "simple average", "fisher": "Fisher merging",
             "regmean": "RegMean"}
    for method in ("pretrained", "stl", "average", "fisher", "regmean"):
        for row in rows:
            if row["method"] == method and row["kind"] in ("single", "merge"):
                line(names[method], row, tasks)
    for method, name in (("task-arithmetic", "task arithmetic"), ("ties", "TIES")):
        sweep = [r for r in rows if r["method"] == method]
        for row in sweep:
            if row["parameters"]["scale"] == 0.3:
                line(f"{name}, 0.3", row, tasks)
        if sweep:
            best = max(sweep, key=lambda r: average(r, tasks))
            line(f"{name}, best of {len(sweep)} ({best['parameters']['scale']:g})", best,
                 tasks)
    for method in ("ls", "epo", "mgda"):
        for upscale in ("mlp", "attn+mlp", "all"):
            mine = [r for r in rows if r["kind"] == "pwemoe" and r["method"] == method
                    and r["upscale"] == upscale]
            equal = 1 / len(tasks)
            for row in mine:
                if all(abs(p - equal) < 1e-6 for p in row["preference"]):
                    line(f"routers {method} {upscale}, equal weights", row, tasks)
            for i, task in enumerate(tasks):
                for row in mine:
                    if abs(row["preference"][i] - 1) < 1e-6:
                        line(f"routers {method} {upscale}, all on {task}", row, tasks,
                             task)
    print()
    print("| front | points | not dominated | hypervolume |")
    print("| --- | ---: | ---: | ---: |")
    fronts = [("task arithmetic", ["--kind", "merge", "--method", "task-arithmetic"]),
              ("TIES", ["--kind", "merge", "--method", "ties"])]
    for method in ("ls", "epo", "mgda"):
        for upscale in ("mlp", "attn+mlp", "all"):
            fronts.append((f"routers {method} {upscale}", [method, upscale]))
    for name, what in fronts:
        if what[0] == "--kind":
            points = [r for r in rows if r["kind"] == "merge" and r["method"] == what[3]]
        else:
            points = [r for r in rows if r["kind"] == "pwemoe" and r["method"] == what[0]
                      and r["upscale"] == what[1]]
        if not points:
            continue
        text = "\n".join(",".join(str(r["objectives"][t]["value"]) for t in tasks)
                         for r in points)
        with open("points.csv", "w") as f:
            f.write(text + "\n")
        done = subprocess.run([pwemoe, "indicators", "points.csv", "--maximise", "--ref",
                               ",".join("0" for _ in tasks), "--format", "json"],
                              check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        os.remove("points.csv")
        print(f"| {name} | {len(points)} | {found['nondominated']} | "
              f"{found['hypervolume']:,.0f} |")


main()
