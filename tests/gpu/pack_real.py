"""pack_real.py SOURCE OUT: a real pool that is small enough to travel.

SOURCE holds the data that bench/real/prepare.py names and vit-tiny-96-hf; OUT receives
the model, its weights as F16, and the first examples of the five tasks, laid out as
bench/real/*-tasks.yaml name them.
"""

import array
import gzip
import json
import pathlib
import shutil
import struct
import sys
import tarfile

IDX = {"mnist": ("mnist", 600, 300), "fashion-mnist": ("fashion-mnist", 600, 300)}
# archive, task, most of each class for training and for testing
FOLDERS = (
    ("gtsrb/gtsrb-subset.tar.gz", "gtsrb", 8, 4),
    ("cifar10/cifar10-subset.tar.gz", "cifar10", 100, 50),
    ("dtd10/dtd10-64px.tar.gz", "dtd", 30, 15),
)


def write_idx(source, out, task, folder, counts):
    for split, prefix, count in (("train", "train", counts[0]), ("test", "t10k", counts[1])):
        to = out / "data" / task / split
        to.mkdir(parents=True)
        for kind in ("images-idx3", "labels-idx1"):
            data = gzip.open(source / folder / f"{prefix}-{kind}-ubyte.gz").read()
            rank = data[3]
            sizes = struct.unpack(f">{rank}I", data[4 : 4 + 4 * rank])
            one = 1
            for size in sizes[1:]:
                one *= size
            begin = 4 + 4 * rank
            head = data[:4] + struct.pack(f">{rank}I", count, *sizes[1:])
            kept = head + data[begin : begin + count * one]
            (to / f"{split}-{kind}-ubyte.gz").write_bytes(gzip.compress(kept, mtime=0))


def write_folders(archive, out, task, most_train, most_test):
    """Class folders. An archive without splits gives its first ones for training."""
    seen = {}
    with tarfile.open(archive) as tar:
        for member in sorted(tar.getmembers(), key=lambda m: m.name):
            if not member.isfile() or not member.name.lower().endswith((".jpg", ".ppm", ".png")):
                continue
            parts = member.name.split("/")
            given = parts[-3] if len(parts) > 2 and parts[-3] in ("train", "test") else None
            number = seen[given, parts[-2]] = seen.get((given, parts[-2]), 0) + 1
            split = given or ("train" if number <= most_train else "test")
            if given or split == "train":
                kept = number <= (most_train if split == "train" else most_test)
            else:
                kept = number <= most_train + most_test
            if kept:
                to = out / "data" / task / split / parts[-2]
                to.mkdir(parents=True, exist_ok=True)
                (to / parts[-1]).write_bytes(tar.extractfile(member).read())


def write_model(source, out):
    out.mkdir()
    for name in ("config.json", "preprocessor_config.json"):
        shutil.copy(source / name, out / name)
    data = (source / "model.safetensors").read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header, body = json.loads(data[8 : 8 + size]), data[8 + size :]
    new, parts, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in sorted(header.items()):
        if name == "__metadata__":
            continue
        begin, end = tensor["data_offsets"]
        values = array.array("f")
        values.frombytes(body[begin:end])
        halves = struct.pack(f"<{len(values)}e", *values)
        parts.append(halves)
        new[name] = {"dtype": "F16", "shape": tensor["shape"],
                     "data_offsets": [at, at + len(halves)]}
        at += len(halves)
    text = json.dumps(new).encode()
    text += b" " * (-len(text) % 8)
    (out / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))


def main():
    source, out = map(pathlib.Path, sys.argv[1:])
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for task, (folder, *counts) in IDX.items():
        write_idx(source, out, task, folder, counts)
    for archive, task, most_train, most_test in FOLDERS:
        write_folders(source / archive, out, task, most_train, most_test)
    write_model(source / "vit-tiny-96-hf", out / "vit-tiny-96-hf")


if __name__ == "__main__":
    main()
