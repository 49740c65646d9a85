#!/bin/sh
# What is said where a GPU cannot be used for want of a driver, of cuBLAS, of the module
# or of a card: four lines, each with what to do.
set -u
modules=$(pwd)/tests/backend/modules
log=$(mktemp "${TMPDIR:-/tmp}/pwemoe-driver-XXXXXX")
trap 'rm -f "$log"' EXIT

# says MODULE LIBRARIES WORDS...: the line of `info`, with each of the words.
says() {
    module=$1
    libraries=$2
    shift 2
    PWEMOE_MODULE_DIR=$modules/$module LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} \
        ./pwemoe info >"$log" 2>&1 || { cat "$log"; exit 1; }
    for words in "$@"; do
        grep -q "^ *cuda.*$words" "$log" && continue
        cat "$log"
        echo "check_driver: module $module: nothing says \"$words\""
        exit 1
    done
}

says cublas "$modules/installed" "cuBLAS is not found (libcublasLt.so.99)" LD_LIBRARY_PATH
says empty "$modules/installed" "driver is installed, but finds no GPU" nvidia-smi
if grep -q '^#define WITH_CUDA_MODULE' config.h; then
    says none "$modules/installed" "is pwemoe completely installed"
else
    says none "$modules/installed" "not built, though NVIDIA's driver is here" --with-cuda=yes
fi
if ldconfig -p 2>/dev/null | grep -q 'libcuda\.so\.1'; then
    echo "skipped: this machine has the driver, so that its absence is not tried"
    exit 0
fi
says cublas "" "no NVIDIA driver is here" "install the driver"
says empty "" "no NVIDIA driver is here"
