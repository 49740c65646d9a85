#!/bin/sh
# The experiment of README.md, whole: sh run.sh SOURCE DIR [POOL ...]
#
# SOURCE holds the data that prepare.py names and the model vit-tiny-96-hf; DIR is
# made, or gone on with: what is finished is not done again. POOL is one of two,
# three, five (all of them where none is named). PWEMOE names the program, STEPS the
# router steps, TUNING the steps of an expert, WHOLE those of a model trained whole.
# Time and memory of each step go to DIR/seconds.csv.
set -e
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$1" && pwd)
mkdir -p "$2"
cd "$2"
shift 2
pools=${*:-five two three}
pwemoe=${PWEMOE:-pwemoe}
steps=${STEPS:-400}
tuning=${TUNING:-250}
whole=${WHOLE:-150}

# once NAME COMMAND ...: unless it was finished before
once() {
    grep -qx "$1" finished.txt 2>/dev/null && return
    python3 "$here/timed.py" "$@"
    echo "$1" >>finished.txt
}

routers() { # routers POOL METHOD UPSCALE
    once "$1: routers $2 $3" \
        "$pwemoe" train $1.db --method $2 --upscale $3 --steps $steps
    once "$1: front $2 $3" \
        "$pwemoe" front $1.db --method $2 --upscale $3 --rays rays-$1.csv
}

whole() { # whole POOL METHOD [PREFERENCE]: every parameter, on all tasks at once
    once "$1: trained $2 $3" "$pwemoe" finetune $1.db --method $2 \
        ${3:+--preference $3} --out "trained/$1-$2${3:+-$3}" --steps $whole --batch 16
}

mkdir -p trained
[ -d data ] || python3 "$here/prepare.py" "$source" data
[ -e vit-tiny-96-hf ] || ln -s "$source/vit-tiny-96-hf" vit-tiny-96-hf
cp "$here"/*-tasks.yaml "$here"/rays-*.csv .

[ -e experts.db ] || "$pwemoe" init experts.db experts-tasks.yaml
for task in mnist fashion gtsrb cifar10 dtd; do
    once "expert $task" "$pwemoe" finetune experts.db --task $task --steps $tuning
done

for pool in $pools; do
    [ -e $pool.db ] || "$pwemoe" init $pool.db $pool-tasks.yaml
    for method in pretrained stl average fisher regmean; do
        once "$pool: $method" "$pwemoe" merge $pool.db --method $method
    done
    for method in task-arithmetic ties; do
        once "$pool: $method" "$pwemoe" merge $pool.db --method $method --scales 0:1:11
    done
    for upscale in mlp attn+mlp all; do
        routers $pool ls $upscale
    done
    routers $pool epo attn+mlp
    routers $pool mgda attn+mlp
    for method in ls epo mgda; do
        whole $pool $method
    done
done

# The paper's Table 5 has two tasks under EPO too.
case " $pools " in
*" two "*)
    routers two epo mlp
    routers two epo all
    for preference in 0.2,0.8 0.8,0.2; do
        whole two ls $preference
        whole two epo $preference
    done
    ;;
esac
