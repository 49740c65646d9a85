#!/usr/bin/env python3
"""An objective for `measure:`: a task of lm-evaluation-harness (pip install "lm-eval[hf]"),
in percent where its metric is a share.

    measure: ./harness.py {model} following {device}
    unit: "%"

Tasks of this folder's harness/ are found as well as the package's own; `following` there
needs no network. A third argument is the device, a fourth the metric (acc). Prints a JSON
object: value, error and n."""

import contextlib
import json
import os
import sys

import lm_eval
from lm_eval.tasks import TaskManager


def main():
    path, task = sys.argv[1:3]
    device = sys.argv[3] if len(sys.argv) > 3 and sys.argv[3] != "auto" else None
    metric = sys.argv[4] if len(sys.argv) > 4 else "acc"
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "harness")
    os.chdir(folder)  # where the tasks' files lie
    with contextlib.redirect_stdout(sys.stderr):
        found = lm_eval.simple_evaluate(
            model="hf", model_args={"pretrained": path}, tasks=[task], device=device,
            task_manager=TaskManager(include_path=folder), bootstrap_iters=100)
    figures = found["results"][task]
    value, error = figures[metric + ",none"], figures.get(metric + "_stderr,none")
    share = 100 if metric.startswith(("acc", "exact_match", "f1")) else 1
    print(json.dumps({"value": share * value,
                      "error": share * error if isinstance(error, float) else None,
                      "n": found["n-samples"][task]["effective"]}))


main()
