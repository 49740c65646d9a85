"""Makes tests/golden/model/: tiny random models, what they answer, and router
gradients, computed by Hugging Face transformers and PyTorch autograd in f64.

Run in this folder with Python 3.11, torch 2.15.0 (CPU), transformers 5.23.0,
numpy 2.4.6, safetensors 0.8.0:

    python make_model.py

Directories (config.json, model.safetensors, preprocessor_config.json):
  clip, clip-expert0..2   CLIPVisionModelWithProjection, names begin vision_model.
  clip-noprefix           clip with those names lacking that prefix
  clip-bare               clip as CLIPVisionModel: no prefix, no projection
  clip-full               CLIPModel: the vision side of clip and a text side
  vit, vit-expert0..2     ViTForImageClassification; the classifier of pretrained
                          and experts has 6, 5, 7, 4 labels
  gpt2, gpt2-expert0..2   GPT2ForSequenceClassification, labels as those; gpt2 has the
                          vocabulary of gpt2/base (make_gpt2.py, run before)
  gpt2-noprefix           gpt2 with names that do not begin transformer.
Heads for clip (unit rows times exp(logit_scale), no bias):
  clip-head0..2.safetensors: weight [classes, projection]

Files of what is expected, f64 unless a name ends in _f32:
  clip.safetensors, vit.safetensors:
    pixels U8 [6, 3, S, S]; pixel_values_f32; hidden.0 .. hidden.N [6, tokens, width]
    (before the first block, after each block); pooled [6, width] (class token after
    the last norm); image_embeds [6, P] or logits [6, 6]; the same _f32, computed in
    f32. experts.T.image_embeds or experts.T.logits for each expert.
  gpt2.safetensors: ids I32 [8, 16], filled up with the pad token; lengths I32 [8];
    labels I32 [8]; logits [8, 6]; loss [] (mean) and its gradient.NAME by every tensor;
    experts.T.logits.
  clip-full.safetensors: pixels, image_embeds, input_ids I64 [5, 12], text_embeds,
    logit_scale.
  routers-KIND-GRANULARITY-TASKS.safetensors: the mixture (modules in the order of
    depth, M of them, their names in metadata "modules", one a line):
    pixels U8 [T, 4, 3, S, S] (or ids I32 [T, 4, 16] and lengths I32 [T, 4]);
    labels I32 [T, 4]; preference [T]; lambda [];
    hidden.weight [M, 2T, T]; hidden.bias [M, 2T]; output.weight [M, T, 2T];
    output.bias [M, T] (f32 values; the -linear file has output.weight [M, T, T] and
    no hidden); routing [M, T] = the routing weights; logits.t [4, C_t]; losses [T];
    ls []: sum_t r_t losses_t; gradient.NAME as the router parameter NAME, of ls;
    gradient.routing [M, T], of ls; task.routing [T, M, T]: gradient.routing of each
    task's loss alone. merged.weights [N, T]: what multiplied the task vectors of
    each tensor (names in metadata "tensors", one a line; the heads are not among
    them), merged.sum [N] and merged.dot [N]: its sum, and its inner product with
    cos(0), cos(1), cos(2), ...
"""

import json
import os
import re
import shutil

import numpy as np
import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import load_file, save_file
from torch.func import functional_call

transformers.logging.set_verbosity_error()
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "model")
LAMBDA = 0.3
CLASSES = [5, 7, 4]
MEAN = {
    "clip": [0.48145466, 0.4578275, 0.40821073],
    "vit": [0.5, 0.5, 0.5],
}
STD = {
    "clip": [0.26862954, 0.26130258, 0.27577711],
    "vit": [0.5, 0.5, 0.5],
}
SIZE = {"clip": 15, "vit": 12}
PAD, TOKENS = 299, 16
LAYERS = 2

generator = torch.Generator().manual_seed(20240614)


def normal(shape, std):
    return torch.randn(shape, generator=generator, dtype=torch.float64) * std


def randomise(model):
    """Values with which every term of the model matters."""
    for name, p in model.named_parameters():
        if name.endswith("logit_scale"):
            value = torch.tensor(2.3)
        elif re.search(r"norm\d?\.weight|layrnorm\.weight|layernorm_\w+\.weight|ln_\w+\.weight", name):
            value = 1 + normal(p.shape, 0.2)
        elif name.endswith("bias"):
            value = normal(p.shape, 0.1)
        elif p.dim() >= 2 and "embedding" not in name:
            value = normal(p.shape, p[0].numel() ** -0.5)
        elif "patch_embed" in name:
            value = normal(p.shape, p[0].numel() ** -0.5)
        else:
            value = normal(p.shape, 0.5)
        p.data = value.to(torch.float32)


