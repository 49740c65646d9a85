#!/usr/bin/env python3
"""front.py FILE X Y OUT: the models of a results.db on two tasks, their Pareto front and
the experts, as a picture. Needs matplotlib; the figures come by sqlite3 alone."""
import sqlite3
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def figures(path, x, y):
    """(kind, method, value on x, value on y) of every model measured whole."""
    db = sqlite3.connect("file:" + path + "?mode=ro", uri=True)
    tasks = [name for (name,) in db.execute("SELECT name FROM task ORDER BY position")]
    for name in (x, y):
        if name not in tasks:
            sys.exit("front.py: no task is called %s; there are %s" % (name, ", ".join(tasks)))
    return db.execute(
        "SELECT s.kind, s.method, a.value, b.value FROM solution s"
        " JOIN evaluation a ON a.solution = s.id AND a.objective = ?"
        " JOIN evaluation b ON b.solution = s.id AND b.objective = ?"
        " WHERE a.split = 'test' AND a.complete AND NOT a.stale"
        " AND b.split = 'test' AND b.complete AND NOT b.stale",
        (tasks.index(x), tasks.index(y))).fetchall()


def front(points):
    """Those that no other point is at least as good as on both, and better on one."""
    best, kept = float("-inf"), []
    for a, b in sorted(set(points), key=lambda p: (-p[0], -p[1])):
        if b > best:
            best = b
            kept.append((a, b))
    return kept


def main(path, x, y, out):
    rows = figures(path, x, y)
    merged = [(a, b) for kind, _, a, b in rows if kind in ("pwemoe", "merge")]
    best = front(merged)
    for method in sorted({m for kind, m, _, _ in rows if kind in ("pwemoe", "merge")}):
        here = [(a, b) for kind, m, a, b in rows
                if m == method and kind in ("pwemoe", "merge")]
        plt.plot(*zip(*here), ".", label=method, alpha=0.6)
    plt.plot(*zip(*best), "k-", linewidth=1, label="front of all merged models")
    for kind, method, a, b in rows:
        if kind == "single":
            plt.plot(a, b, "k^" if method == "stl" else "ko", label=method)
    plt.xlabel(x + ", %")
    plt.ylabel(y + ", %")
    plt.legend(fontsize="small", bbox_to_anchor=(1.02, 1), loc="upper left")
    plt.savefig(out, dpi=150, bbox_inches="tight")
    print("%d models, %d on the front of %s and %s" % (len(merged), len(best), x, y))


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
