#!/bin/sh
# Eight tasks at the demo's size: sh eight.sh DIR, where DIR is made, or gone on with.
#
# The demo's three image sets, inverted and turned too (prepare_eight.py), its pretrained
# model and experts, five experts more by its settings, and `pwemoe compare`. PWEMOE names
# the program; SEEDS, BUDGET and THREADS how much is done.
set -e
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
pwemoe=${PWEMOE:-pwemoe}
threads=${THREADS:-0}

[ -e eight-tasks.yaml ] || python3 "$here/prepare_eight.py" "$here/../../assets/demo" .
[ -e experts.db ] || "$pwemoe" init experts.db experts.yaml
for task in digits-inverted letters-inverted surfaces-inverted digits-turned letters-turned; do
    grep -qx "$task" finished.txt 2>/dev/null && continue
    "$pwemoe" finetune experts.db --task $task --steps 1200 --lr 1e-3 --head-lr-factor 2 \
        --seed 2 --threads "$threads"
    echo $task >>finished.txt
done
[ -e eight.db ] || "$pwemoe" init eight.db eight-tasks.yaml
"$pwemoe" compare eight.db --seeds "${SEEDS:-3}" --budget "${BUDGET:-1200}" \
    --edge-points 3 --threads "$threads" \
    --methods distil,ls:upscale=all,wudi,wudi:heads=fitted,regmean,ties,task-arithmetic,average,pretrained
