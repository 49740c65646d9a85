"""Makes adapters/: LoRA adapters of the tiny models of tensorwise/ and of a tiny GPT-2,
with random weights, as PEFT saves them, and what its merge_and_unload makes of them. Run
after make_tensorwise.py with

    peft 0.17 or later, torch, transformers 5, safetensors"""

import json
import pathlib
import shutil

import peft
import torch
import transformers
from safetensors.torch import load_file, save_file

GOLDEN = pathlib.Path(__file__).parent
HERE = GOLDEN / "adapters"


def load(name, kind):
    folder = GOLDEN / "tensorwise" / name / "base"
    config = kind.config_class.from_pretrained(folder)
    model = kind(config)
    model.load_state_dict(load_file(folder / "model.safetensors"), strict=False)
    return model


def save(label, make, **settings):
    """The factors are drawn anew: B is 0 at first."""
    torch.manual_seed(len(label))
    model = make()
    tuned = peft.get_peft_model(model, peft.LoraConfig(**settings))
    for key, value in tuned.named_parameters():
        if "lora_" in key or "modules_to_save" in key:
            value.data = 0.3 * torch.randn(value.shape)
    tuned.save_pretrained(HERE / label)
    (HERE / label / "README.md").unlink()
    path = HERE / label / "adapter_config.json"
    config = {k: v for k, v in json.loads(path.read_text()).items()
              if v not in (None, {}, [])}
    config.pop("base_model_name_or_path", None)
    path.write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    return {f"{label}/{key}": value.detach().clone().float()
            for key, value in tuned.merge_and_unload().state_dict().items()
            if value.is_floating_point()}


def gpt2():
    torch.manual_seed(5)
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(
        n_embd=8, n_layer=1, n_head=2, n_inner=12, vocab_size=14, n_positions=6,
        bos_token_id=1, eos_token_id=2))


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir()
    llama = lambda: load("llama", transformers.LlamaForCausalLM)
    results = save("llama-a", llama, r=2, lora_alpha=3, bias="none",
                   target_modules=["q_proj", "up_proj", "down_proj", "embed_tokens"],
                   rank_pattern={"layers.1.mlp.up_proj": 3},
                   alpha_pattern={r"layers.\d.self_attn.q_proj": 5},
                   modules_to_save=["lm_head"])
    results |= save("llama-b", llama, r=3, lora_alpha=4, use_rslora=True,
                    target_modules=["v_proj", "up_proj"])
    resnet = lambda: load("resnet", transformers.ResNetForImageClassification)
    results |= save("resnet", resnet, r=2, lora_alpha=2,
                    target_modules=["convolution"], bias="none")
    model = gpt2()
    model.config.save_pretrained(HERE / "gpt2")
    state = {k: v.clone() for k, v in model.state_dict().items() if k != "lm_head.weight"}
    save_file(state, HERE / "gpt2" / "model.safetensors", metadata={"format": "pt"})
    results |= save("gpt2-a", gpt2, r=2, lora_alpha=2, fan_in_fan_out=True,
                    target_modules=["c_attn", "c_fc"])
    results.pop("gpt2-a/lm_head.weight")
    save("dora", llama, r=2, use_dora=True, target_modules=["q_proj"])
    save_file(results, HERE / "results.safetensors")


if __name__ == "__main__":
    main()
