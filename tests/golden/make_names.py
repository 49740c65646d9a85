"""Makes tests/golden/names/: a tiny ViT, an expert whose id2label orders the classes
otherwise than their folders' bytes do, pictures in class folders, and what transformers
says of them.

Run with Python 3.11, torch 2.15.0, transformers 5.24.0, pillow 13.0.0, numpy 2.4.6:

    python tests/golden/make_names.py

base/, expert/     models; their config.json names wolf, cat, owl, bee
test/CLASS/N.png   ten pictures of 8 x 8 pixels a class
expected.json      correct: of each class, how many of its ten the expert gets right, by
                   id2label; logits of the first picture of each
"""

import copy
import json
import pathlib
import shutil

import numpy
import torch
from PIL import Image
from transformers import ViTConfig, ViTForImageClassification
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

out = pathlib.Path(__file__).parent / "names"
shutil.rmtree(out, ignore_errors=True)
names = ["wolf", "cat", "owl", "bee"]
processor = ViTImageProcessorPil(size={"height": 16, "width": 16}, resample=2)

random = numpy.random.RandomState(5)
pixels, truth = [], []
for name in sorted(names):
    (out / "test" / name).mkdir(parents=True)
    for i in range(10):
        picture = random.randint(0, 256, (8, 8, 3)).astype("uint8")
        Image.fromarray(picture).save(out / "test" / name / f"{i}.png")
        opened = Image.open(out / "test" / name / f"{i}.png").convert("RGB")
        pixels.append(processor(opened)["pixel_values"][0])
        truth.append(names.index(name))
pixels, truth = torch.tensor(numpy.stack(pixels)), torch.tensor(truth)

torch.manual_seed(0)
base = ViTForImageClassification(
    ViTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        image_size=16, patch_size=8, layer_norm_eps=1e-6, initializer_range=0.3,
        id2label=dict(enumerate(names)), label2id={n: i for i, n in enumerate(names)},
    )
).eval()
expert = copy.deepcopy(base)
with torch.no_grad():
    for p in expert.parameters():
        p.add_(torch.randn(p.shape) * 0.1)
    features = expert.vit(pixels).last_hidden_state[:, 0]
    rows = torch.cat([features, torch.ones(len(features), 1)], 1)
    wanted = torch.nn.functional.one_hot(truth, 4).float() * 8 - 4
    weight = torch.linalg.lstsq(rows, wanted).solution
    expert.classifier.weight.copy_(weight[:-1].T)
    expert.classifier.bias.copy_(weight[-1])
    logits = expert(pixels).logits
right = (logits.argmax(1) == truth).tolist()
expected = {
    "correct": {n: sum(right[10 * i : 10 * i + 10]) for i, n in enumerate(sorted(names))},
    "logits": {n: logits[10 * i].tolist() for i, n in enumerate(sorted(names))},
}
(out / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
for model, name in (base, "base"), (expert, "expert"):
    model.save_pretrained(out / name)
    processor.save_pretrained(out / name)
