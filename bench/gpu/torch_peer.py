#!/usr/bin/env python3
"""The same work as pwemoe's, by a plain PyTorch formulation: the peer of its figures.

    torch_peer.py [--device cpu|cuda[:N]] [--shape vit-b32|vit-l14|vit-tiny|tiny]
                  [--precision f32|bf16] [--tasks T] [--batch N] [--images N]
                  [--threads N] [--compile] [--rounds N] [--serve]

Needs PyTorch 2.1 or newer and nothing else. Weights and images are random.

The model is a vision transformer of torch.nn modules, with attention by
torch.nn.functional.scaled_dot_product_attention. Merging is functional, as in the
paper's method: the task vectors of each parameter are stacked, its merged value is
base + einsum(routing weights, stack), and torch.func.functional_call runs the model on
the merged values; autograd goes back through both to the routers. What has no router
is merged once, beforehand. A step takes one batch of every task, uploads it, and runs
all of them in one forward pass. LS goes back once; EPO once a task, as plain code
does, with the inner products of the tasks' gradients (its linear programme is left
out). Adam on the routers. Precision f32 is without TF32; bf16 means weights, task
vectors and activations in bf16 (no autocast), routers and losses in f32.

Without --serve it measures everything once a round and prints the medians. With
--serve it is bench_device's and bench_model's peer: it reads lines "WHAT REPEAT" and
answers each with {"seconds": S}, S of one run.
"""

import argparse
import json
import statistics
import sys
import time

SHAPES = {
    # layers, width, heads, mlp, image, patch, projection, activation, CLIP or ViT
    "vit-b32": (12, 768, 12, 3072, 224, 32, 512, "quick_gelu", True),
    "vit-l14": (24, 1024, 16, 4096, 224, 14, 768, "quick_gelu", True),
    "vit-tiny": (12, 192, 3, 768, 96, 16, 0, "gelu", False),
    "tiny": (2, 32, 2, 64, 32, 16, 16, "quick_gelu", True),
}
CLASSES = 10
GRANULARITIES = ("mlp", "attn+mlp", "all")


def say(answer):
    print(json.dumps(answer), flush=True)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--shape", default="vit-b32", choices=SHAPES)
    parser.add_argument("--precision", default="f32", choices=("f32", "bf16"))
    parser.add_argument("--tasks", type=int, default=8)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--serve", action="store_true")
    return parser.parse_args()


options = arguments()
try:
    import torch
    import torch.nn.functional as F
    from torch import nn
    from torch.func import functional_call
