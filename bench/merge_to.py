#!/usr/bin/env python3
"""pwemoe merge-to beside mergekit and a plain PyTorch script, in turns in one run: wall
time and memory of merging four fine-tuned models of ViT-B/32's shape.

    python3 bench/merge_to.py --pwemoe build/pwemoe [--rounds 3] [--dtype f32|bf16] [--cold]

Needs mergekit, torch and safetensors, and 5 GB of disk below --folder. Each tool runs as
a process of its own, which reads the models from their files and writes one; --cold
drops the files from the page cache before each run. Beside them stands the floor: the
bytes that are read and written, at the rate at which cat copies the models' files to one
file and syncs it. Prints a line each: medians of wall seconds, of the processors' seconds
and of memory in MB, each also as a share of mergekit's. Wall time means something only
on a machine that does nothing else."""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

EXPERTS = "abcd"
TOOLS = ("pwemoe", "mergekit", "torch", "floor")


def shapes():
    yield "embeddings.class_embedding", (768,)
    yield "embeddings.patch_embedding.weight", (768, 3, 32, 32)
    yield "embeddings.position_embedding.weight", (50, 768)
    for norm in ("pre_layrnorm", "post_layernorm"):
        for part in ("weight", "bias"):
            yield f"{norm}.{part}", (768,)
    for layer in range(12):
        start = f"encoder.layers.{layer}."
        for name, out, into in (("self_attn.k_proj", 768, 768),
                                ("self_attn.v_proj", 768, 768),
                                ("self_attn.q_proj", 768, 768),
                                ("self_attn.out_proj", 768, 768),
                                ("mlp.fc1", 3072, 768), ("mlp.fc2", 768, 3072)):
            yield f"{start}{name}.weight", (out, into)
            yield f"{start}{name}.bias", (out,)
        for norm in ("layer_norm1", "layer_norm2"):
            yield f"{start}{norm}.weight", (768,)
            yield f"{start}{norm}.bias", (768,)


def make_models(folder, dtype):
    import torch
    from safetensors.torch import save_file
    torch.manual_seed(0)
    kind = {"f32": torch.float32, "bf16": torch.bfloat16}[dtype]
    base = {name: 0.05 * torch.randn(shape) for name, shape in shapes()}
    for name in ("base", *EXPERTS):
        tensors = base if name == "base" else {
            k: v + 0.005 * torch.randn(v.shape) for k, v in base.items()}
        (folder / name).mkdir(parents=True)
        save_file({k: v.to(kind) for k, v in tensors.items()},
                  folder / name / "model.safetensors", metadata={"format": "pt"})
        (folder / name / "config.json").write_text("{}\n")


def torch_script(folder, method, out):
    import torch
    from safetensors.torch import load_file, save_file
    base = load_file(folder / "base" / "model.safetensors")
    tuned = [load_file(folder / e / "model.safetensors") for e in EXPERTS]
    merged = {}
    for name, value in base.items():
        taus = torch.stack([t[name].float() - value.float() for t in tuned])
        if method == "ties":
            flat = taus.reshape(len(EXPERTS), -1)
            kept = max(1, int(0.2 * flat.shape[1]))
            least = flat.abs().kthvalue(flat.shape[1] - kept + 1, dim=1).values
            flat = torch.where(flat.abs() >= least[:, None], flat, 0)
            sign = torch.where(flat.sum(0) >= 0, 1, -1)
            agree = torch.sign(flat) == sign
            mean = (flat * agree).sum(0) / agree.sum(0).clamp(min=1)
            tau = mean.reshape(value.shape)
        else:
            tau = taus.sum(0)
        merged[name] = (value.float() + 0.3 * tau).to(value.dtype)
    out.mkdir()
    save_file(merged, out / "model.safetensors", metadata={"format": "pt"})


def command(tool, options, folder, method, out):
    if tool == "pwemoe":
        words = [options.pwemoe, "merge-to", str(out), "--quiet", "--method",
                 "ties" if method == "ties" else "task-arithmetic", "--set",
                 "keep=0.2,sum=mean,scale=0.3" if method == "ties" else "scale=0.3",
                 "--pretrained", str(folder / "base")]
        return words + [w for e in EXPERTS for w in ("--expert", str(folder / e))]
    if tool == "mergekit":
        config = {"merge_method": "ties" if method == "ties" else "task_arithmetic",
                  "dtype": "float32" if options.dtype == "f32" else "bfloat16",
                  "base_model": str(folder / "base" / "model.safetensors"),
                  "parameters": {"lambda": 0.3},
                  "models": [{"model": str(folder / e / "model.safetensors"),
                              "parameters": {"weight": 1.0, "density": 0.2}}
                             for e in EXPERTS]}
        path = folder / f"{method}.json"  # JSON is YAML
        path.write_text(json.dumps(config))
        return [sys.executable, "-m", "mergekit.scripts.merge_raw_pytorch", str(path),
                str(out)]
    if tool == "torch":
        return [sys.executable, __file__, "--script", method, "--folder", str(folder),
                "--out", str(out)]
    files = " ".join(f"'{folder / e}/model.safetensors'" for e in ("base", *EXPERTS))
    return ["sh", "-c", f"cat {files} >/dev/null; cp '{folder}/base/model.safetensors' "
                        f"'{out}' && sync '{out}'"]


def drop_cache(folder):
    for path in folder.glob("*/model.safetensors"):
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(words, out, cold, folder):
    shutil.rmtree(out, ignore_errors=True)
    out.unlink(missing_ok=True)
    if cold:
        drop_cache(folder)
    began = time.monotonic()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    complaint = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    if status:
        sys.exit(f"{' '.join(words)}:\n{complaint.decode()[-2000:]}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--pwemoe", default="build/pwemoe")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dtype", choices=("f32", "bf16"), default="f32")
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--folder", type=pathlib.Path,
                        default=pathlib.Path("merge-to-bench"))
    parser.add_argument("--make", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--script", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.script:
        return torch_script(options.folder, options.script, options.out)
    folder = options.folder / options.dtype
    if options.make:
        return make_models(folder, options.dtype)
    if not folder.exists():  # by another process: a child's memory counts from its fork
        subprocess.run([sys.executable, __file__, "--make", "--folder", options.folder,
                        "--dtype", options.dtype], check=True)
    for method in ("task arithmetic", "ties"):
        runs = {tool: [] for tool in TOOLS}
        for _ in range(options.rounds):
            for tool in TOOLS:
                out = options.folder / f"out-{tool}"
                words = command(tool, options, folder, method, out)
                runs[tool].append(measure(words, out, options.cold, folder))
        medians = {tool: [statistics.median(x) for x in zip(*runs[tool])]
                   for tool in TOOLS}
        for tool in TOOLS:
            seconds, work, memory = medians[tool]
            peer = medians["mergekit"]
            print(f"{method:16} {options.dtype:5} {'cold' if options.cold else 'warm'}  "
                  f"{tool:9} {seconds:7.2f} s {seconds / peer[0]:6.2f}   "
                  f"processor {work:7.2f} s {work / peer[1]:6.2f}   "
                  f"{memory:7.0f} MB {memory / peer[2]:6.2f}", flush=True)
    shutil.rmtree(options.folder / "out-pwemoe", ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