def preprocessor(kind):
    size = SIZE[kind]
    common = {
        "do_resize": True,
        "resample": 3,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": MEAN[kind],
        "image_std": STD[kind],
    }
    if kind == "clip":
        return {
            "image_processor_type": "CLIPImageProcessor",
            "do_convert_rgb": True,
            "size": {"shortest_edge": size},
            "do_center_crop": True,
            "crop_size": {"height": size, "width": size},
            **common,
        }
    return {
        "image_processor_type": "ViTImageProcessor",
        "size": {"height": size, "width": size},
        **common,
    }


def save_model(model, kind, name):
    path = os.path.join(OUT, name)
    model.save_pretrained(path)
    for extra in set(os.listdir(path)) - {"config.json", "model.safetensors"}:
        os.remove(os.path.join(path, extra))
    with open(os.path.join(path, "preprocessor_config.json"), "w") as f:
        json.dump(preprocessor(kind), f, indent=2)
        f.write("\n")
    return path


def save(name, tensors, metadata=None):
    tensors = {k: torch.as_tensor(v).detach().contiguous().clone() for k, v in tensors.items()}
    save_file(tensors, os.path.join(OUT, name), metadata)


def new_pixels(kind, *shape):
    size = SIZE[kind]
    return torch.randint(0, 256, (*shape, 3, size, size), generator=generator, dtype=torch.uint8)


def new_texts(count):
    """Token numbers [count, TOKENS] and lengths: the pad token also stands inside texts
    and at the end of some."""
    ids = torch.full((count, TOKENS), PAD)
    lengths = torch.randint(1, TOKENS + 1, (count,), generator=generator)
    for i, n in enumerate(lengths.tolist()):
        ids[i, :n] = torch.randint(0, PAD, (n,), generator=generator)
        if i % 3 == 0 and n > 2:
            ids[i, n // 2] = PAD
    return {"ids": ids.int(), "lengths": lengths.int()}


def new_inputs(kind, tasks, count):
    if kind != "gpt2":
        return {"pixels": new_pixels(kind, tasks, count)}
    texts = [new_texts(count) for _ in range(tasks)]
    return {k: torch.stack([t[k] for t in texts]) for k in texts[0]}


def pixel_values(kind, pixels, dtype=torch.float64):
    mean = torch.tensor(MEAN[kind], dtype=dtype)[:, None, None]
    std = torch.tensor(STD[kind], dtype=dtype)[:, None, None]
    return (pixels.to(dtype) / 255 - mean) / std


def clip_config():
    return transformers.CLIPVisionConfig(
        hidden_size=24, intermediate_size=40, num_hidden_layers=LAYERS, num_attention_heads=2,
        image_size=SIZE["clip"], patch_size=5, projection_dim=10, hidden_act="quick_gelu")


def vit_config(labels):
    return transformers.ViTConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=LAYERS, num_attention_heads=2,
        image_size=SIZE["vit"], patch_size=4, num_labels=labels, hidden_act="gelu",
        layer_norm_eps=1e-6, qkv_bias=True)


def expert_of(pretrained, expert):
    """expert: fresh, of the same form save perhaps the classifier. Its values become
    the pretrained model's plus a task vector a few tenths as large."""
    source = dict(pretrained.named_parameters())
    for name, p in expert.named_parameters():
        if "classifier" in name or "score" in name:
            p.data = normal(p.shape, 0.3).to(torch.float32)
        else:
            base = source[name].data.double()
            std = 0.3 * float(base.std(correction=0)) + 0.02
            p.data = (base + normal(p.shape, std)).to(torch.float32)


def describe(kind, model, experts):
    """The file of expected answers."""
    pixels = new_pixels(kind, 6)
    out = {"pixels": pixels, "pixel_values_f32": pixel_values(kind, pixels, torch.float32)}
    key = "image_embeds" if kind == "clip" else "logits"
    answer = model(pixel_values(kind, pixels, torch.float32))
    out[key + "_f32"] = answer[key]
    wide = model.double()
    answer = wide(pixel_values(kind, pixels), output_hidden_states=True)
    out[key] = answer[key]
    for i, h in enumerate(answer.hidden_states):
        out[f"hidden.{i}"] = h
    assert len(answer.hidden_states) == LAYERS + 1
    if kind == "clip":
        out["pooled"] = wide.vision_model(pixel_values(kind, pixels)).pooler_output
    else:
        out["pooled"] = wide.vit(pixel_values(kind, pixels)).last_hidden_state[:, 0]
    for t, expert in enumerate(experts):
        out[f"experts.{t}.{key}"] = expert.double()(pixel_values(kind, pixels))[key]
        expert.float()
    save(kind + ".safetensors", out)
    model.float()
    return pixels, out


