"""Merges each directory of tests/golden/layouts/ with itself changed, exports what is made,
loads that with transformers, and compares: python3 check_layouts.py PWEMOE

The base is the layout, with a tokenizer and data made here; two experts are it with noise
on its weights. Measured and exported are the experts' average, TIES and the first expert
alone; each export goes through AutoImageProcessor or AutoTokenizer and the model class of
transformers, examples one by one, and must give accuracy and loss of `pwemoe`: the loss to
1e-5. Of GPT-2 and ViT a LoRA adapter that changes nothing is put on the export by PEFT,
which must answer the same. Of CLIP zero-shot heads are made by the export's own text tower.
Prints a line for each; exit status 1 where one differs. Run with Python 3.11, transformers
5.24.0, torch 2.15.0, peft 0.21, numpy 2.4.6, pillow 13.0.0, safetensors 0.8.0."""

import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import peft
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file

pwemoe = Path(sys.argv[1]).resolve()
layouts = Path(__file__).resolve().parent / "layouts"
classes = {"clip": ["bad", "cab", "dog"], "vit": ["wolf", "cat", "owl"]}  # ViT's: id2label
methods = "average,ties,stl"


def run(*arguments):
    done = subprocess.run([pwemoe, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"pwemoe {' '.join(map(str, arguments))}: {done.stderr}")
    return done.stdout


def write_tokenizer(folder, kind):
    letters = "abcdefghijklmnopqrs"
    if kind == "clip":  # a letter, and one that ends a word
        tokens = [*letters, *(c + "</w>" for c in letters), "<|startoftext|>", "<|endoftext|>"]
    else:
        tokens = ["[PAD]", "<|endoftext|>", *letters, "\u0120"]
        tokens += ["\u0120" + c for c in letters[:18]]
    merges = [] if kind == "clip" else ["\u0120 " + c for c in letters[:18]]
    vocab = {token: i for i, token in enumerate(tokens)}
    assert len(vocab) == 40
    (folder / "vocab.json").write_text(json.dumps(vocab))
    (folder / "merges.txt").write_text("".join(line + "\n" for line in ["#version: 0.2", *merges]))
    name = {"clip": "CLIPTokenizer", "gpt2": "GPT2Tokenizer"}[kind]
    settings = {"tokenizer_class": name, "model_max_length": 8}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def write_images(folder, names, seed):
    numbers = np.random.RandomState(seed)
    for name in names:
        (folder / name).mkdir(parents=True)
        for i in range(8):
            size = [(8, 8), (13, 9), (10, 16)][i % 3]
            pixels = numbers.randint(0, 256, (4, 4, 3)).astype("uint8")
            Image.fromarray(pixels).resize(size, Image.BICUBIC).save(folder / name / f"{i}.png")


def write_texts(path, seed):
    chance = random.Random(seed)
    words = lambda: " ".join("".join(chance.choice("abcdefghijk") for _ in range(2))
                             for _ in range(chance.randint(1, 5)))
    rows = [f"{words()}\t{i % 3}" for i in range(24)]
    path.write_text("sentence\tlabel\n" + "\n".join(rows) + "\n")


def change(base, expert, seed):
    shutil.copytree(base, expert)
    torch.manual_seed(seed)
    tensors = load_file(base / "model.safetensors")
    for name, tensor in tensors.items():
        mask = name.endswith((".attn.bias", ".masked_bias", "logit_scale"))
        if tensor.is_floating_point() and not mask:
            tensors[name] = tensor + 0.2 * torch.randn(tensor.shape)
    save_file(tensors, expert / "model.safetensors", {"format": "pt"})


def images_of(data, names):
    for label, name in enumerate(names):
        for path in sorted((data / name).iterdir()):
            yield Image.open(path).convert("RGB"), label


def figures(rows):
    """Accuracy in per cent and mean loss of (logits, label)."""
    logits = torch.stack([row for row, _ in rows])
    labels = torch.tensor([label for _, label in rows])
    right = (logits.argmax(1) == labels).float().mean().item()
    return 100 * right, torch.nn.functional.cross_entropy(logits, labels).item()


def answer(kind, folder, data, adapted=False):
    """(logits, label) of each example, by the model in folder."""
    load = {"vit": transformers.ViTForImageClassification, "clip": transformers.CLIPModel,
            "gpt2": transformers.GPT2ForSequenceClassification}[kind]
    model = load.from_pretrained(folder).eval()
    if adapted:
        how = {"vit": dict(target_modules=r".*\.(q_proj|query)"),
               "gpt2": dict(target_modules=["c_attn"], fan_in_fan_out=True)}[kind]
        model = peft.get_peft_model(model, peft.LoraConfig(r=2, **how)).eval()
    with torch.no_grad():
        if kind == "gpt2":
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
            lines = data.read_text().splitlines()[1:]
            return [(model(**tokenizer(text, truncation=True, return_tensors="pt")).logits[0],
                     int(label)) for text, label in (line.split("\t") for line in lines)]
        processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
        pixels = lambda image: processor(image, return_tensors="pt").pixel_values
        if kind == "vit":
            return [(model(pixels(image)).logits[0], label)
                    for image, label in images_of(data, classes[kind])]
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        texts = tokenizer([f"a {name}" for name in classes[kind]], padding=True,
                          return_tensors="pt")
        return [(model(pixel_values=pixels(image), **texts).logits_per_image[0], label)
                for image, label in images_of(data, classes[kind])]


def prepare(work, layout, kind):
    base = work / "base"
    shutil.copytree(layouts / layout, base)
    if kind != "vit":
        write_tokenizer(base, kind)
    if kind == "clip":
        config = json.loads((base / "config.json").read_text())
        for part in ("text_config", "text_config_dict"):
            if isinstance(config.get(part), dict):
                config[part] |= dict(bos_token_id=38, eos_token_id=39)
        (base / "config.json").write_text(json.dumps(config))
    lines = [f"pretrained: {base}", "tasks:"]
    for i, task in enumerate(("one", "two")):
        change(base, work / f"expert{i}", i)
        data = work / ("data" + str(i) + (".tsv" if kind == "gpt2" else ""))
        write_texts(data, i) if kind == "gpt2" else write_images(data, classes[kind], i)
        lines += [f"  {task}:", f"    expert: {work / f'expert{i}'}", f"    test: {data}"]
        if kind == "clip":
            lines += [f"    classnames: {work / 'names.txt'}",
                      f"    templates: {work / 'templates.txt'}"]
        yield task, data
    if kind == "clip":
        (work / "names.txt").write_text("\n".join(classes[kind]) + "\n")
        (work / "templates.txt").write_text("a {}\n")
    (work / "recipe.yaml").write_text("\n".join(lines) + "\n")


def check(layout):
    kind, good = layout.split("-")[0], True
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        tasks = list(prepare(work, layout, kind))
        run("init", "--quiet", work / "r.db", work / "recipe.yaml")
        run("merge", "--quiet", work / "r.db", "--method", methods, "--device", "cpu")
        rows = json.loads(run("show", work / "r.db", "solutions", "--all", "--format", "json"))
        for row in rows:
            for i, (task, data) in enumerate(tasks):
                if row["method"] == "stl" and i:
                    continue  # its export is the first expert's
                out = work / f"{row['method']}-{task}"
                head = [] if kind == "clip" else ["--head", task]
                if row["method"] == "stl":
                    out = work / "expert0"
                else:
                    run("export", "--quiet", work / "r.db", "--solution", row["id"], "--out",
                        out, "--device", "cpu", *head)
                stored = row["objectives"][task]
                logits = answer(kind, out, data)
                accuracy, loss = figures(logits)
                same = abs(accuracy - stored["value"]) < 1e-3 and abs(loss - stored["loss"]) < 1e-5
                if kind != "clip":
                    again = answer(kind, out, data, adapted=True)
                    same &= all(torch.equal(a, b) for (a, _), (b, _) in zip(logits, again))
                good &= same
                print(f"{layout:10} {row['method']:8} {task}: transformers {accuracy:.2f} "
                      f"{loss:.6f}, pwemoe {stored['value']:.2f} {stored['loss']:.6f}: "
                      f"{'same' if same else 'DIFFERENT'}")
    return good


transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
sys.exit(not all([check(path.name) for path in sorted(layouts.iterdir()) if path.is_dir()]))
