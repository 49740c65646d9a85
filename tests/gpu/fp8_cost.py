"""fp8_cost.py PWEMOE DEMO DEVICE WORK [OPTION...]: what --precision fp8 costs in accuracy.

Merges of the demo, measured in bf16 and in fp8 on the same device, in copies under WORK;
options go to `pwemoe merge` (--limit N). By value, so that the emulated device gives what
a card does but for the order of sums. Prints a line a model, and the mean of all.
FP8_COST_METHODS=average takes these methods alone.
"""

import json
import os
import shutil
import subprocess
import sys

MERGES = [["--method", "average,pretrained,stl"],
          ["--method", "task-arithmetic,ties", "--scales", "0.3:0.7:3"]]
if "FP8_COST_METHODS" in os.environ:
    MERGES = [["--method", os.environ["FP8_COST_METHODS"]]]


def measured(precision):
    folder = os.path.join(work, "cost-" + precision)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(demo, folder)
    subprocess.run(["chmod", "-R", "u+w", folder], check=True)
    models = {}
    for merge in MERGES:
        out = subprocess.run(
            [pwemoe, "merge", os.path.join(folder, "results.db"), "--again", "--device", device,
             "--precision", precision, "--format", "json", *merge, *options],
            check=True, stdout=subprocess.PIPE).stdout
        for row in json.loads(out):
            name = row["method"] + " " + json.dumps(row["parameters"])
            models[name] = [one["value"] for one in row["objectives"].values()]
    shutil.rmtree(folder)
    return models


pwemoe, demo, device, work, *options = sys.argv[1:]
bf16, fp8 = measured("bf16"), measured("fp8")
means = []
for name, values in bf16.items():
    change = [b - a for a, b in zip(values, fp8[name])]
    means.append(sum(change) / len(change))
    print("fp8 cost %-40s mean %+.2f points, tasks %s"
          % (name, means[-1], " ".join("%+.2f" % one for one in change)))
print("fp8 cost of %d models: mean %+.3f points, from %+.2f to %+.2f"
      % (len(means), sum(means) / len(means), min(means), max(means)))
