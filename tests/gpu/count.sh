#!/bin/sh
# What an LS step, an EPO step and a drag launch and move, counted without a card
# (make gpu-count, from the build folder): a line for each kernel with launches, blocks,
# MB and GFLOP. COUNT_SHAPE (vit-b32), COUNT_TUNE (settings of PWEMOE_CUDA_TUNE),
# COUNT_PARTS (one-steps one-epo one-drag). It takes some GB of memory and some minutes.
set -eu
work=$(mktemp -d "${TMPDIR:-/tmp}/pwemoe-count-XXXXXX")
trap 'rm -rf "$work"' EXIT
export PWEMOE_MODULE_DIR=tests/gpu/counted EMULATION_COUNT="$work/count"
for part in ${COUNT_PARTS-one-steps one-epo one-drag}; do
    PWEMOE_CUDA_TUNE=${COUNT_TUNE-} bench/gpu/bench_device --device cuda --no-peer \
        --precision bf16 --shapes "${COUNT_SHAPE-vit-b32}" --seconds 0.001 \
        --parts "$part" --out "$work" --scratch "$work" >"$work/log" 2>&1 || {
        cat "$work/log"
        exit 1
    }
    echo "$part: launches, blocks, bytes, operations"
    cat "$work/count"
done