def memory_name(name):
    """transformers 5 keeps a ViT in memory under other names than in its files."""
    for old, new in (
        (r"vit\.encoder\.layer\.", "vit.layers."),
        (r"attention\.attention\.query", "attention.q_proj"),
        (r"attention\.attention\.key", "attention.k_proj"),
        (r"attention\.attention\.value", "attention.v_proj"),
        (r"attention\.output\.dense", "attention.o_proj"),
        (r"intermediate\.dense", "mlp.fc1"),
        (r"(layers\.\d+)\.output\.dense", r"\1.mlp.fc2"),
    ):
        name = re.sub(old, new, name)
    return name


def modules_of(kind, granularity):
    """[(name, pattern over tensor names)] by depth."""
    if kind == "clip":
        block = r"vision_model\.encoder\.layers\.%d\."
        names = {
            "patch embedding": r"vision_model\.embeddings\.patch_embedding\.",
            "pre norm": r"vision_model\.pre_layrnorm\.",
            "norm1": block + r"layer_norm1\.",
            "attention": block + r"self_attn\.",
            "norm2": block + r"layer_norm2\.",
            "mlp": block + r"mlp\.",
            "post norm": r"vision_model\.post_layernorm\.",
        }
    elif kind == "gpt2":
        block = r"transformer\.h\.%d\."
        names = {
            "norm1": block + r"ln_1\.",
            "attention": block + r"attn\.",
            "norm2": block + r"ln_2\.",
            "mlp": block + r"mlp\.",
            "post norm": r"transformer\.ln_f\.",
        }
    else:
        block = r"vit\.encoder\.layer\.%d\."
        names = {
            "patch embedding": r"vit\.embeddings\.patch_embeddings\.",
            "norm1": block + r"layernorm_before\.",
            "attention": block + r"attention\.",
            "norm2": block + r"layernorm_after\.",
            "mlp": block + r"(intermediate|output)\.",
            "post norm": r"vit\.layernorm\.",
        }
    inside = {
        "mlp": ["mlp"],
        "attn+mlp": ["attention", "mlp"],
        "all": ["norm1", "attention", "norm2", "mlp"],
    }[granularity]
    out = []
    if granularity == "all":
        out += [(n, names[n]) for n in ("patch embedding", "pre norm") if n in names]
    for i in range(LAYERS):
        out += [(f"block {i} {n}", names[n] % i) for n in inside]
    if granularity == "all":
        out.append(("post norm", names["post norm"]))
    return out


