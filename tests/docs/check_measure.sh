#!/bin/sh
# examples/measure/: a size as objectives of a front over tiny Llamas; the programs of
# other packages by themselves, those whose packages PYTHON (python3) has.
set -eu
work=$(mktemp -d "${TMPDIR:-/tmp}/pwemoe-measure-XXXXXX")
trap 'rm -rf "$work"' EXIT
models=$(cd "$srcdir/tests/golden/tensorwise/llama" && pwd)
cp -R "$srcdir"/examples/measure/. "$work"
cat >"$work/recipe.yaml" <<END
pretrained: $models/base
tasks:
  large:
    expert: $models/a
    measure: ./size.sh {model}
    unit: MB
  small:
    expert: $models/b
    measure: ./size.sh {model}
    direction: min
    unit: MB
END
./pwemoe init "$work/sizes.db" "$work/recipe.yaml" --quiet
./pwemoe merge "$work/sizes.db" --method average --allow-commands --quiet --format csv \
    >"$work/rows"
bytes=$(wc -c <"$models/a/model.safetensors")
awk -F, -v bytes="$bytes" '
    NR == 1 { for (i = 1; i <= NF; i++) if ($i == "large") column = i }
    NR == 2 && ($column < 0.9e-6 * bytes || $column > 1.1e-6 * bytes) { exit 1 }' \
    "$work/rows" || {
    echo "size.sh: not the $bytes bytes of a model:"
    cat "$work/rows"
    exit 1
}

# A program of the package index, by PYTHON; without its packages it is skipped aloud.
python=${PYTHON:-python3}
# Of models so small more threads only wait for one another, for minutes on a busy machine.
export OMP_NUM_THREADS=1
skipped=
has() { # what runs: its packages
    if "$python" -c "import $2" 2>/dev/null; then
        return 0
    fi
    echo "skipped: $1, as $python has not all of $2"
    skipped=1
    return 1
}
# What it says is a figure in these bounds, with an error and so many examples.
says() { # program's words, least, most, n
    HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 HF_HOME="$work/home" "$python" $1 \
        >"$work/said" 2>"$work/complaint" || {
        echo "$1:"
        tail -5 "$work/complaint"
        exit 1
    }
    "$python" -c '
import json, sys
said = json.load(open(sys.argv[1]))
assert float(sys.argv[2]) <= said["value"] <= float(sys.argv[3]), said
assert said["error"] >= 0 and said["n"] == int(sys.argv[4]), said' "$work/said" "$2" "$3" "$4"
}

if has latency.py "torch, transformers"; then
    says "$work/latency.py $models/a 5" 1e-6 1e6 5
fi
# Random features tell ten digits apart far better than chance, at 10.
if has probe.py "torch, transformers, sklearn"; then
    says "$work/probe.py $srcdir/tests/golden/model/vit 200" 40 99.9 200
fi
if has harness.py "torch, transformers, tokenizers, datasets, lm_eval"; then
    "$python" - "$work/speaks" <<'END'
import sys

import tokenizers
import torch
import transformers

letters = "abcdefghijklmnopqrstuvwxyz"
words = tokenizers.Tokenizer(tokenizers.models.WordLevel(
    {c: i for i, c in enumerate(["<unk>", "</s>", *letters])}, unk_token="<unk>"))
words.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
transformers.PreTrainedTokenizerFast(
    tokenizer_object=words, unk_token="<unk>", eos_token="</s>",
    model_max_length=16).save_pretrained(sys.argv[1])
torch.manual_seed(0)
model = transformers.GPT2LMHeadModel(transformers.GPT2Config(
    vocab_size=28, n_positions=16, n_embd=32, n_layer=1, n_head=2,
    resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, bos_token_id=1, eos_token_id=1))
optimiser = torch.optim.Adam(model.parameters(), 1e-2)
alphabet = torch.arange(2, 28)
for _ in range(150):  # pairs of letters, the second of which follows the first
    begin = torch.randint(0, 25, (64,))
    pairs = torch.stack([alphabet[begin], alphabet[begin + 1]], 1)
    loss = model(input_ids=pairs, labels=pairs).loss
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
model.save_pretrained(sys.argv[1])
END
    # A model that has learnt the task knows all of it.
    says "$work/harness.py $work/speaks following cpu" 99 100 24
fi
[ -z "$skipped" ] || exit 77
