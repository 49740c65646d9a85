#!/bin/sh
# The demo as it is shipped: its models are those it was made with, what is measured
# again agrees with what is stored, the routers' front beats the task-arithmetic
# sweep, and the explorer opens it.
set -eu
folder=$(mktemp -d "${TMPDIR:-/tmp}/pwemoe-demo-XXXXXX")
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cp -R "$srcdir/assets/demo/." "$folder"
chmod -R u+w "$folder"
db=$folder/results.db

fail() {
    echo "check_demo: $*"
    exit 1
}

# On every instruction set the same model to rounding: two answers of 600 may differ.
stored=$(./pwemoe show "$db" solutions --kind pwemoe --format csv --quiet)
for id in 100 132 165 201 234; do
    before=$(echo "$stored" | grep "^$id," | cut -d, -f9,13,17)
    after=$(./pwemoe eval "$db" --solution $id --again --limit 0 --threads 1 --format csv \
        --quiet | grep "^$id," | cut -d, -f9,13,17)
    echo "solution $id: stored $before, now $after"
    echo "$before,$after" | awk -F, '{
        for (i = 1; i <= 3; i++)
            if ($i <= 0 || $(i + 3) - $i > 0.4 || $i - $(i + 3) > 0.4)
                exit 1
    }' || fail "solution $id does not score what it did"
done

hypervolume() {
    ./pwemoe show "$db" front "$@" 2>&1 | sed -n 's/.*hypervolume \([0-9.]*\).*/\1/p'
}
routers=$(hypervolume --kind pwemoe --method ls)
sweep=$(hypervolume --kind merge --method task-arithmetic)
echo "hypervolume: routers $routers, task arithmetic $sweep"
awk "BEGIN { exit !($routers > 1.2 * $sweep) }" || fail "the routers' front is not ahead"
correction=$(hypervolume --kind pwemoe --method distil)
closed=$(hypervolume --kind merge --method wudi)
echo "hypervolume: correction $correction, closed form $closed"
awk "BEGIN { exit !($correction > 1.2 * $routers && $closed > $routers) }" ||
    fail "the correction or the closed form is not ahead of the routers"

./pwemoe export "$db" --preference 0.55,0.25,0.2 --head letters --threads 1 \
    --out "$folder/merged" --quiet
test -s "$folder/merged/model.safetensors" || fail "nothing was exported"

frame=$(./pwemoe-explore "$db" --snapshot 100x32)
for word in digits letters surfaces STL; do
    echo "$frame" | grep -q "$word" || fail "no $word on the explorer's first frame"
done

# The pictures for three tasks, which no smaller file of the tests has. In an SVG each
# preference of the front is a path of its own.
./pwemoe plot "$db" --kind ternary --out "$folder/ternary.svg" --quiet
grep -q '<svg' "$folder/ternary.svg" || fail "the ternary chart is no SVG"
paths=$(grep -c '<path' "$folder/ternary.svg")
test "$paths" -ge 66 || fail "the ternary chart has $paths paths, for 66 preferences"
./pwemoe report "$db" --out "$folder/report" --quiet
for line in 'routers epo all (run 5), all for letters' 'trained whole, ls, equal weights' \
    'Fisher merging' 'RegMean'; do
    grep -q "^| [^ ]* $line |" "$folder/report/report.md" || fail "no '$line' in the report"
done
for picture in ternary-run-4 ternary-run-5 ternary-run-6 scaling scatter-2-3; do
    test -s "$folder/report/$picture.png" || fail "no $picture.png in the report"
    grep -q "$picture.png" "$folder/report/report.md" || fail "$picture.png is not shown"
done