def describe_routers(kind, granularity, tasks, model, heads, linear=False):
    base = load_file(os.path.join(OUT, kind, "model.safetensors"))
    experts = [load_file(os.path.join(OUT, f"{kind}-expert{t}", "model.safetensors"))
               for t in range(tasks)]
    modules = modules_of(kind, granularity)
    count = len(modules)
    tensors = sorted(n for n in base if not n.startswith(("classifier", "score")))
    module_of = {}
    for n in tensors:
        fits = [m for m, (_, pattern) in enumerate(modules) if re.match(pattern, n)]
        assert len(fits) <= 1
        module_of[n] = fits[0] if fits else None
    assert set(module_of.values()) >= set(range(count))
    vectors = {n: torch.stack([e[n].double() - base[n].double() for e in experts])
               for n in tensors}

    def parameter(shape, std, mean=0.0):
        value = (mean + normal(shape, std)).to(torch.float32).double()
        return value.requires_grad_()

    router = {}
    if linear:
        router["output.weight"] = parameter((count, tasks, tasks), 0.4)
    else:
        router["hidden.weight"] = parameter((count, 2 * tasks, tasks), 0.7)
        router["hidden.bias"] = parameter((count, 2 * tasks), 0.3)
        router["output.weight"] = parameter((count, tasks, 2 * tasks), 0.4)
    router["output.bias"] = parameter((count, tasks), 0.1, LAMBDA)
    preference = torch.tensor([0.3, 0.7] if tasks == 2 else [0.2, 0.5, 0.3],
                              dtype=torch.float64)
    hidden = preference.expand(count, tasks)
    if not linear:
        hidden = torch.relu(torch.einsum("mht,mt->mh", router["hidden.weight"], hidden)
                            + router["hidden.bias"])
    routing = torch.einsum("mth,mh->mt", router["output.weight"], hidden) + router["output.bias"]
    routing.retain_grad()

    merged, used = {}, []
    for n in tensors:
        m = module_of[n]
        w = torch.full((tasks,), LAMBDA, dtype=torch.float64) if m is None else routing[m]
        used.append(w)
        merged[n] = base[n].double() + torch.einsum("t,t...->...", w, vectors[n])

    inputs = new_inputs(kind, tasks, 4)
    labels = torch.stack([
        torch.randint(0, CLASSES[t], (4,), generator=generator) for t in range(tasks)])
    out = {**inputs, "labels": labels.int(), "preference": preference,
           "lambda": torch.tensor(LAMBDA, dtype=torch.float64)}
    losses, task_gradients = [], []
    parameters = {memory_name(n): v for n, v in merged.items()}
    for t in range(tasks):
        values = inputs["ids"][t].long() if kind == "gpt2" else pixel_values(
            kind, inputs["pixels"][t])
        if kind == "gpt2":
            state = dict(parameters)
            state["score.weight"] = experts[t]["score.weight"].double()
            logits = functional_call(model, state, (values,)).logits
        elif kind == "clip":
            embeds = functional_call(model, parameters, (values,)).image_embeds
            logits = F.normalize(embeds, dim=-1) @ heads[t].T
        else:
            state = dict(parameters)
            state["classifier.weight"] = torch.zeros(6, 32, dtype=torch.float64)
            state["classifier.bias"] = torch.zeros(6, dtype=torch.float64)
            hidden_states = functional_call(
                model, state, (values,), {"output_hidden_states": True}).hidden_states
            pooled = F.layer_norm(hidden_states[-1][:, 0], (32,),
                                  parameters["vit.layernorm.weight"],
                                  parameters["vit.layernorm.bias"], 1e-6)
            logits = F.linear(pooled, experts[t]["classifier.weight"].double(),
                              experts[t]["classifier.bias"].double())
        loss = F.cross_entropy(logits, labels[t])
        out[f"logits.{t}"] = logits
        losses.append(loss)
        task_gradients.append(torch.autograd.grad(loss, routing, retain_graph=True)[0])
    losses = torch.stack(losses)
    ls = (preference * losses).sum()
    ls.backward()
    out.update(router)
    out["losses"] = losses
    out["ls"] = ls
    out["routing"] = routing
    out["gradient.routing"] = routing.grad
    for n, p in router.items():
        out["gradient." + n] = p.grad
    out["task.routing"] = torch.stack(task_gradients)
    out["merged.weights"] = torch.stack(used)
    out["merged.sum"] = torch.stack([merged[n].sum() for n in tensors])
    out["merged.dot"] = torch.stack([
        (merged[n].reshape(-1) * torch.cos(torch.arange(merged[n].numel(),
                                                        dtype=torch.float64))).sum()
        for n in tensors])
    for n in router:
        out[n] = out[n].float()
    name = f"routers-{kind}-{granularity}-{tasks}{'-linear' if linear else ''}.safetensors"
    save(name, out, {"modules": "\n".join(m for m, _ in modules),
                     "tensors": "\n".join(tensors)})


def make_clip():
    config = clip_config()
    model = transformers.CLIPVisionModelWithProjection(config).eval()
    randomise(model)
    path = save_model(model, "clip", "clip")
    experts = []
    for t in range(3):
        expert = transformers.CLIPVisionModelWithProjection(config).eval()
        expert_of(model, expert)
        save_model(expert, "clip", f"clip-expert{t}")
        experts.append(expert)
    pixels, out = describe("clip", model, experts)

    bare = os.path.join(OUT, "clip-noprefix")
    shutil.copytree(path, bare)
    tensors = load_file(os.path.join(path, "model.safetensors"))
    save_file({n.removeprefix("vision_model."): v for n, v in tensors.items()},
              os.path.join(bare, "model.safetensors"), {"format": "pt"})
    bare = transformers.CLIPVisionModel(config).eval()
    inner = getattr(bare, "vision_model", bare)
    inner.load_state_dict(model.vision_model.state_dict())
    save_model(bare, "clip", "clip-bare")
    again = bare.double()(pixel_values("clip", pixels)).pooler_output
    assert torch.equal(again, out["pooled"])

    full = transformers.CLIPModel(transformers.CLIPConfig(
        vision_config=config.to_dict(), projection_dim=10, text_config=dict(
            vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2,
            num_attention_heads=2, max_position_embeddings=12, projection_dim=10,
            bos_token_id=62, eos_token_id=63, pad_token_id=63))).eval()
    randomise(full)
    full.vision_model.load_state_dict(model.vision_model.state_dict())
    full.visual_projection.load_state_dict(model.visual_projection.state_dict())
    save_model(full, "clip", "clip-full")
    ids = torch.full((5, 12), 63)
    for row, length in enumerate((1, 3, 4, 7, 10)):
        ids[row, 0] = 62
        ids[row, 1:1 + length] = torch.randint(0, 62, (length,), generator=generator)
    wide = full.double()
    answer = wide(input_ids=ids, pixel_values=pixel_values("clip", pixels))
    unit = F.normalize(out["image_embeds"], dim=-1)
    assert torch.allclose(answer.image_embeds, unit, rtol=0, atol=1e-12)
    text = wide.text_projection(wide.text_model(input_ids=ids).pooler_output)
    assert torch.allclose(F.normalize(text, dim=-1), answer.text_embeds, rtol=0, atol=1e-12)
    save("clip-full.safetensors", {
        "pixels": pixels, "image_embeds": out["image_embeds"], "input_ids": ids,
        "text_embeds": text, "logit_scale": wide.logit_scale})

    heads = []
    for t in range(3):
        head = F.normalize(normal((CLASSES[t], 10), 1.0), dim=-1) * np.exp(2.3)
        head = head.float()
        save(f"clip-head{t}.safetensors", {"weight": head})
        heads.append(head.double())
    model.double()
    for granularity in ("mlp", "attn+mlp", "all"):
        for tasks in (2, 3):
            describe_routers("clip", granularity, tasks, model, heads)
    describe_routers("clip", "mlp", 2, model, heads, linear=True)


