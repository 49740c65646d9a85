"""Makes tensorwise/: tiny Llama, BERT, T5 and ResNet models, two or three fine-tuned
copies of each, and what mergekit makes of them; and a definition in PyTorch for what
mergekit draws at random or has not. Run with

    mergekit 0.1.5 or later, torch, transformers 5, safetensors

The models are random, a few thousand parameters each, in float32; fine-tuned copies are
the pretrained model plus noise."""

import pathlib
import shutil
import sys
import tempfile

import torch
import transformers
import yaml
from mergekit.config import MergeConfiguration
from mergekit.merge import MergeOptions, run_merge
from safetensors.torch import load_file, save_file

TIED = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"
        ) + ("cls.predictions.decoder.weight", "cls.predictions.decoder.bias")
HERE = pathlib.Path(__file__).parent / "tensorwise"


def models():
    torch.manual_seed(1)
    yield "llama", transformers.LlamaForCausalLM(transformers.LlamaConfig(
        hidden_size=8, intermediate_size=12, num_hidden_layers=2, vocab_size=14,
        num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=False,
        bos_token_id=1, eos_token_id=2, max_position_embeddings=16))
    yield "bert", transformers.BertForMaskedLM(transformers.BertConfig(
        hidden_size=8, intermediate_size=12, num_hidden_layers=2, vocab_size=14,
        num_attention_heads=2, max_position_embeddings=6))
    yield "t5", transformers.T5ForConditionalGeneration(transformers.T5Config(
        d_model=8, d_kv=4, d_ff=12, num_layers=1, num_heads=2, vocab_size=14,
        relative_attention_num_buckets=4))
    yield "resnet", transformers.ResNetForImageClassification(
        transformers.ResNetConfig(embedding_size=4, hidden_sizes=[6, 8],
                                  depths=[1, 1], layer_type="basic", num_labels=3))


def save(folder, model, state):
    folder.mkdir(parents=True, exist_ok=True)
    model.config.dtype = torch.float32
    model.config.architectures = ["Tiny"]  # by names alone
    model.config.save_pretrained(folder)
    save_file({k: v.contiguous() for k, v in state.items()},
              folder / "model.safetensors", metadata={"format": "pt"})


def make_models(name, model, experts):
    """The pretrained model is not what initialisation leaves, in which many are 0 or 1."""
    state = {k: v.detach().clone() for k, v in model.state_dict().items()}
    if name in ("bert", "t5"):
        for key in TIED:  # one tensor under several names is saved once
            state.pop(key, None)
    generator = torch.Generator().manual_seed(2)
    for key, value in state.items():
        if value.is_floating_point():
            noise = torch.randn(value.shape, generator=generator)
            state[key] = value * 0.5 + 0.3 * noise
            if key.endswith("running_var"):
                state[key] = state[key].abs() + 0.5
    folder = HERE / name
    save(folder / "base", model, state)
    for t in range(experts):
        tuned = {}
        for key, value in state.items():
            tuned[key] = value.clone()
            if value.is_floating_point():
                tuned[key] += 0.05 * torch.randn(value.shape, generator=generator)
        save(folder / "abc"[t], model, tuned)


def mergekit(name, method, entries, base="base", parameters=None, dtype="float32"):
    folder = HERE / name
    config = {"merge_method": method, "dtype": dtype, "parameters": parameters or {},
              "models": [{"model": str(folder / m), "parameters": p}
                         for m, p in entries.items()]}
    if base:
        config["base_model"] = str(folder / base)
    with tempfile.TemporaryDirectory() as out:
        run_merge(MergeConfiguration.model_validate(yaml.safe_load(yaml.dump(config))),
                  out, MergeOptions(copy_tokenizer=False, allow_crimes=True))
        result = {}
        for file in pathlib.Path(out).glob("*.safetensors"):
            result.update(load_file(file))
    return result


def closed_form(name, experts, preference, ridge=10.0, shrink=0.3):
    """merge/wudi.h's formula, in float64: matrices of numbered layers."""
    base = load_file(HERE / name / "base" / "model.safetensors")
    tuned = [load_file(HERE / name / m / "model.safetensors") for m in experts]
    q = [(1 - shrink) * r + shrink / len(experts) for r in preference]
    merged = {}
    for key, value in base.items():
        taus = [t[key].double() - value.double() for t in tuned]
        mean = sum(w * tau for w, tau in zip(q, taus))
        if value.dim() == 2 and any(part.isdigit() for part in key.split(".")):
            grams = [tau.T @ tau / tau.square().sum() for tau in taus]
            system = sum(w * g for w, g in zip(q, grams))
            pull = ridge * system.diagonal().mean()
            right = sum(w * tau @ g for w, tau, g in zip(q, taus, grams)) + pull * mean
            unit = torch.eye(system.shape[0], dtype=torch.float64)
            mean = torch.linalg.solve(system + pull * unit, right, left=False)
        merged[key] = value.double() + mean
    return merged


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    results = {}

    def keep(name, label, tensors):
        for key, value in tensors.items():
            if value.is_floating_point() and key not in TIED[:2] + TIED[3:] \
                    and not key.endswith("num_batches_tracked"):
                results[f"{name}/{label}/{key}"] = value.float().contiguous()

    for name, model in models():
        make_models(name, model, 3 if name in ("llama", "resnet") else 2)
    two = {"a": {"weight": 0.3}, "b": {"weight": 0.5}}
    three = {"a": {"weight": 0.3}, "b": {"weight": 0.5}, "c": {"weight": 0.7}}
    plain = {m: {} for m in "abc"}
    keep("llama", "average", mergekit("llama", "linear", {m: {"weight": 1.0} for m in "abc"},
                                      base=None))
    keep("llama", "task-arithmetic", mergekit("llama", "task_arithmetic", three))
    keep("llama", "ties", mergekit(
        "llama", "ties", {m: {"weight": 1.0, "density": 0.3} for m in "abc"},
        parameters={"normalize": False, "lambda": 0.4}))
    keep("llama", "ties-mean", mergekit(
        "llama", "ties", {m: {"density": 0.3, **p} for m, p in three.items()}))
    keep("llama", "karcher", mergekit("llama", "karcher", plain, base=None))
    keep("llama", "stock", mergekit("llama", "model_stock", plain))
    keep("llama", "wudi", closed_form("llama", "abc", [0.5, 0.3, 0.2], ridge=0.1))
    keep("bert", "slerp", mergekit("bert", "slerp", {"a": {}, "b": {}}, base="a",
                                   parameters={"t": 0.3}))
    keep("bert", "ties-mean", mergekit(
        "bert", "ties", {m: {"density": 0.5, **p} for m, p in two.items()}))
    keep("t5", "task-arithmetic", mergekit("t5", "task_arithmetic", two))
    keep("t5", "average", mergekit("t5", "linear", two, base=None))
    keep("resnet", "breadcrumbs", mergekit(
        "resnet", "breadcrumbs",
        {m: {"density": 0.6, "gamma": 0.1, **p} for m, p in three.items()}))
    keep("resnet", "breadcrumbs-ties", mergekit(
        "resnet", "breadcrumbs_ties",
        {m: {"density": 0.6, "gamma": 0.1, **p} for m, p in three.items()}))
    keep("resnet", "task-arithmetic", mergekit("resnet", "task_arithmetic", three))
    save_file(results, HERE / "results.safetensors")


if __name__ == "__main__":
    sys.exit(main())
