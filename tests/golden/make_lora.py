"""Makes lora/: LoRA adapters of the tiny ViT, CLIP and GPT-2 of model/, as PEFT saves them,
with random weights, and lora.safetensors: what its merge_and_unload makes of them, by the
names that these models' files have. Run after make_model.py with

    peft 0.17 or later, torch, transformers 5, safetensors

  KIND.NAME of vit, clip, gpt2 for each tensor of the merged model as it is saved"""

import json
import pathlib
import shutil
import tempfile

import peft
import torch
import transformers
from safetensors.torch import load_file, save_file

GOLDEN = pathlib.Path(__file__).parent
HERE = GOLDEN / "lora"

KINDS = {
    "vit": (transformers.ViTForImageClassification,
            dict(r=2, lora_alpha=3, target_modules=["query", "value", "q_proj", "v_proj"],
                 modules_to_save=["classifier"])),
    "clip": (transformers.CLIPVisionModelWithProjection,
             dict(r=3, lora_alpha=4, use_rslora=True,
                  target_modules=["q_proj", "fc1", "visual_projection"])),
    "gpt2": (transformers.GPT2ForSequenceClassification,
             dict(r=2, lora_alpha=2, fan_in_fan_out=True, task_type="SEQ_CLS",
                  target_modules=["c_attn", "c_proj"])),
}


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    results = {}
    for kind, (cls, settings) in KINDS.items():
        torch.manual_seed(len(kind))
        model = cls.from_pretrained(GOLDEN / "model" / kind)
        tuned = peft.get_peft_model(model, peft.LoraConfig(**settings))
        for key, value in tuned.named_parameters():
            if value.requires_grad:
                value.data = 0.2 * torch.randn(value.shape)
        tuned.save_pretrained(HERE / kind)
        (HERE / kind / "README.md").unlink()
        path = HERE / kind / "adapter_config.json"
        config = {k: v for k, v in json.loads(path.read_text()).items()
                  if v not in (None, {}, [])}
        config.pop("base_model_name_or_path", None)
        path.write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
        with tempfile.TemporaryDirectory() as folder:
            tuned.merge_and_unload().save_pretrained(folder)
            merged = load_file(pathlib.Path(folder) / "model.safetensors")
        results |= {f"{kind}.{name}": value for name, value in merged.items()}
    save_file(results, GOLDEN / "lora.safetensors")


if __name__ == "__main__":
    main()
