#!/bin/sh
# The experiment of bench/real/README.md, whole: sh run.sh SOURCE DIR
#
# SOURCE holds the data that prepare.py names and the model vit-tiny-96-hf; DIR is
# made. PWEMOE names the program (default: pwemoe); STEPS the router steps (400).
# What is finished is not done again, so that it can be stopped and started.
set -e
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$1" && pwd)
mkdir -p "$2"
cd "$2"
pwemoe=${PWEMOE:-pwemoe}
steps=${STEPS:-400}

say() { # say NAME COMMAND ...: runs it and notes its seconds
    name=$1
    shift
    start=$(date +%s)
    "$@" >>log.txt
    echo "$name,$(($(date +%s) - start))" >>seconds.csv
}

[ -d data ] || python3 "$here/prepare.py" "$source" data
[ -e vit-tiny-96-hf ] || ln -s "$source/vit-tiny-96-hf" vit-tiny-96-hf

[ -e five.db ] || "$pwemoe" init five.db "$here/five-tasks.yaml" --folder .
for task in mnist fashion gtsrb cifar10 dtd; do
    [ -d experts/$task ] ||
        say "expert $task" "$pwemoe" finetune five.db --task $task --steps 250 --batch 32
done
