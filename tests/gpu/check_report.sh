#!/bin/sh
# report.sh on the emulated card, all of it tiny: every part runs, ends in time, leaves
# its files and its verdict; what fails is told; parts that are named go on.
set -u
emulated=$(pwd)/tests/gpu/emulated
if [ ! -f "$emulated/pwemoe-cuda.so" ]; then
    echo "skipped: no C++ compiler, so that there is no emulated card"
    exit 77
fi
folder=$(mktemp -d "${TMPDIR:-/tmp}/pwemoe-report-XXXXXX")
trap 'rm -rf "$folder"' EXIT
out=$folder/out
source=$(cd "$srcdir" && pwd)

fail() {
    cat "$out/log.txt" "$folder/said" 2>/dev/null | tail -n 120
    echo "check_report: $*"
    exit 1
}

# The demo stands for the real pool, and the CPU for the card in its experiment.
mkdir -p "$folder/bin" "$folder/real"
cp -R "$source"/assets/demo/data "$source"/assets/demo/models "$folder/real/"
chmod -R u+w "$folder/real"
cp "$source/assets/demo/recipe.yaml" "$folder/real/five-tasks.yaml"
sed '/expert:/d' "$source/assets/demo/recipe.yaml" >"$folder/real/experts-tasks.yaml"
tasks=$(sed -n '/^tasks:/,$s/^  \([a-z0-9]*\):$/\1/p' "$source/assets/demo/recipe.yaml")
cp "$source/tests/gpu/fake_smi.sh" "$folder/bin/nvidia-smi"
cp "$source/tests/gpu/fake_ncu.sh" "$folder/bin/ncu"
printf '#!/bin/sh\necho "fake sanitizer: $*"\n' >"$folder/bin/compute-sanitizer"
chmod +x "$folder"/bin/*

report() {
    PATH=$folder/bin:$PATH PWEMOE_MODULE_DIR=$emulated PYTHON=python3 \
        FP8_COST_METHODS=average REPORT_SHAPE=tiny REPORT_LARGE=tiny REPORT_SCALE=40 REPORT_DRAGS=2 \
        REPORT_FLAGS="--tasks 2 --batch 2 --images 4 --seconds 0.001 --no-peer" \
        REPORT_COMPARE="--limit 6 --preferences 1 --steps 2 --finetune-steps 2 --batch 2" \
        REPORT_CHECK="--only recording" REPORT_REAL="$folder/real" REPORT_TASKS="$tasks" \
        REPORT_REAL_DEVICE=cpu REPORT_STEPS=2 REPORT_EXPERT_STEPS=1 \
        REPORT_EVALUATION="--limit 8" sh "$source/tests/gpu/report.sh" "$@" \
        >"$folder/said" 2>&1
}

report "$out" 1 2 4 || fail "parts 1, 2 and 4"
grep -q '^not run: parts 12 3 5 6 7 13 8 9 10 11; ' "$out/summary.txt" || fail "what is left is not told"
report "$out" 12 3 5 6 7 13 8 9 10 11 || fail "the other parts"
[ "$(grep -cE '^[0-9]+ passed: ' "$out/summary.txt")" = 13 ] || fail "not every part passed"
[ "$(find "$out" -type f | wc -l)" -le 8 ] || fail "more than 8 files"
for words in 'operation ls step *all' 'operation drag *merge' 'operation values fc2, added' \
    'operation algorithms' 'ab 2 recording=off' 'fp8 cost of 1 models' 'fp8.*drag' 'experiment [0-9]* ms: pwemoe train'; do
    grep -q "$words" "$out/figures.txt" || fail "figures.txt has no $words"
done
grep -q 'key to complete figures' "$out/log.txt" || fail "the explorer was not timed"
grep -q '1.500 *100.0 *1 *1500.5 *3000.0' "$out/kernels.txt" || fail "kernels.txt"
ls "$out"/emulated-gpu-0-*.json "$out"/five.db >/dev/null || fail "files are lacking"

# Parts that are not there, a card that is not.
report "$out" 14 && fail "a part 14"

# When all its time is over no part begins, and those that are left are told.
REPORT_SECONDS=0 report "$folder/late" && fail "a report of no time passed"
grep -q '^not run: parts 1 2 12 3 4 5 6 7 13 8 9 10 11; ' "$folder/late/summary.txt" ||
    fail "what there was no time for is not told"
PATH=$folder/bin:$PATH PWEMOE_MODULE_DIR=/nonexistent sh "$source/tests/gpu/report.sh" \
    "$folder/none" 1 7 >"$folder/said" 2>&1 && fail "a missing card is no failure"
grep -q '^report: no card: .*cuda' "$folder/said" || fail "a missing card is not told"
exit 0
