#!/bin/sh
# The CUDA backend on the real card: the conformance suite in both precisions, then,
# where compute-sanitizer is, again under memcheck and racecheck. Run from the build
# folder by `make gpu-check`. Exit status 0: all good, 77: nothing to run it on.
program=tests/gpu/check_device
PWEMOE_MODULE_DIR=$(pwd)/gpu
export PWEMOE_MODULE_DIR

$program || exit $?
sanitizer=$(command -v compute-sanitizer || echo "$(dirname "$NVCC")/compute-sanitizer")
if [ ! -x "$sanitizer" ]; then
    echo "skipped: compute-sanitizer is not installed; memcheck and racecheck did not run"
    exit 0
fi
for tool in memcheck racecheck; do
    echo "compute-sanitizer --tool $tool"
    "$sanitizer" --tool "$tool" --error-exitcode 3 $program --no-faults || exit 1
done
