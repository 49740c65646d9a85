"""Lays out the data of this experiment: python3 prepare.py SOURCE OUT [all]

SOURCE is a folder with mnist/ and fashion-mnist/ (the four idx .gz files each),
gtsrb/gtsrb-subset.tar.gz, cifar10/cifar10-subset.tar.gz and dtd10/dtd10-64px.tar.gz.
Writes OUT/<task>/train and OUT/<task>/test: the first 2,000 training and 300 test
images of MNIST and Fashion-MNIST as idx files; class folders for the others (CIFAR-10:
the first 200 and 30 of a class; GTSRB: all of the 2,150 and the first 7 of a class;
DTD: by file name the first 80 of a class and the next 30). With `all` the training images
are the same and the test images are 4,260: 1,000 each of MNIST, Fashion-MNIST and CIFAR-10
(100 of a class), all 860 of GTSRB and all 400 that are left of DTD. Standard library
only."""

import gzip
import os
import struct
import sys
import tarfile


def cut_idx(source, out, count):
    data = gzip.open(source, "rb").read()
    rank = data[3]
    sizes = struct.unpack(">" + "I" * rank, data[4 : 4 + 4 * rank])
    one = 1
    for size in sizes[1:]:
        one *= size
    header = data[:4] + struct.pack(">" + "I" * rank, count, *sizes[1:])
    start = 4 + 4 * rank
    with open(out, "wb") as f:
        f.write(gzip.compress(header + data[start : start + count * one], mtime=0))


def idx_task(source, out, tests):
    for split, prefix, count in (("train", "train", 2000), ("test", "t10k", tests)):
        os.makedirs(os.path.join(out, split), exist_ok=True)
        for kind in ("images-idx3", "labels-idx1"):
            name = f"{prefix}-{kind}-ubyte.gz"
            cut_idx(os.path.join(source, name),
                    os.path.join(out, split, f"{split}-{kind}-ubyte.gz"), count)


def images_of(archive):
    with tarfile.open(archive) as tar:
        for member in sorted(tar.getmembers(), key=lambda m: m.name):
            if member.isfile() and member.name.lower().endswith((".jpg", ".ppm", ".png")):
                yield member.name.split("/"), tar.extractfile(member).read()


def folder_task(archive, out, split_of):
    seen = {}
    for parts, data in images_of(archive):
        label, name = parts[-2], parts[-1]
        given = parts[-3] if len(parts) > 2 and parts[-3] in ("train", "test") else ""
        key = (given, label)
        seen[key] = seen.get(key, 0) + 1
        split = split_of(given, seen[key])
        if not split:
            continue
        folder = os.path.join(out, split, label)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)


def main():
    source, out, *rest = sys.argv[1:]
    every = rest == ["all"]
    for task in ("mnist", "fashion-mnist"):
        idx_task(os.path.join(source, task), os.path.join(out, task),
                 1000 if every else 300)
    folder_task(os.path.join(source, "gtsrb", "gtsrb-subset.tar.gz"),
                os.path.join(out, "gtsrb"),
                lambda given, n: given if every or given == "train" or n <= 7 else "")
    folder_task(os.path.join(source, "cifar10", "cifar10-subset.tar.gz"),
                os.path.join(out, "cifar10"),
                lambda given, n: given if n <= (200 if given == "train" else
                                                100 if every else 30) else "")
    folder_task(os.path.join(source, "dtd10", "dtd10-64px.tar.gz"),
                os.path.join(out, "dtd"),
                lambda given, n: "train" if n <= 80 else
                                 "test" if every or n <= 110 else "")


main()
