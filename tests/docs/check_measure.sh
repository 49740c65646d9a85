#!/bin/sh
# examples/measure/ as objectives of a front over tiny Llamas. The latency needs torch and
# transformers.
set -eu
work=$(mktemp -d "${TMPDIR:-/tmp}/pwemoe-measure-XXXXXX")
trap 'rm -rf "$work"' EXIT
models=$(cd "$srcdir/tests/golden/tensorwise/llama" && pwd)
cp "$srcdir"/examples/measure/* "$work"
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
if ! python3 -c 'import torch, transformers' 2>/dev/null; then
    echo 'skipped: latency.py, as there is no python3 with torch and transformers'
    exit 77
fi
python3 "$work/latency.py" "$models/a" 5 >"$work/said"
python3 -c '
import json, sys
said = json.load(open(sys.argv[1]))
assert said["value"] > 0 and said["n"] == 5 and said["error"] >= 0, said' "$work/said"
