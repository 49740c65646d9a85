#!/bin/sh
# The table "Compared" of README.md: sh compare.sh SOURCE DIR [POOL ...]
#
# SOURCE and DIR are those of run.sh, which has made the experts in DIR. The training
# images are the same, the test images all 4,260. What is in DIR/all is gone on with.
# PWEMOE names the program, SEEDS and BUDGET how many seeds and steps of each, METHODS
# other methods.
set -e
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$1" && pwd)
mkdir -p "$2/all"
cd "$2/all"
shift 2
pwemoe=${PWEMOE:-pwemoe}

[ -d data ] || python3 "$here/prepare.py" "$source" data all
[ -e vit-tiny-96-hf ] || ln -s "$source/vit-tiny-96-hf" vit-tiny-96-hf
[ -e experts ] || ln -s ../experts experts
cp "$here"/*-tasks.yaml .
for pool in ${*:-five}; do
    [ -e $pool.db ] || "$pwemoe" init $pool.db $pool-tasks.yaml
    "$pwemoe" compare $pool.db --seeds "${SEEDS:-3}" --budget "${BUDGET:-500}" \
        --edge-points 3 --methods "${METHODS:-distil,ls:upscale=all:steps=400,wudi,wudi:heads=fitted,regmean,ties,task-arithmetic,average,pretrained}"
done
