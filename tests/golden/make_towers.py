"""Makes tests/golden/towers/: two experts of ../zero_shot/clip whose text towers were
fine-tuned too, pictures, and what Hugging Face transformers says of merged models.

Run in this folder after make_zero_shot.py, with Python 3.11, torch 2.15.0 (CPU),
transformers 5.24.0, numpy 2.4.6, safetensors 0.8.0:

    python make_towers.py

  expert0.safetensors, expert1.safetensors   whole CLIPModels in BF16
  expected.safetensors:
    pixels U8 [2, 3, N, S, S, 3]: tasks, classes, pictures
    of a model M: average (both towers averaged), vision (the pretrained text tower beside
    the averaged vision tower), own (each task by its own expert):
      M.right I32 [2]: how many of a task's pictures CLIPModel's logits_per_image get right
      M.heads [2, 3, P] f64: each class's text embedding, of length exp(logit_scale)
    mean.heads: the same for text towers 0.75 of expert 0 and 0.25 of expert 1
"""

import copy
import json
import os
import shutil

import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import load_file, save_file

from make_model import SIZE, pixel_values

transformers.logging.set_verbosity_error()
torch.set_num_threads(1)
HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "towers")
CLIP = os.path.join(HERE, "zero_shot", "clip")
NAMES = [["cat", "dog", "tall tree"], ["bird", "frog", "horse"]]
PICTURES = 12
TOKEN = "text_model.embeddings.token_embedding.weight"

shutil.rmtree(OUT, ignore_errors=True)
os.makedirs(OUT)
generator = torch.Generator().manual_seed(11)
base = {n: v.double() for n, v in load_file(os.path.join(CLIP, "model.safetensors")).items()}
experts = []
for i in range(2):
    state = {}
    for name, v in base.items():
        far = 1 if name.startswith("text_") else 0.4
        moved = v + far * v.abs().mean() * torch.randn(v.shape, generator=generator).double()
        state[name] = (v + 0.1 * (i + 1) if name == "logit_scale" else moved).bfloat16()
    save_file(state, os.path.join(OUT, f"expert{i}.safetensors"), {"format": "pt"})
    experts.append({n: v.double() for n, v in state.items()})

with open(os.path.join(CLIP, "config.json"), encoding="utf-8") as f:
    model = transformers.CLIPModel(transformers.CLIPConfig(**json.load(f))).eval().double()
tokenizer = transformers.CLIPTokenizer.from_pretrained(CLIP)
pixels = torch.randint(0, 256, (2, 3, PICTURES, 3, SIZE["clip"], SIZE["clip"]),
                       generator=generator, dtype=torch.uint8)


def tokens(task):
    return tokenizer([f"a photo of a {n}." for n in NAMES[task]], truncation=True,
                     max_length=24, padding="max_length", return_tensors="pt")["input_ids"]


def mean(weights):
    out = {n: sum(w * e[n] for w, e in zip(weights, experts)) for n in base}
    out[TOKEN] = out[TOKEN].half().double()  # the dtype of the pretrained file
    return out


def ask(states):
    right, heads = [], []
    for task, state in enumerate(states):
        model.load_state_dict(state, strict=False)
        ids = tokens(task)
        logits = model(input_ids=ids, pixel_values=pixel_values(
            "clip", pixels[task].flatten(0, 1)).double()).logits_per_image
        two = logits.topk(2).values
        assert (two[:, 0] - two[:, 1]).min() > 1e-3
        truth = torch.arange(3).repeat_interleave(PICTURES)
        right.append((logits.argmax(1) == truth).sum())
        unit = F.normalize(model.text_projection(
            model.text_model(input_ids=ids).pooler_output), dim=-1)
        heads.append(unit * model.logit_scale.exp())
    return torch.stack(right).int(), torch.stack(heads)


out = {"pixels": pixels.permute(0, 1, 2, 4, 5, 3)}
average = mean([0.5, 0.5])
vision = {n: base[n] if n.startswith("text_") or n == "logit_scale" else v
          for n, v in average.items()}
with torch.no_grad():
    for name, states in (("average", [average] * 2), ("vision", [vision] * 2),
                         ("own", experts), ("mean", [mean([0.75, 0.25])] * 2)):
        out[f"{name}.right"], out[f"{name}.heads"] = ask(states)
del out["mean.right"]
assert not torch.equal(out["average.right"], out["vision.right"])
save_file({n: v.contiguous().clone() for n, v in out.items()},
          os.path.join(OUT, "expected.safetensors"))
print({n: v.tolist() for n, v in out.items() if n.endswith("right")})
