#!/bin/sh
# The experiment of README.md, whole: sh run.sh SOURCE DIR [POOL ...]
#
# SOURCE holds the data that prepare.py names and the model vit-tiny-96-hf; DIR is
# made, or gone on with: what is finished is not done again. POOL is one of two,
# three, five (all of them where none is named). PWEMOE names the program; STEPS the
# router steps of each pool. Seconds of each step go to DIR/seconds.csv.
set -e
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$1" && pwd)
mkdir -p "$2"
cd "$2"
shift 2
pools=${*:-two three five}
pwemoe=${PWEMOE:-pwemoe}
steps=${STEPS:-400}

timed() { # timed NAME COMMAND ...
    name=$1
    shift
    start=$(date +%s)
    "$@" >>log.txt
    echo "$name,$(($(date +%s) - start))" >>seconds.csv
}

[ -d data ] || python3 "$here/prepare.py" "$source" data
[ -e vit-tiny-96-hf ] || ln -s "$source/vit-tiny-96-hf" vit-tiny-96-hf
cp "$here"/*-tasks.yaml "$here"/rays-*.csv .

[ -e experts.db ] || "$pwemoe" init experts.db experts-tasks.yaml
for task in mnist fashion gtsrb cifar10 dtd; do
    [ -d experts/$task ] ||
        timed "expert $task" "$pwemoe" finetune experts.db --task $task --steps 250
done

for pool in $pools; do
    file=$pool.db
    [ -e $file ] || "$pwemoe" init $file $pool-tasks.yaml
    timed "$pool: baselines" "$pwemoe" merge $file --method pretrained,stl,average
    timed "$pool: task arithmetic" \
        "$pwemoe" merge $file --method task-arithmetic --scales 0:1:11
    for upscale in mlp attn+mlp all; do
        grep -qx "$file $upscale" trained.txt 2>/dev/null || {
            timed "$pool: routers $upscale" \
                "$pwemoe" train $file --upscale $upscale --steps $steps
            echo "$file $upscale" >>trained.txt
        }
        timed "$pool: front $upscale" \
            "$pwemoe" front $file --upscale $upscale --rays rays-$pool.csv
    done
done
