#!/bin/sh
# What `make gpu-check` compares, without a card: the CPU with itself at other numbers
# of threads; the emulated CUDA backend with the CPU, through gpu_check.sh, in both
# precisions; and that a planted fault is found and a missing device is told.
set -u
small="--limit 24 --preferences 2 --steps 8 --finetune-steps 5 --batch 4"
demo=$srcdir/assets/demo
log=$(mktemp "${TMPDIR:-/tmp}/pwemoe-compare-log-XXXXXX")
trap 'rm -f "$log"' EXIT

fail() {
    cat "$log"
    echo "check_compare: $*"
    exit 1
}

# shellcheck disable=SC2086
tests/gpu/compare_devices --device cpu --threads 1 --against 2 $small "$demo" >"$log" 2>&1 ||
    fail "the CPU is not equal to itself"
grep -q '^[1-9][0-9]* passed, 0 failed$' "$log" || fail "no count of verdicts"

# shellcheck disable=SC2086
tests/gpu/compare_devices --device cpu --plant-fault $small "$demo" >"$log" 2>&1
[ $? = 1 ] || fail "a planted fault does not fail"
for part in "logits at preference 0" "router training" "finetuning"; do
    grep -q "^FAILED: $part" "$log" || fail "a planted fault goes unnoticed: $part"
done

PWEMOE_MODULE_DIR=/nonexistent sh "$srcdir/tests/gpu/gpu_check.sh" >"$log" 2>&1
[ $? = 77 ] || fail "the exit status is not 77 where there is no device"
grep -q '^skipped: cuda' "$log" || fail "a missing device is not told"

emulated=tests/gpu/emulated
if [ ! -f "$emulated/pwemoe-cuda.so" ]; then
    echo "skipped: no C++ compiler, so that the emulated device was not compared"
    exit 0
fi
# The emulation is slow.
tiny="--limit 10 --preferences 1 --steps 3 --finetune-steps 3 --batch 2"
PWEMOE_MODULE_DIR=$emulated GPU_CHECK_PARTS="compare-f32 compare-bf16" \
    GPU_CHECK_FLAGS=$tiny sh "$srcdir/tests/gpu/gpu_check.sh" >"$log" 2>&1 ||
    fail "the emulated device is not equal to the CPU"
cat "$log"
tail -n 1 "$log" | grep -q '^[1-9][0-9]* passed, 0 failed$' || fail "no count at the end"
