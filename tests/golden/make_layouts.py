"""Makes tests/golden/layouts/: model directories as releases of transformers from 4.3 to
5 and PEFT save them, and what transformers answers of each.

One run a directory, each with the release that its name says on PYTHONPATH; torch 2.15.0,
numpy 2.4.6, safetensors 0.8.0, peft 0.21 for the last two:

    python tests/golden/make_layouts.py vit-4.6 | vit-4.57 | vit-5 | gpt2-4.3 | gpt2-4.12 |
        gpt2-4.57 | gpt2-5 | clip-4.6 | clip-4.30 | clip-4.57 | clip-5 | vit-peft | gpt2-peft

Releases before 4.34 save pytorch_model.bin; it is written here as the same tensors under
the same names in model.safetensors, as the hub's converter does: with the masks and
positions that those releases kept among the weights. vit-peft and gpt2-peft are adapters
merged by merge_and_unload.

NAME/                     config.json, model.safetensors, preprocessor_config.json or
                          processor_config.json
expected.safetensors      pixels-NAME u8 [2, 3, 8, 8], or ids-NAME i32 [2, 6] and
                          lengths-NAME i32 [2]; output-NAME f32: logits [2, 3], of CLIP
                          image embeddings [2, 4]
"""

import pathlib
import shutil
import sys

import numpy
import torch
import transformers
from safetensors.numpy import load_file, save_file
from safetensors.torch import save_file as save_torch

name = sys.argv[1]
kind, release = name.split("-")
release = "5" if release == "peft" else release
assert (transformers.__version__ + ".").startswith(release + "."), transformers.__version__
out = pathlib.Path(__file__).parent / "layouts"
place = out / name
shutil.rmtree(place, ignore_errors=True)
place.mkdir(parents=True)
seed = sum(map(ord, name))
torch.manual_seed(seed)
numbers = numpy.random.RandomState(seed)
small = dict(hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16)
old = release in ("4.3", "4.6", "4.12")
keep = {}


def with_adapter(model, **how):
    """A LoRA adapter with random weights, merged."""
    from peft import LoraConfig, get_peft_model

    adapted = get_peft_model(model, LoraConfig(r=2, **how))
    with torch.no_grad():
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.add_(0.3 * torch.randn(parameter.shape))
    return adapted.merge_and_unload().eval()


def save(model, *others):
    for what in (model, *others):
        what.save_pretrained(place)
    weights = place / "pytorch_model.bin"
    if weights.exists():
        tensors = torch.load(weights, map_location="cpu")
        save_torch({k: v.contiguous().clone() for k, v in tensors.items()},
                   place / "model.safetensors", {"format": "pt"})
        weights.unlink()
    (place / "generation_config.json").unlink(missing_ok=True)


def image_processor(family):
    how = dict(image_mean=[0.5] * 3, image_std=[0.5] * 3)
    if old:
        which = getattr(transformers, family + "FeatureExtractor")
        return which(size=8, **(dict(crop_size=8) if family == "CLIP" else {}), **how)
    which = getattr(transformers, family + "ImageProcessor")
    square = {"height": 8, "width": 8}
    if family == "CLIP":
        return which(size={"shortest_edge": 8}, crop_size=square, **how)
    return which(size=square, **how)


if kind == "gpt2":
    model = transformers.GPT2ForSequenceClassification(transformers.GPT2Config(
        vocab_size=40, n_positions=8, n_embd=8, n_layer=2, n_head=2, num_labels=3,
        pad_token_id=0, bos_token_id=1, eos_token_id=1, initializer_range=0.3,
        **(dict(n_ctx=8) if old else {}))).eval()
    if name == "gpt2-peft":
        model = with_adapter(model, task_type="SEQ_CLS", target_modules=["c_attn"],
                             fan_in_fan_out=True)
    save(model)
    ids = numbers.randint(2, 40, (2, 6)).astype("int32")
    lengths = numpy.array([6, 4], dtype="int32")
    ids[1, 4:] = 0
    keep["ids"], keep["lengths"] = ids, lengths
    with torch.no_grad():
        rows = [model(input_ids=torch.tensor(i[:n].astype("int64"))[None]).logits[0]
                for i, n in zip(ids, lengths)]
    keep["output"] = torch.stack(rows).numpy()
else:
    pixels = numbers.randint(0, 256, (2, 3, 8, 8)).astype("uint8")
    values = (torch.tensor(pixels) / 255 - 0.5) / 0.5
    keep["pixels"] = pixels
    if kind == "vit":
        model = transformers.ViTForImageClassification(transformers.ViTConfig(
            **small, image_size=8, patch_size=4, initializer_range=0.3,
            id2label={0: "wolf", 1: "cat", 2: "owl"},
            label2id={"wolf": 0, "cat": 1, "owl": 2})).eval()
        if name == "vit-peft":
            ends = {n.rsplit(".", 1)[-1] for n, _ in model.named_modules()}
            model = with_adapter(model, modules_to_save=["classifier"], target_modules=[
                n for n in ("query", "value", "q_proj", "v_proj") if n in ends])
        save(model, image_processor("ViT"))
        with torch.no_grad():
            keep["output"] = model(values).logits.numpy()
    else:
        vision = dict(**small, image_size=8, patch_size=4, projection_dim=4)
        text = dict(**small, vocab_size=40, max_position_embeddings=8, projection_dim=4,
                    bos_token_id=38, eos_token_id=39, pad_token_id=39)
        ends = "_dict" if old else ""
        model = transformers.CLIPModel(transformers.CLIPConfig(
            **{"vision_config" + ends: vision, "text_config" + ends: text},
            projection_dim=4)).eval()
        save(model, image_processor("CLIP"))
        with torch.no_grad():
            found = model.get_image_features(pixel_values=values)
        keep["output"] = (found if torch.is_tensor(found) else found.pooler_output).numpy()

path = out / "expected.safetensors"
every = load_file(path) if path.exists() else {}
every.update({f"{what}-{name}": value for what, value in keep.items()})
save_file(dict(sorted(every.items())), path)
