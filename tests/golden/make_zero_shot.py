"""Makes tests/golden/zero_shot/: a tiny CLIPModel with a tokenizer, and the zero-shot
heads and logits that Hugging Face transformers makes of it in f64.

Run in this folder after make_model.py and make_tokenizer.py, with Python 3.11,
torch 2.15.0 (CPU), transformers 5.23.0, numpy 2.4.6, safetensors 0.8.0:

    python make_zero_shot.py

  clip/   config.json, model.safetensors, preprocessor_config.json, vocab.json,
          merges.txt: the vision side of ../model/clip, a random text side over the
          vocabulary of ../tokenizer. The token embedding is F16, the rest F32.
  templates.txt, animals.txt    templates and class names, one a line
  expected.safetensors, f64 unless said:
    scale []: exp(logit_scale)
    single.head [3, P]: names cat, dog, tall tree in "a photo of a {}."
    pixels U8 [4, 3, S, S], single.logits [4, 3]: CLIPModel's logits_per_image of them
    many.head [5, P]: animals.txt in templates.txt, one longer than the context
    legacy.input_ids I32 [3, 24], legacy.text_embeds [3, P]: with eos_token_id 2, for
      which the greatest token number is read, texts without <|endoftext|> among them
"""

import json
import os
import shutil

import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import load_file, save_file

from make_model import SIZE, pixel_values, randomise

transformers.logging.set_verbosity_error()
torch.set_num_threads(1)
HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "zero_shot")
CLIP = os.path.join(OUT, "clip")
CONTEXT = 24
ANIMALS = ["horse", "Caf\u00e9 cat", "it's a dog", "bird of the night", "frog"]
TEMPLATES = [
    "a photo of a {}.",
    "A bad photo of the {}!",
    "{}",
    "an aerial view of the industrial buildings, of a forest, and of one {} beside them.",
]
TOKEN = "text_model.embeddings.token_embedding.weight"

shutil.rmtree(OUT, ignore_errors=True)
os.makedirs(CLIP)
for name in ("vocab.json", "merges.txt"):
    shutil.copy(os.path.join(HERE, "tokenizer", name), CLIP)
with open(os.path.join(CLIP, "vocab.json"), encoding="utf-8") as f:
    vocab = json.load(f)
source = os.path.join(HERE, "model", "clip")
vision = json.load(open(os.path.join(source, "config.json")))
config = transformers.CLIPConfig(
    vision_config=vision, projection_dim=10, text_config=dict(
        vocab_size=len(vocab), hidden_size=16, intermediate_size=40, num_hidden_layers=2,
        num_attention_heads=4, max_position_embeddings=CONTEXT, projection_dim=10,
        bos_token_id=vocab["<|startoftext|>"], eos_token_id=vocab["<|endoftext|>"],
        pad_token_id=vocab["<|endoftext|>"]))
model = transformers.CLIPModel(config).eval()
randomise(model)
state = load_file(os.path.join(source, "model.safetensors"))
model.load_state_dict(state, strict=False)
embedding = model.text_model.embeddings.token_embedding.weight
embedding.data = embedding.data.half().float()
model.save_pretrained(CLIP)
for extra in set(os.listdir(CLIP)) - {"config.json", "model.safetensors", "vocab.json",
                                      "merges.txt"}:
    os.remove(os.path.join(CLIP, extra))
shutil.copy(os.path.join(source, "preprocessor_config.json"), CLIP)
path = os.path.join(CLIP, "model.safetensors")
tensors = load_file(path)
assert all(torch.equal(tensors[n], v) for n, v in state.items())
tensors[TOKEN] = tensors[TOKEN].half()
save_file(tensors, path, {"format": "pt"})

tokenizer = transformers.CLIPTokenizer.from_pretrained(CLIP)
wide = model.double()


def tokens(prompts):
    return tokenizer(prompts, truncation=True, max_length=CONTEXT, padding="max_length",
                     return_tensors="pt")["input_ids"]


def text_embeds(ids):
    return wide.text_projection(wide.text_model(input_ids=ids).pooler_output)


def head(names, templates):
    rows = []
    for name in names:
        ids = tokens([t.replace("{}", name) for t in templates])
        unit = F.normalize(text_embeds(ids), dim=-1)
        rows.append(F.normalize(unit.mean(dim=0), dim=0))
    return torch.stack(rows) * wide.logit_scale.exp()


with torch.no_grad():
    out = {"scale": wide.logit_scale.exp()}
    names = ["cat", "dog", "tall tree"]
    out["single.head"] = head(names, TEMPLATES[:1])
    generator = torch.Generator().manual_seed(5)
    pixels = torch.randint(0, 256, (4, 3, SIZE["clip"], SIZE["clip"]), generator=generator,
                           dtype=torch.uint8)
    out["pixels"] = pixels
    out["single.logits"] = wide(
        input_ids=tokens([f"a photo of a {n}." for n in names]),
        pixel_values=pixel_values("clip", pixels)).logits_per_image
    assert len(tokenizer(TEMPLATES[3])["input_ids"]) > CONTEXT
    out["many.head"] = head(ANIMALS, TEMPLATES)
    ids = tokens(["a cat"] * 3)
    ids[1:] = torch.randint(3, 500, (2, CONTEXT), generator=generator)
    ids[1, 9] = ids[1, 13] = 600
    wide.text_model.eos_token_id = 2
    out["legacy.input_ids"] = ids.int()
    out["legacy.text_embeds"] = text_embeds(ids)
    assert not torch.equal(wide.text_model(input_ids=ids).pooler_output[1],
                           wide.text_model(input_ids=ids).last_hidden_state[1, 13])
save_file({n: v.contiguous().clone() for n, v in out.items()},
          os.path.join(OUT, "expected.safetensors"))
for name, lines in (("templates.txt", TEMPLATES), ("animals.txt", ANIMALS)):
    with open(os.path.join(OUT, name), "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
