#!/bin/sh
# Kinds, methods, states, granularities, units and splits are compared as text in the
# store alone, and turned from text into an enum once, in the places below. Elsewhere
# the enum is asked, or a function of store.h.
set -eu
cd "${srcdir:-.}"
words='pwemoe|merge|single|train|test|import|none|partial|stale|complete|imported'
words="$words|pretrained|stl|wudi|average|ties|ls|epo|mgda|stch|distil|adamerging"
words="$words|correction|mlp|attn\+mlp|all|whole|tensor|clip|vit|clip-vision"
words="$words|gpt2-classifier|accuracy|%|max|min|zero-shot"
members='method|kind|state|upscale|unit|split|model|role|metric|direction|head'
found=$(grep -rnE 'str(n?case|n)?cmp\(' src tui --include='*.[ch]' |
    grep -v '^src/store/' |
    grep -E "cmp\([^\"]*(->|\.|\(|, ?)($members)[],)]|cmp\([^)]*\"($words)\"" |
    grep -vE '^(src/model/config.c|src/command/io/recipe.c):[0-9]+:' | # read files
    grep -vE '^(src/train/trained_state.c|tui/app/replay.c|tui/app/settings.c):' | # their own
    grep -vE '^src/eval/source_path.c:[0-9]+: +return strcmp\(task->head, "zero-shot"\)' |
    grep -vE '^src/command/init.c:[0-9]+: .*task->head \? strcmp\(task->head' || :)
[ -z "$found" ] && exit 0
echo "compared as text; ask the enum, or a function of store/store.h:"
echo "$found"
exit 1
