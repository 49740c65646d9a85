"""Makes vocabulary/: a tiny Llama and two fine-tuned copies whose tokenizers have added
tokens of their own, under other numbers and in matrices of other sizes, and what mergekit
makes of them token by token; and a LoRA adapter of the base model's embeddings with the
model that PEFT makes of it. Run with

    mergekit 0.1.5 or later, torch, transformers 5, peft, tokenizers, safetensors

and with a directory as argument it loads the tokenizer there instead, and prints the
number of each added token."""

import pathlib
import shutil
import sys
import tempfile

import peft
import torch
import transformers
from mergekit.config import MergeConfiguration
from mergekit.merge import MergeOptions, run_merge
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers

HERE = pathlib.Path(__file__).parent / "vocabulary"
WORDS = ["a", "b", "c", "ab", "bc", "abc"]
# Rows of the embeddings, and the added tokens in the order of their numbers from 6 on.
MODELS = {"base": (10, ["<s>", "</s>"]),
          "one": (10, ["<s>", "</s>", "<tool>", "<think>"]),
          "two": (12, ["<s>", "</s>", "<think>", "<end>"])}
# In which the golden rows are.
ORDER = WORDS + ["<s>", "</s>", "<tool>", "<think>", "<end>"]
INDEXED = ["model.embed_tokens.weight", "lm_head.weight"]


def tokenizer(added):
    bpe = models.BPE(vocab={word: i for i, word in enumerate(WORDS)},
                     merges=[("a", "b"), ("b", "c"), ("ab", "c")])
    made = Tokenizer(bpe)
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=made)
    fast.add_tokens(added, special_tokens=True)
    return fast


def make_models():
    generator = torch.Generator().manual_seed(3)
    base = None
    for name, (rows, added) in MODELS.items():
        config = transformers.LlamaConfig(
            hidden_size=4, intermediate_size=6, num_hidden_layers=1, vocab_size=rows,
            num_attention_heads=1, num_key_value_heads=1, tie_word_embeddings=False,
            max_position_embeddings=16)
        config.dtype = torch.float32
        config.architectures = ["LlamaForCausalLM"]
        state = transformers.LlamaForCausalLM(config).state_dict()
        state = {k: torch.randn(v.shape, generator=generator) for k, v in state.items()}
        if base:  # what is shared is a small step away
            for key, value in state.items():
                if key not in INDEXED:
                    state[key] = base[key] + 0.1 * value
        base = base or state
        folder = HERE / name
        folder.mkdir(parents=True, exist_ok=True)
        config.save_pretrained(folder)
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
        tokenizer(added).save_pretrained(folder)


def make_adapter():
    torch.manual_seed(4)
    model = transformers.LlamaForCausalLM.from_pretrained(HERE / "base")
    model = peft.get_peft_model(model, peft.LoraConfig(
        r=2, lora_alpha=3, target_modules=["embed_tokens", "q_proj"],
        init_lora_weights=False))
    model.save_pretrained(HERE / "lora", save_embedding_layers=False)
    state = model.merge_and_unload().state_dict()
    shutil.copytree(HERE / "base", HERE / "whole", dirs_exist_ok=True)
    save_file({k: v.contiguous() for k, v in state.items()},
              HERE / "whole" / "model.safetensors", metadata={"format": "pt"})
    (HERE / "lora" / "README.md").unlink(missing_ok=True)
    config = HERE / "lora" / "adapter_config.json"
    config.write_text(config.read_text().replace(str(HERE / "base"), "base"))


def merged(method, base, parameters):
    entries = [{"model": str(HERE / name), "parameters": dict(parameters)}
               for name in ("one", "two")]
    text = {"merge_method": method, "models": entries, "dtype": "float32",
            "tokenizer_source": "union"}
    if base:
        text["base_model"] = str(HERE / base)
    out = pathlib.Path(tempfile.mkdtemp())
    run_merge(MergeConfiguration.model_validate(text), str(out), MergeOptions())
    numbers = transformers.AutoTokenizer.from_pretrained(out).get_vocab()
    state = load_file(out / "model.safetensors")
    shutil.rmtree(out)
    return {key: (value[[numbers[token] for token in ORDER]].contiguous()
                  if key in INDEXED else value) for key, value in state.items()}


def main():
    if len(sys.argv) > 1:
        numbers = transformers.AutoTokenizer.from_pretrained(sys.argv[1]).get_vocab()
        for token in ORDER[len(WORDS):]:
            print(token, numbers.get(token))
        return
    make_models()
    make_adapter()
    results = {}
    for label, method, base, parameters in (
            ("average", "linear", None, {"weight": 0.5}),
            ("task-arithmetic", "task_arithmetic", "base", {"weight": 0.4}),
            ("ties", "ties", "base", {"weight": 0.5, "density": 0.5})):
        for key, value in merged(method, base, parameters).items():
            results[f"{label}/{key}"] = value
    save_file(results, HERE / "results.safetensors")


main()
