"""Makes tests/golden/layouts/keys.json: key by key, what config.json says and what
transformers answers then.

Run in this folder, after make_layouts.py, with Python 3.11, transformers 5.24.0, torch
2.15.0, safetensors 0.8.0:

    python make_config_keys.py

A list of {"layout", "keys", "output"}: with the keys put into config.json of
layouts/LAYOUT (an object's keys one by one, null in place of a whole object), the model
answers its examples of expected.safetensors with output, logits [2, 3] or, of CLIP, image
embeddings [2, 4].
"""

import json
import shutil
import tempfile
from pathlib import Path

import torch
import transformers
from safetensors.numpy import load_file

layouts = Path(__file__).parent / "layouts"
inputs = load_file(layouts / "expected.safetensors")
vision = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
          "intermediate_size": 16, "image_size": 8, "patch_size": 4}
cases = [
    ("gpt2-5", {"n_head": 4}),
    ("gpt2-5", {"num_attention_heads": 4}),  # before n_head, which stays 2
    ("gpt2-5", {"hidden_size": 8, "num_hidden_layers": 2, "max_position_embeddings": 8,
                "n_layer": 7, "n_embd": 9, "n_positions": 10}),
    ("gpt2-5", {"eos_token_id": [3, 4]}),  # pad_token_id is there
    ("gpt2-5", {"activation_function": "relu"}),
    ("gpt2-5", {"layer_norm_epsilon": 0.1}),
    ("gpt2-5", {"is_causal": True, "per_layer_config": {}}),
    ("vit-5", {"image_size": [8, 8], "patch_size": [4, 4]}),
    ("vit-5", {"num_attention_heads": 4}),
    ("vit-5", {"hidden_act": "relu"}),
    ("vit-5", {"layer_norm_eps": 0.1}),
    ("vit-5", {"is_causal": False}),
    ("clip-5", {"vision_config_dict": vision}),
    ("clip-5", {"vision_config": None, "vision_config_dict": dict(vision, hidden_act="gelu")}),
    ("clip-5", {"vision_config": {"hidden_act": "gelu"}}),
    ("clip-5", {"hidden_act": "gelu", "num_attention_heads": 4}),  # the towers' keys count
]


def update(old, new):
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(old.get(key), dict):
            update(old[key], value)
        else:
            old[key] = value


def answer(layout, folder):
    with torch.no_grad():
        if layout.startswith("gpt2"):
            model = transformers.GPT2ForSequenceClassification.from_pretrained(folder).eval()
            ids, lengths = inputs[f"ids-{layout}"], inputs[f"lengths-{layout}"]
            return torch.stack([model(input_ids=torch.tensor(i[:n].astype("int64"))[None])
                                .logits[0] for i, n in zip(ids, lengths)])
        pixels = (torch.tensor(inputs[f"pixels-{layout}"]) / 255 - 0.5) / 0.5
        if layout.startswith("vit"):
            return transformers.ViTForImageClassification.from_pretrained(folder).eval()(
                pixels).logits
        return transformers.CLIPModel.from_pretrained(folder).eval().get_image_features(
            pixel_values=pixels).pooler_output


out = []
for layout, keys in cases:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / layout
        shutil.copytree(layouts / layout, folder)
        config = json.loads((folder / "config.json").read_text())
        update(config, keys)
        (folder / "config.json").write_text(json.dumps(config))
        values = [[float(f"{v:.9g}") for v in row] for row in answer(layout, folder).tolist()]
    out.append({"layout": layout, "keys": keys, "output": values})
body = ",\n".join(json.dumps(case) for case in out)
(layouts / "keys.json").write_text(f"[\n{body}\n]\n")
