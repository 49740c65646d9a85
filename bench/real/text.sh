#!/bin/sh
# Texts: sh text.sh SOURCE DIR, where DIR is made, or gone on with.
#
# A small GPT-2 and three tasks (prepare_text.py), their experts, and `pwemoe compare`.
# PWEMOE names the program; PYTHON, SEEDS, BUDGET and THREADS how it is done.
set -e
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$1" && pwd)
mkdir -p "$2"
cd "$2"
pwemoe=${PWEMOE:-pwemoe}
threads=${THREADS:-0}

[ -e gpt2/config.json ] || "${PYTHON:-python3}" "$here/prepare_text.py" "$source" .
[ -e experts.db ] || "$pwemoe" init experts.db experts.yaml
for task in sentiment source order; do
    grep -qx "$task" finished.txt 2>/dev/null && continue
    "$pwemoe" finetune experts.db --task $task --steps 1500 --lr 1e-3 --threads "$threads"
    echo $task >>finished.txt
done
[ -e text.db ] || "$pwemoe" init text.db text-tasks.yaml
"$pwemoe" compare text.db --seeds "${SEEDS:-3}" --budget "${BUDGET:-1200}" \
    --edge-points 3 --threads "$threads" \
    --methods distil,ls:upscale=all,wudi,wudi:heads=fitted,regmean,ties,task-arithmetic,average,pretrained
