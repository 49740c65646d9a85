"""Shows that PEFT reads what `pwemoe extract-lora` writes, and makes the same model of it:

    python check_adapter.py PRETRAINED EXPERT ADAPTER

of a causal language model, with peft, accelerate, torch, transformers 5. Prints the share of
what fine-tuning changed that the model lacks which PEFT makes, as extract-lora says it."""

import pathlib
import sys

import peft
import transformers
from safetensors.torch import load_file


def main():
    base, expert, adapter = sys.argv[1:]
    config = transformers.AutoConfig.from_pretrained(base)
    model = transformers.AutoModelForCausalLM.from_config(config)
    before = load_file(pathlib.Path(base) / "model.safetensors")
    after = load_file(pathlib.Path(expert) / "model.safetensors")
    model.load_state_dict(before, strict=False)
    merged = peft.PeftModel.from_pretrained(model, adapter).merge_and_unload().state_dict()
    lost = sum(((merged[k].double() - v.double()) ** 2).sum() for k, v in after.items())
    change = sum(((before[k].double() - v.double()) ** 2).sum() for k, v in after.items())
    print(float((lost / change) ** 0.5))


main()
