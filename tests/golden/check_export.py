"""Loads what `pwemoe export` wrote with transformers and compares it with what
`pwemoe eval` measured: python3 check_export.py DIR TASK=IMAGES ...

DIR is an exported ViT directory with pwemoe.json and heads/; IMAGES an idx images file
(gzip or not) or a folder of class folders, the held-out data of that task. For every
task the model runs under transformers' own image processor and model, with
heads/TASK.safetensors, and its accuracy over all images must be the figure of
pwemoe.json to within the images whose two best logits are closer than 1e-4. Prints a
line a task; exit status 1 where one differs. Run with Python 3.11, torch 2.15.0,
transformers 5.23.0, numpy 2.4.6, pillow 13.0.0, safetensors 0.8.0."""

import gzip
import json
import os
import sys

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import AutoImageProcessor, AutoModelForImageClassification


def read_idx(path):
    data = (gzip.open if path.endswith(".gz") else open)(path, "rb").read()
    rank = data[3]
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(rank)]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def examples(path):
    if os.path.isdir(path):
        for label, name in enumerate(sorted(os.listdir(path))):
            folder = os.path.join(path, name)
            for file in sorted(os.listdir(folder)):
                yield Image.open(os.path.join(folder, file)).convert("RGB"), label
        return
    labels = path.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")
    for image, label in zip(read_idx(path), read_idx(labels)):
        yield Image.fromarray(image).convert("RGB"), int(label)


def main():
    path = sys.argv[1]
    report = json.load(open(os.path.join(path, "pwemoe.json")))
    model = AutoModelForImageClassification.from_pretrained(path).eval()
    processor = AutoImageProcessor.from_pretrained(path, backend="pil")
    failed = False
    for argument in sys.argv[2:]:
        task, data = argument.split("=", 1)
        head = load_file(os.path.join(path, "heads", f"{task}.safetensors"))
        right = close = count = 0
        batch, labels = [], []

        def run():
            nonlocal right, close, count
            with torch.no_grad():
                pixels = processor(batch, return_tensors="pt").pixel_values
                hidden = model.vit(pixels).last_hidden_state[:, 0]
                logits = hidden @ head["weight"].T + head.get("bias", 0)
            best = logits.topk(2).values
            close += int((best[:, 0] - best[:, 1] < 1e-4).sum())
            right += int((logits.argmax(1) == torch.tensor(labels)).sum())
            count += len(labels)
            batch.clear()
            labels.clear()

        for image, label in examples(data):
            batch.append(image)
            labels.append(label)
            if len(batch) == 100:
                run()
        if batch:
            run()
        figure = report["objectives"][task]
        expected = figure["value"] * figure["examples"] / 100
        good = count == figure["examples"] and abs(right - expected) <= close + 1e-6
        failed |= not good
        print(f"{task}: transformers {right} of {count}, pwemoe {expected:g} of "
              f"{figure['examples']}, {close} undecided: {'same' if good else 'DIFFERENT'}")
    sys.exit(failed)


main()
