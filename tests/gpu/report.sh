#!/bin/sh
# report.sh OUT [PART...]: everything worth knowing of a card, in under 9 minutes, by
# what it is worth; read report.md first. Run from the bundle by `gpu-bundle/run report
# OUT`, or from the build folder. Cut short at any moment, OUT holds what there was; the
# parts that are named are run again, the others' files stay.
#
#   OUT/summary.txt   a verdict a part, with seconds; rewritten after each
#   OUT/log.txt       all that the parts print, as it comes
#   OUT/*.json, .md   figures, as bench/results/ keeps them (at most 8 files in all: those
#                     of part 3; the others' lines are in figures.txt)
#   OUT/kernels.txt, five.db   of parts 10 and 8
#
# What may be set: REPORT_DEVICE (cuda), REPORT_SHAPE (vit-b32), REPORT_LARGE (vit-l14),
# REPORT_REAL (the real pool's folder; else real/ in the bundle or beside it),
# REPORT_SECONDS (520: no part begins or goes on after them), REPORT_STEPS (4000), REPORT_EXPERT_STEPS (1000), REPORT_SCALE (1: every limit times it).
# The tests make all of it small by these and by REPORT_TASKS, REPORT_DRAGS,
# REPORT_REAL_DEVICE, and further options: REPORT_FLAGS of bench_device, REPORT_COMPARE of
# compare_devices, REPORT_CHECK of check_device, REPORT_EVALUATION of merge and front.
set -u
[ $# -gt 0 ] || { echo "usage: report OUT [PART...]" >&2; exit 2; }
here=$(pwd)
source=${srcdir-..}
mkdir -p "$1" || exit 1
out=$(cd "$1" && pwd)
shift
device=${REPORT_DEVICE-cuda}
shape=${REPORT_SHAPE-vit-b32}
large=${REPORT_LARGE-vit-l14}
steps=${REPORT_STEPS-4000}
expert_steps=${REPORT_EXPERT_STEPS-1000}
scale=${REPORT_SCALE-1}
budget=${REPORT_SECONDS-520}
PWEMOE_MODULE_DIR=${PWEMOE_MODULE_DIR-$here/gpu}
export PWEMOE_MODULE_DIR
real=${REPORT_REAL-}
for folder in "$here/real" "$here/../real"; do
    [ -n "$real" ] || [ ! -d "$folder" ] || real=$folder
done
scratch=${TMPDIR-/tmp}
[ ! -w /dev/shm ] || scratch=/dev/shm
work=$(mktemp -d "$scratch/pwemoe-report-XXXXXX") || exit 1
python=${PYTHON-python3}
begun=$(date +%s)
log=$out/log.txt
child=
stop() {
    [ -z "$child" ] || kill "$child" 2>/dev/null
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM HUP

seconds() {
    echo $(($(date +%s) - begun))
}

# limited SECONDS COMMAND...: into the log, with its own time limit, or what is left of
# all the time.
limited() {
    limit=$(($1 * scale))
    shift
    left=$((budget * scale - $(seconds)))
    [ "$limit" -le "$left" ] || limit=$left
    echo "--- $*" >>"$log"
    [ "$limit" -gt 0 ] || return 124
    timeout -k 5 "$limit" "$@" >>"$log" 2>&1 &
    child=$!
    wait $child
    status=$?
    child=
    return $status
}

# bench SECONDS OPTIONS...: figures go to the log, and to figures.txt line by line.
bench() {
    limit=$1
    shift
    from=$(wc -l <"$log")
    # shellcheck disable=SC2086
    limited "$limit" bench/gpu/bench_device --device "$device" --out "$work" \
        --scratch "$work" --seconds 0.25 "$@" ${REPORT_FLAGS-}
    result=$?
    tail -n +$((from + 1)) "$log" | grep -E ' floor |^bench: |^ab |^operation ' >>"$out/figures.txt"
    return $result
}

# --- the parts, by what they are worth ---------------------------------------------
part_1() { # card, driver, libraries, clocks as found; conformance, no planted faults
    nvidia-smi >>"$log" 2>&1
    nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.sm,clocks.mem,clocks.max.sm,power.limit,ecc.mode.current \
        --format=csv >>"$log" 2>&1
    grep -m 1 'model name' /proc/cpuinfo >>"$log"
    ldd "$PWEMOE_MODULE_DIR/pwemoe-cuda.so" | grep -i cublas >>"$log"
    echo "commit ${PWEMOE_COMMIT-unknown}" >>"$log"
    # shellcheck disable=SC2086
    limited 60 tests/gpu/check_device --no-faults ${REPORT_CHECK-} "$device"
}

part_2() { # the demo in bf16 against the CPU
    # shellcheck disable=SC2086
    limited 60 tests/gpu/compare_devices --device "$device" --precision bf16 \
        ${REPORT_COMPARE-} "$source/assets/demo"
}

part_3() { # every figure in bf16, with the PyTorch peer
    bench 150 --precision bf16 --shapes "$shape"
    result=$?
    cp "$work"/*.json "$work"/*.md "$out/" 2>>"$log"
    rm -f "$work"/*.json "$work"/*.md
    return $result
}

part_4() { # time by operation of a drag, an LS and an EPO step: host's and device's
    bench 45 --precision bf16 --shapes "$shape" --parts operations --no-peer
}

part_5() { # the products' values against the plain kernel; eight algorithms of each
    bench 60 --precision bf16 --shapes "$shape" --parts algorithms --no-peer
}

part_6() { # what PWEMOE_CUDA_TUNE offers, in turns within one process
    bench 90 --precision bf16 --shapes "$shape" --parts variants --no-peer
}

part_7() { # the explorer in a pseudo-terminal: key to first bytes, to complete figures
    cp -R "$source/assets/demo" "$work/demo" && chmod -R u+w "$work/demo" || return 1
    limited 60 "$python" "$source/tests/gpu/explorer_keys.py" ./pwemoe-explore \
        "$work/demo/results.db" "${REPORT_DRAGS-100}" --device "$device"
}

experiment() { # COMMAND...: one of pwemoe's, timed; the experiment ends where one fails
    [ "$(($(date +%s) - part_begun))" -lt $((part_limit * scale)) ] || return 124
    began=$(date +%s%3N)
    limited "$part_limit" "$here/pwemoe" "$@" || return $?
    echo "experiment $(($(date +%s%3N) - began)) ms: pwemoe $*" | tee -a "$log" >>"$out/figures.txt"
}

part_8() { # the paper's experiment on real images
    [ -n "$real" ] || { echo "there is no real pool (REPORT_REAL)" >>"$log"; return 77; }
    part_begun=$(date +%s)
    part_limit=150
    rm -rf "$work/real"
    cp -R "$real" "$work/real" && chmod -R u+w "$work/real" &&
        cp -n "$source"/bench/real/*-tasks.yaml "$work/real/" && cd "$work/real" || return 1
    run_experiment
    result=$?
    if [ -f five.db ]; then
        cp five.db "$out/five.db"
        "$here/pwemoe" show five.db solutions >>"$log" 2>&1
    fi
    cd "$here" || exit 1
    return $result
}

# shellcheck disable=SC2086
run_experiment() {
    on=${REPORT_REAL_DEVICE-$device}
    few=${REPORT_EVALUATION-}
    experiment init experts.db experts-tasks.yaml || return 1
    for task in ${REPORT_TASKS-mnist fashion gtsrb cifar10 dtd}; do
        experiment finetune experts.db --task "$task" --steps "$expert_steps" \
            --device "$on" || return 1
    done
    experiment init five.db five-tasks.yaml || return 1
    experiment merge five.db --method pretrained,stl,average,fisher,regmean \
        --device "$on" $few || return 1
    experiment merge five.db --method task-arithmetic,ties --scales 0:1:11 \
        --device "$on" $few || return 1
    for upscale in attn+mlp mlp all; do
        experiment train five.db --method ls --upscale $upscale --steps "$steps" \
            --device "$on" || return 1
        experiment front five.db --method ls --upscale $upscale --grid 3 \
            --device "$on" $few || return 1
    done
    experiment train five.db --method epo --upscale attn+mlp --steps "$steps" \
        --device "$on" || return 1
    experiment front five.db --method epo --upscale attn+mlp --grid 3 --device "$on" $few
}

part_9() { # the large model, without the peer
    bench 75 --precision bf16 --shapes "$large" --parts large --no-peer
}

part_13() { # fp8: against the CPU on the demo, what it costs there, and a drag's time
    # shellcheck disable=SC2086
    limited 40 tests/gpu/compare_devices --device "$device" --precision fp8 \
        ${REPORT_COMPARE-} "$source/assets/demo"
    compared=$?
    # shellcheck disable=SC2086
    limited 40 "$python" "$source/tests/gpu/fp8_cost.py" ./pwemoe "$source/assets/demo" \
        "$device" "$work" ${REPORT_EVALUATION-}
    costed=$?
    [ "$costed" != 0 ] || grep '^fp8 cost of' "$log" | tail -n 1 >>"$out/figures.txt"
    bench 30 --precision fp8 --shapes "$shape" --parts drag --no-peer
    timed=$?
    for status in $compared $costed $timed; do
        [ "$status" = 0 ] || return "$status"
    done
}

part_10() { # Nsight Compute, kernel by kernel, over steps and drags
    command -v ncu >/dev/null 2>&1 || { echo "ncu is not installed" >>"$log"; return 77; }
    metrics=gpu__time_duration.sum,dram__bytes.sum,sm__inst_executed_pipe_tensor.sum,launch__registers_per_thread
    for what in drag steps; do
        # The program says where to look, by marks 0 and 1 (gpu/tuning.cu).
        limited 45 ncu --clock-control none --metrics $metrics \
            --profile-from-start off --csv --log-file "$work/$what.csv" \
            bench/gpu/bench_device --device "$device" --out "$work/ncu" --scratch "$work" \
            --precision bf16 --shapes "$shape" --parts "one-$what" --no-peer
        [ -s "$work/$what.csv" ] || return 1
        "$python" "$source/tests/gpu/kernels.py" "$work/$what.csv" >>"$out/kernels.txt" 2>>"$log"
    done
}

sanitize() { # SECONDS TOOL...: compute-sanitizer over the suite
    limit=$1
    shift
    # shellcheck disable=SC2086
    sanitizer=$(command -v compute-sanitizer || echo /usr/local/cuda/bin/compute-sanitizer)
    [ -x "$sanitizer" ] || { echo "compute-sanitizer is not installed" >>"$log"; return 77; }
    limited "$limit" "$sanitizer" "$@" --error-exitcode 3 tests/gpu/check_device --no-faults \
        ${REPORT_CHECK-} "$device"
}

part_11() { # the demo in f32; memcheck, racecheck
    # shellcheck disable=SC2086
    limited 60 tests/gpu/compare_devices --device "$device" --precision f32 \
        ${REPORT_COMPARE-} "$source/assets/demo"
    result=$?
    # The suite provokes allocations that fail, on purpose.
    sanitize 75 --tool memcheck --report-api-errors no
    checked=$?
    # Without cuBLAS's kernels, which are not ours and take the longest.
    PWEMOE_CUDA_TUNE=products=plain sanitize 75 --tool racecheck
    raced=$?
    for status in $checked $raced; do
        [ "$status" = 77 ] || [ "$status" = 0 ] || result=$status
    done
    return $result
}

part_12() { # the programs in their sandbox, which refuses system calls, and outside
    ls -l /dev/nvidia* >>"$log" 2>&1
    rm -rf "$work/sandbox"
    cp -R "$source/assets/demo" "$work/sandbox" && chmod -R u+w "$work/sandbox" || return 1
    for sandbox in off on; do
        # shellcheck disable=SC2086
        limited 20 ./pwemoe merge "$work/sandbox/results.db" --method average --again \
            --device "$device" --sandbox $sandbox ${REPORT_EVALUATION-} || {
            result=$?
            echo "in the sandbox ($sandbox) the card cannot be used" >>"$log"
            [ "$sandbox" = off ] || refused_calls
            return $result
        }
    done
}

refused_calls() { # what the driver asked for that the sandbox has refused
    command -v strace >/dev/null 2>&1 || { echo "strace is not installed" >>"$log"; return; }
    # shellcheck disable=SC2086
    timeout 30 strace -f -o "$work/strace" ./pwemoe merge "$work/sandbox/results.db" \
        --method average --again --device "$device" --sandbox on ${REPORT_EVALUATION-} \
        >>"$log" 2>&1
    grep EPERM "$work/strace" | sed 's/^[0-9]* *//' | sort | uniq -c | sort -rn |
        head -n 40 >>"$log"
}

# Each goes where it is worth it: the programs before what they are measured by.
order="1 2 12 3 4 5 6 7 13 8 9 10 11"
titles="1:card and conformance
2:demo in bf16 against the CPU
3:figures in bf16, with PyTorch
4:time by operation
5:products, eight algorithms
6:variants
7:explorer, key to figures
8:the paper's experiment
9:large model
10:kernel by kernel (ncu)
11:f32, memcheck, racecheck
12:the sandbox and the card
13:fp8"

title() {
    echo "$titles" | sed -n "s/^$1://p"
}

# All verdicts in order, and how to go on.
summary() {
    {
        echo "pwemoe ${PWEMOE_COMMIT-} on $(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -n 1), $(date -u +%FT%TZ)"
        sort -n "$work/verdicts"
        left=
        for part in $order; do
            grep -q "^$part " "$work/verdicts" || left="$left $part"
        done
        [ -z "$left" ] || echo "not run: parts$left; gpu-bundle/run report OUT$left goes on"
    } >"$work/summary" && cp "$work/summary" "$out/summary.txt"
}

: >>"$log"
grep -E '^[0-9]+ ' "$out/summary.txt" >"$work/verdicts" 2>/dev/null
: >>"$out/figures.txt"
if ! found=$(tests/gpu/compare_devices --device "$device" --find "$source/assets/demo" 2>&1); then
    echo "report: no card: $found" | tee -a "$log" >&2
    exit 1
fi
failed=0
for part in ${*:-$order}; do
    name=$(title "$part")
    [ -n "$name" ] || { echo "report: there is no part $part" >&2; exit 2; }
    was=$(seconds)
    [ "$was" -lt $((budget * scale)) ] || { failed=$((failed + 1)) && summary && break; }
    echo "=== part $part, $name (at $was s)" | tee -a "$log"
    "part_$part"
    result=$?
    case $result in
    0) verdict=passed ;;
    77) verdict=skipped ;;
    124 | 137) verdict="CUT at its time limit" ;;
    *) verdict="FAILED ($result)" ;;
    esac
    case $result in 0 | 77) ;; *) failed=$((failed + 1)) ;; esac
    grep -v "^$part " "$work/verdicts" >"$work/others"
    cp "$work/others" "$work/verdicts"
    echo "$part $verdict: $name, $(($(seconds) - was)) s" | tee -a "$work/verdicts"
    summary
done
echo
cat "$out/summary.txt"
[ "$failed" = 0 ]