def make_vit():
    model = transformers.ViTForImageClassification(vit_config(6)).eval()
    randomise(model)
    save_model(model, "vit", "vit")
    experts = []
    for t in range(3):
        expert = transformers.ViTForImageClassification(vit_config(CLASSES[t])).eval()
        expert_of(model, expert)
        save_model(expert, "vit", f"vit-expert{t}")
        experts.append(expert)
    describe("vit", model, experts)
    model.double()
    for granularity in ("mlp", "attn+mlp", "all"):
        for tasks in (2, 3):
            describe_routers("vit", granularity, tasks, model, None)


def gpt2_config(labels):
    return transformers.GPT2Config(
        vocab_size=PAD + 1, n_positions=20, n_embd=16, n_layer=LAYERS, n_head=2, n_inner=24,
        resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, num_labels=labels, bos_token_id=PAD,
        eos_token_id=PAD, pad_token_id=PAD)


def save_gpt2(model, name):
    path = os.path.join(OUT, name)
    model.save_pretrained(path)
    for extra in set(os.listdir(path)) - {"config.json", "model.safetensors"}:
        os.remove(os.path.join(path, extra))
    return path


def describe_gpt2(model, experts):
    texts = new_texts(8)
    texts["ids"][1], texts["lengths"][1] = PAD, 0
    texts["ids"][2, :] = torch.arange(TOKENS)
    texts["lengths"][2] = TOKENS
    texts["ids"][4, 5:], texts["lengths"][4] = PAD, 7  # two pad tokens end it
    labels = torch.randint(0, 6, (8,), generator=generator)
    ids = texts["ids"].long()
    wide = model.double()
    answer = wide(ids, labels=labels)
    answer.loss.backward()
    out = {**texts, "labels": labels.int(), "logits": answer.logits, "loss": answer.loss}
    for name, p in wide.named_parameters():
        out["gradient." + name] = p.grad
    for t, expert in enumerate(experts):
        out[f"experts.{t}.logits"] = expert.double()(ids).logits
    save("gpt2.safetensors", out)


def make_gpt2():
    model = transformers.GPT2ForSequenceClassification(gpt2_config(6)).eval()
    randomise(model)
    path = save_gpt2(model, "gpt2")
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(os.path.join(HERE, "gpt2", "base", name), path)
    experts = []
    for t in range(3):
        expert = transformers.GPT2ForSequenceClassification(gpt2_config(CLASSES[t])).eval()
        expert_of(model, expert)
        save_gpt2(expert, f"gpt2-expert{t}")
        experts.append(expert)
    bare = os.path.join(OUT, "gpt2-noprefix")
    shutil.copytree(path, bare)
    tensors = load_file(os.path.join(path, "model.safetensors"))
    save_file({n.removeprefix("transformer."): v for n, v in tensors.items()},
              os.path.join(bare, "model.safetensors"), {"format": "pt"})
    describe_gpt2(model, experts)
    for granularity in ("mlp", "attn+mlp", "all"):
        for tasks in (2, 3):
            describe_routers("gpt2", granularity, tasks, model, None)


if __name__ == "__main__":
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    make_clip()
    make_vit()
    make_gpt2()
