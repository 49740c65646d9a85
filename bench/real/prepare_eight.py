"""Eight tasks of small images, from three: python3 prepare_eight.py DEMO OUT

DEMO is assets/demo, whose images of digits, letters and surfaces are written to
OUT/data/TASK once as they are, once inverted (light for dark), and of digits and letters
once more turned by a quarter. OUT/experts.yaml names them without experts but the
demo's own, OUT/eight-tasks.yaml with those that eight.sh makes. Standard library only."""

import gzip
import os
import struct
import sys

TASKS = [(name, form) for form in ("", "-inverted", "-turned")
         for name in ("digits", "letters", "surfaces") if (name, form) != ("surfaces", "-turned")]


def changed(data, form):
    head, pixels = data[:16], data[16:]
    count, rows, columns = struct.unpack(">III", data[4:16])
    if form == "-inverted":
        return head + bytes(255 - value for value in pixels)
    if form == "-turned":
        out = bytearray(len(pixels))
        for i in range(count):
            begin = i * rows * columns
            one = pixels[begin : begin + rows * columns]
            for y in range(rows): # a column from below becomes a row
                out[begin + y * columns : begin + (y + 1) * columns] = one[y::columns][::-1]
        return head + bytes(out)
    return data


def main():
    demo, out = sys.argv[1:]
    recipes = {"experts": [], "eight-tasks": []}
    for name, form in TASKS:
        task = name + form
        folder = os.path.join(out, "data", task)
        os.makedirs(folder, exist_ok=True)
        for split in ("train", "test"):
            for kind in ("images-idx3", "labels-idx1"):
                file = f"{split}-{kind}-ubyte.gz"
                data = gzip.open(os.path.join(demo, "data", name, file)).read()
                if kind == "images-idx3":
                    data = changed(data, form)
                with open(os.path.join(folder, file), "wb") as f:
                    f.write(gzip.compress(data, mtime=0))
        expert = f"experts/{task}" if form else os.path.join(os.path.abspath(demo), "models", name)
        paths = (f"    train: data/{task}/train-images-idx3-ubyte.gz\n"
                 f"    test: data/{task}/test-images-idx3-ubyte.gz\n")
        recipes["eight-tasks"].append(f"  {task}:\n    expert: {expert}\n" + paths)
        if form:
            recipes["experts"].append(f"  {task}:\n" + paths)
    for recipe, tasks in recipes.items():
        with open(os.path.join(out, recipe + ".yaml"), "w") as f:
            f.write(f"name: eight tasks of small images\nmodel: vit\npretrained: "
                    f"{os.path.join(os.path.abspath(demo), 'models', 'pretrained')}\ntasks:\n"
                    + "".join(tasks))


main()
