"""kernels.py CSV: what Nsight Compute measured, summed by kernel, the longest first."""

import collections
import csv
import re
import sys

SCALES = {
    "ns": 1e-6, "nsecond": 1e-6, "us": 1e-3, "usecond": 1e-3, "ms": 1, "msecond": 1,
    "s": 1e3, "second": 1e3,
    "byte": 1e-6, "Kbyte": 1e-3, "Mbyte": 1, "Gbyte": 1e3,
}


def main():
    sums = collections.defaultdict(lambda: collections.defaultdict(float))
    launches = collections.Counter()
    with open(sys.argv[1], errors="replace") as file:
        rows = [line for line in file if line.startswith('"')]
    for row in csv.DictReader(rows):
        try:
            value = float(row["Metric Value"].replace(",", ""))
        except (KeyError, TypeError, ValueError):
            continue
        name = re.sub(r"\(.*", "", row["Kernel Name"])[:60]
        metric = row["Metric Name"]
        if metric == "launch__registers_per_thread":
            sums[name][metric] = max(sums[name][metric], value)
        else:
            sums[name][metric] += value * SCALES.get(row.get("Metric Unit", ""), 1)
        launches[name] += metric == "gpu__time_duration.sum"
    total = sum(s["gpu__time_duration.sum"] for s in sums.values())
    print(f"{sys.argv[1].rsplit('/', 1)[-1]}: {total:.3f} ms, {sum(launches.values())} launches")
    print(f"{'ms':>9} {'%':>5} {'launches':>8} {'us each':>8} {'MB':>9} {'GB/s':>6} {'regs':>4}  kernel")
    order = sorted(sums.items(), key=lambda item: -item[1]["gpu__time_duration.sum"])
    for name, s in order:
        ms, mb, n = s["gpu__time_duration.sum"], s["dram__bytes.sum"], max(launches[name], 1)
        print(
            f"{ms:9.3f} {100 * ms / max(total, 1e-12):5.1f} {n:8} {1e3 * ms / n:8.1f} "
            f"{mb:9.1f} {mb / max(ms, 1e-12):6.0f} "
            f"{s['launch__registers_per_thread']:4.0f}  {name}"
        )


if __name__ == "__main__":
    main()
