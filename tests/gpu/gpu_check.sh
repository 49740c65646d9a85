#!/bin/sh
# The CUDA backend on the real card, run from the build folder by `make gpu-check`:
#   conformance    the backends' conformance suite in both precisions, and the faults
#                  that it must notice
#   compare-f32, compare-bf16
#                  the demo on the card against the CPU: logits, predictions, front, an
#                  exported model, 50 router steps, 20 steps of fine-tuning
#   memcheck, racecheck, initcheck, synccheck
#                  compute-sanitizer over the conformance suite
#   program        memcheck over a little of the comparison: recordings, transfers
# GPU_CHECK_PARTS names those to run (all of them), GPU_CHECK_DEVICE the device (cuda),
# GPU_CHECK_FLAGS further options of compare_devices. Ends with "N passed, N failed".
# Exit status 0: none failed, 1: one did, 77: there is nothing to run it on.
parts=${GPU_CHECK_PARTS-conformance compare-f32 compare-bf16 memcheck racecheck initcheck synccheck program}
device=${GPU_CHECK_DEVICE-cuda}
demo=${srcdir-..}/assets/demo
PWEMOE_MODULE_DIR=${PWEMOE_MODULE_DIR-$(pwd)/gpu}
export PWEMOE_MODULE_DIR
passed=0
failed=0
log=$(mktemp "${TMPDIR:-/tmp}/gpu-check-XXXXXX")
trap 'rm -f "$log"' EXIT

# verdict STATUS TITLE
verdict() {
    if [ "$1" = 0 ]; then
        echo "passed: $2"
        passed=$((passed + 1))
    else
        echo "FAILED: $2 (exit status $1)"
        failed=$((failed + 1))
    fi
}

# A program that counts by itself: its last line is "N passed, N failed".
compare() {
    echo "== the demo against the CPU, $1"
    # shellcheck disable=SC2086
    tests/gpu/compare_devices --device "$device" --precision "$1" ${GPU_CHECK_FLAGS-} \
        "$demo" >"$log" 2>&1
    status=$?
    cat "$log"
    counts=$(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log")
    if [ -z "$counts" ]; then
        verdict "$status" "compare_devices, $1, ended early"
        [ "$status" != 0 ] || failed=$((failed + 1))
        return
    fi
    passed=$((passed + ${counts% *}))
    failed=$((failed + ${counts#* }))
}

# sanitize TOOL PROGRAM [ARGUMENTS...]
sanitize() {
    tool=$1
    shift
    sanitizer=$(command -v compute-sanitizer || echo "$(dirname "$NVCC")/compute-sanitizer")
    if [ ! -x "$sanitizer" ]; then
        echo "skipped: compute-sanitizer is not installed; $tool did not run"
        return
    fi
    echo "== compute-sanitizer --tool $tool $*"
    "$sanitizer" --tool "$tool" --error-exitcode 3 "$@"
    verdict $? "compute-sanitizer --tool $tool $1"
}

# The device, by the comparison's program: nothing below works without it.
tests/gpu/compare_devices --device "$device" --find "$demo"
status=$?
[ "$status" = 0 ] || exit "$status"

for part in $parts; do
    case $part in
    conformance)
        echo "== conformance"
        tests/gpu/check_device "$device"
        verdict $? "conformance suite"
        ;;
    compare-*) compare "${part#compare-}" ;;
    memcheck | racecheck | initcheck | synccheck)
        sanitize "$part" tests/gpu/check_device --no-faults "$device"
        ;;
    program)
        sanitize memcheck tests/gpu/compare_devices --device "$device" --limit 32 \
            --preferences 1 --steps 2 --finetune-steps 2 "$demo"
        ;;
    *)
        echo "gpu_check: no part is called $part" >&2
        exit 2
        ;;
    esac
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
