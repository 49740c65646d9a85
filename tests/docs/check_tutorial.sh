#!/bin/sh
# Every command of docs/tutorial.md, as written there, on CLIP models that are small
# enough for it: what follows ```yaml is its recipe, what follows ```sh is run.
set -eu
source=$(cd "${srcdir:-.}" && pwd)
build=$(pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/pwemoe-tutorial-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
golden=$source/tests/golden
cp -R "$golden/zero_shot/clip" clip-vit-base-patch32
cp -R "$golden/model/clip-expert0" cars-clip
cp -R "$golden/model/clip-expert1" signs-clip
chmod -R u+w .

# picture FILE LEVEL SEED: 15x15 noisy pixels around a brightness
picture() {
    awk -v level="$2" -v seed="$3" 'BEGIN {
        srand(seed)
        print "P3 15 15 255"
        for (i = 0; i < 675; i++)
            print int(level + 60 * rand())
    }' >"$1"
}
# classes TASK NAME...: four pictures a class to train and to test
classes() {
    task=$1 level=0
    shift
    for class; do
        for split in train test; do
            mkdir -p "data/$task/$split/$class"
            for i in 1 2 3 4; do
                picture "data/$task/$split/$class/$i.ppm" $level $((level + 10 * i))
            done
        done
        level=$((level + 45))
    done
}
classes cars audi bmw fiat
classes signs stop yield go_left turn

awk -v part=yaml '/^```/ { inside = $0 == "```" part; next } inside' \
    "$source/docs/tutorial.md" >recipe.yaml
awk -v part=sh '/^```/ { inside = $0 == "```" part; next } inside' \
    "$source/docs/tutorial.md" >commands
# Screens are for people; what the page says of scripts is run instead.
sed 's/^pwemoe-explore results.db$/pwemoe-explore results.db --snapshot 100x30/' commands >script
lines=$(grep -c . script)
if [ "$lines" -lt 12 ]; then
    echo "docs/tutorial.md: only $lines commands were found"
    exit 1
fi
PATH=$build:$PATH
export PATH
while read -r line; do
    if ! sh -c "$line" >out 2>err </dev/null; then
        echo "docs/tutorial.md: this fails: $line"
        cat err
        exit 1
    fi
done <script
# What was exported is measured as before: the two evaluations of the page.
figures() {
    pwemoe eval results.db --quiet --format json "$@" | grep -oE '"value": *[0-9.]+'
}
figures --preference 0.6,0.4 >before
figures --model merged >after
test -s before
cmp before after
test -s merged/model.safetensors
test -s report/report.html
test -s front.svg