except ImportError as missing:
    say({"error": f"it cannot be imported by {sys.executable} ({missing})"})
    sys.exit(1)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        images, tokens, width = x.shape
        q, k, v = (
            self.qkv(x)
            .view(images, tokens, 3, self.heads, width // self.heads)
            .permute(2, 0, 3, 1, 4)
        )
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.out(mixed.transpose(1, 2).reshape(images, tokens, width))


class MLP(nn.Module):
    def __init__(self, width, inner, activation):
        super().__init__()
        self.activation = activation
        self.fc1 = nn.Linear(width, inner)
        self.fc2 = nn.Linear(inner, width)

    def forward(self, x):
        x = self.fc1(x)
        if self.activation == "gelu":
            x = F.gelu(x)
        else:
            x = x * torch.sigmoid(1.702 * x)
        return self.fc2(x)


class Block(nn.Module):
    def __init__(self, width, heads, inner, activation):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = MLP(width, inner, activation)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        layers, width, heads, inner, size, patch, projection, activation, clip = shape
        self.clip = clip
        self.class_vector = nn.Parameter(torch.empty(width))
        self.position = nn.Parameter(torch.empty((size // patch) ** 2 + 1, width))
        self.patch = nn.Conv2d(3, width, patch, patch, bias=not clip)
        self.pre_norm = nn.LayerNorm(width) if clip else nn.Identity()
        self.blocks = nn.ModuleList(
            Block(width, heads, inner, activation) for _ in range(layers)
        )
        self.post_norm = nn.LayerNorm(width)
        self.projection = (
            nn.Linear(width, projection, bias=False) if projection else nn.Identity()
        )

    def forward(self, pixels):
        x = self.patch(pixels).flatten(2).transpose(1, 2)
        first = self.class_vector.expand(x.shape[0], 1, -1)
        x = self.pre_norm(torch.cat((first, x), 1) + self.position)
        for block in self.blocks:
            x = block(x)
        x = self.projection(self.post_norm(x[:, 0]))
        return F.normalize(x, dim=-1) if self.clip else x


def module_of(name, granularity):
    """Which router steers a parameter, or None."""
    part = name.split(".")
    if part[0] == "blocks" and part[2] in ("attention", "mlp"):
        if part[2] == "mlp" or granularity != "mlp":
            return ".".join(part[:3])
        return None
    if granularity == "all" and ("norm" in name or part[0] == "patch"):
        return name.rsplit(".", 1)[0]
    return None


class Merge:
    """Routers, and the merged parameters at a preference."""

    def __init__(self, work, granularity):
        self.work = work
        tasks = work.tasks
        self.modules = {}
        for name in work.base:
            module = module_of(name, granularity)
            if module:
                self.modules.setdefault(module, []).append(name)
        steered = {name for names in self.modules.values() for name in names}
        weights = torch.full((tasks,), 0.3, device=work.device, dtype=work.dtype)
        self.rest = {
            name: work.merged(name, weights) for name in work.base if name not in steered
        }
        self.routers = nn.ModuleList()
        for _ in self.modules:
            router = nn.Sequential(
                nn.Linear(tasks, 2 * tasks), nn.ReLU(), nn.Linear(2 * tasks, tasks)
            )
            for layer in (router[0], router[2]):
                nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(router[0].bias)
            nn.init.constant_(router[2].bias, 0.3)
            self.routers.append(router)
        self.routers.to(work.device)
        self.parameters = list(self.routers.parameters())
        self.adam = torch.optim.Adam(self.parameters, lr=0.01)

    def weights(self, preference):
        merged = dict(self.rest)
        for router, names in zip(self.routers, self.modules.values()):
            routing = router(preference).to(self.work.dtype)
            for name in names:
                merged[name] = self.work.merged(name, routing)
        return merged


class Work:
    def __init__(self):
        self.device = torch.device(options.device)
        self.tasks, self.batch, self.images = (
            options.tasks,
            options.batch,
            options.images,
        )
        self.dtype = torch.bfloat16 if options.precision == "bf16" else torch.float32
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        torch.set_float32_matmul_precision("highest")
        if options.threads > 0:
            torch.set_num_threads(options.threads)
        torch.manual_seed(0)
        shape = SHAPES[options.shape]
        with torch.device(self.device):
            self.model = VisionTransformer(shape).to(self.dtype).requires_grad_(False)
            self.base = {
                name: torch.randn_like(p).mul_(0.02)
                for name, p in self.model.named_parameters()
            }
            self.vectors = {
                name: torch.empty(
                    (self.tasks, *p.shape), dtype=self.dtype
                ).normal_(std=0.002)
                for name, p in self.base.items()
            }
            self.heads = [
                torch.randn(CLASSES, shape[6] or shape[1]).to(self.dtype)
                for _ in range(self.tasks)
            ]
            self.held_out = torch.randn(
                self.tasks, self.images, 3, shape[4], shape[4]
            ).to(self.dtype)
            self.held_out_labels = torch.randint(CLASSES, (self.tasks, self.images))
        count = self.tasks * self.batch
        self.pixels = torch.randint(
            256, (count, 3, shape[4], shape[4]), dtype=torch.uint8
        )
        self.labels = torch.randint(CLASSES, (count,))
        if self.device.type == "cuda":
            self.pixels, self.labels = self.pixels.pin_memory(), self.labels.pin_memory()
        self.run_model = torch.compile(self.model) if options.compile else self.model
        self.merges = {}

    def parameters(self):
        return sum(p.numel() for p in self.base.values())

    def merged(self, name, weights):
        return self.base[name] + torch.einsum("t,t...->...", weights, self.vectors[name])

    def features(self, weights, pixels):
        return functional_call(self.run_model, weights, (pixels,))

    def merge_of(self, granularity):
        """The routers of one granularity; those of others are dropped."""
        if granularity not in self.merges:
            self.merges = {granularity: Merge(self, granularity)}
        return self.merges[granularity]

    def preference(self):
        return torch.distributions.Dirichlet(torch.ones(self.tasks)).sample().to(
            self.device
        )

    # --- what can be asked for ---------------------------------------------------

    @torch.no_grad()
    def merge(self):
        weights = torch.full((self.tasks,), 0.3, device=self.device, dtype=self.dtype)
        self.whole = {name: self.merged(name, weights) for name in self.base}

    @torch.no_grad()
    def forward(self):
        for task in range(self.tasks):
            self.features(self.base, self.held_out[task])

    @torch.no_grad()
    def drag(self, granularity):
        weights = self.merge_of(granularity).weights(self.preference())
        right = torch.empty(self.tasks, device=self.device)
        for task in range(self.tasks):
            logits = self.features(weights, self.held_out[task]) @ self.heads[task].T
            right[task] = (logits.argmax(1) == self.held_out_labels[task]).sum()
        right.tolist()

    def losses(self, merge, preference):
        weights = merge.weights(preference)
        pixels = self.pixels.to(self.device, non_blocking=True)
        labels = self.labels.to(self.device, non_blocking=True)
        pixels = pixels.to(self.dtype).mul_(2 / 255).sub_(1)
        x = self.features(weights, pixels)
        n = self.batch
        return torch.stack(
            [
                F.cross_entropy(
                    (x[t * n : (t + 1) * n] @ self.heads[t].T).float(),
                    labels[t * n : (t + 1) * n],
                )
                for t in range(self.tasks)
            ]
        )

    def ls(self, granularity):
        merge, preference = self.merge_of(granularity), self.preference()
        losses = self.losses(merge, preference)
        merge.adam.zero_grad()
        (preference @ losses).backward()
        merge.adam.step()
        losses.tolist()

    def epo(self, granularity):
        merge, preference = self.merge_of(granularity), self.preference()
        losses = self.losses(merge, preference)
        gradients = torch.stack(
            [
                torch.cat(
                    [
                        g.flatten()
                        for g in torch.autograd.grad(
                            loss, merge.parameters, retain_graph=True
                        )
                    ]
                )
                for loss in losses
            ]
        )
        (gradients @ gradients.T).tolist()
        flat = preference @ gradients
        offset = 0
        for p in merge.parameters:
            p.grad = flat[offset : offset + p.numel()].view_as(p)
            offset += p.numel()
        merge.adam.step()
        losses.tolist()

    def copy(self, size):
        count = int(size) // self.base["class_vector"].element_size()
        if getattr(self, "copied", None) is None or self.copied[0].numel() != count:
            self.copied = [
                torch.zeros(count, device=self.device, dtype=self.dtype) for _ in "ab"
            ]
        self.copied[0].copy_(self.copied[1])

    def matmul(self, size):
        size = int(size)
        if getattr(self, "factors", None) is None or len(self.factors[0]) != size:
            self.factors = [
                torch.randn(size, size, device=self.device, dtype=self.dtype)
                for _ in "ab"
            ]
        self.product = self.factors[0] @ self.factors[1].T

    # --- measuring ----------------------------------------------------------------

    def synchronise(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def let_go(self):
        """What the last kind of work has kept, also in PyTorch's cache: whoever shares
        the card finds it free."""
        self.copied = self.factors = self.product = None
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def seconds(self, what, repeat):
        """Of one of `repeat` runs; what is "merge" or "ls:attn+mlp"."""
        name, _, argument = what.partition(":")
        if name not in ("merge", "forward", "drag", "ls", "epo", "copy", "matmul"):
            raise ValueError(f"{what} is not known")
        run = getattr(self, name)
        given = (argument,) if argument else ()
        if what != getattr(self, "last", None):
            self.let_go()
            run(*given)  # untimed: it asks for memory
            self.last = what
        self.synchronise()
        start = time.perf_counter()
        for _ in range(repeat):
            run(*given)
        self.synchronise()
        return (time.perf_counter() - start) / repeat

    def name(self):
        where = (
            torch.cuda.get_device_name(self.device)
            if self.device.type == "cuda"
            else f"the CPU, {torch.get_num_threads()} threads"
        )
        kind = "bf16 weights" if self.dtype == torch.bfloat16 else "f32 without TF32"
        return f"PyTorch {torch.__version__} on {where}, {kind}"


def serve(work):
    say({"name": work.name(), "parameters": work.parameters()})
    for line in sys.stdin:
        what, repeat = line.split()
        try:
            answer = {"seconds": work.seconds(what, int(repeat))}
        except (RuntimeError, ValueError) as failure:
            answer = {"error": str(failure).split("\n")[0][:300]}
        say(answer)


def table(work):
    print(f"{work.name()}; {options.shape}, {work.tasks} tasks")
    print(f"a step: {work.batch} images of each task; forward, drag: {work.images}")
    names = ["merge", "forward", "drag:attn+mlp"]
    names += [f"{m}:{g}" for g in GRANULARITIES for m in ("ls", "epo")]
    for what in names:
        work.seconds(what, 1)
        times = [work.seconds(what, 1) for _ in range(options.rounds)]
        print(f"{what:16} {1000 * statistics.median(times):10.2f} ms", flush=True)


def main():
    try:
        work = Work()
    except (RuntimeError, AssertionError) as failure:
        say({"error": str(failure).split("\n")[0][:300]})
        return 1
    if options.serve:
        serve(work)
    else:
        table(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
