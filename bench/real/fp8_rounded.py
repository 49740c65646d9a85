"""fp8_rounded.py PWEMOE FILE RECIPE WORK: what --precision fp8 would cost in accuracy on a
pool, by rounding alone, without a card.

The pretrained model and every merge that FILE has is exported to WORK with each task's head
and classifies that task's test images in PyTorch twice: the operands of the blocks'
products rounded to bf16, and to e4m3 with one scale a matrix (gpu/fp8.cu). Prints a line a
model and the mean of all. Needs torch, transformers, safetensors, pillow, numpy.
"""

import gzip
import json
import os
import shutil
import subprocess
import sys

import numpy
import torch
from PIL import Image
from transformers import AutoImageProcessor, ViTForImageClassification

BATCH = 50


def rounded_bf16(x):
    return x.bfloat16().float()


def rounded_fp8(x):
    x = x.bfloat16().float()
    factor = 448 / max(x.abs().max().item(), 1e-30)
    return (x * factor).clamp(-448, 448).to(torch.float8_e4m3fn).float() / factor


def read_idx(path):
    with gzip.open(path) as file:
        data = file.read()
    shape = [int.from_bytes(data[4 + 4 * i:8 + 4 * i], "big") for i in range(data[3])]
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * data[3]).reshape(shape)


def examples(path):
    if path.endswith(".gz"):
        labels = read_idx(path.replace("images-idx3", "labels-idx1"))
        return [(Image.fromarray(image).convert("RGB"), int(label))
                for image, label in zip(read_idx(path), labels)]
    return [(Image.open(os.path.join(path, name, file)).convert("RGB"), index)
            for index, name in enumerate(sorted(os.listdir(path)))
            for file in sorted(os.listdir(os.path.join(path, name)))]


def accuracy(model, inputs, labels, rounded):
    kept = []
    for name, layer in model.named_modules():
        if isinstance(layer, torch.nn.Linear) and "classifier" not in name:
            weight = layer.weight.data
            kept.append((layer, weight, layer.register_forward_pre_hook(
                lambda _, given: (rounded(given[0]),))))
            layer.weight.data = rounded(weight)
    right = 0
    with torch.no_grad():
        for i in range(0, len(inputs), BATCH):
            answers = model(pixel_values=inputs[i:i + BATCH]).logits.argmax(-1)
            right += (answers == labels[i:i + BATCH]).sum().item()
    for layer, weight, hook in kept:
        layer.weight.data = weight
        hook.remove()
    return 100 * right / len(inputs)


def run(*words):
    return subprocess.run([pwemoe, *words], check=True, stdout=subprocess.PIPE).stdout


def load(row, task):
    out = os.path.join(work, "model")
    shutil.rmtree(out, ignore_errors=True)
    run("export", file, "--quiet", "--solution", str(row["id"]), "--head", task, "--out", out)
    return ViTForImageClassification.from_pretrained(out).eval()


def inputs_of(task):
    if task not in inputs:
        pairs = examples(os.path.join(folder, tests[task]))
        pixels = processor([image for image, _ in pairs], return_tensors="pt")
        inputs[task] = pixels["pixel_values"], torch.tensor([label for _, label in pairs])
    return inputs[task]


pwemoe, file, recipe, work = sys.argv[1:]
folder = os.path.dirname(os.path.abspath(file))
lines = open(recipe).read().split("\n")
tests, inputs, task = {}, {}, None
for line in lines[lines.index("tasks:") + 1:]:
    if line.startswith("  ") and line.endswith(":"):
        task = line.strip()[:-1]
    elif line.strip().startswith("test:"):
        tests[task] = line.split(":", 1)[1].strip()
processor = AutoImageProcessor.from_pretrained(os.path.join(folder, "vit-tiny-96-hf"))
means = []
for row in json.loads(run("show", file, "solutions", "--format", "json")):
    if row["kind"] != "merge" and row["method"] != "pretrained":
        continue
    changes, apart = [], []
    for task in tests:
        model = load(row, task)
        bf16, fp8 = (accuracy(model, *inputs_of(task), one)
                     for one in (rounded_bf16, rounded_fp8))
        changes.append(fp8 - bf16)
        apart.append(abs(bf16 - row["objectives"][task]["value"]))
    means.append(sum(changes) / len(changes))
    print("fp8 rounded %-24s mean %+.2f points, tasks %s; bf16 is %.2f at most from pwemoe's f32"
          % (row["method"] + " " + json.dumps(row["parameters"]), means[-1],
             " ".join("%+.2f" % one for one in changes), max(apart)), flush=True)
print("fp8 rounded, %d models: mean %+.3f points, from %+.2f to %+.2f"
      % (len(means), sum(means) / len(means), min(means), max(means)))
