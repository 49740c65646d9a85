#!/bin/sh
# bundle.sh ARCHIVE [REAL]: the programs, and what `make gpu-check`, `make gpu-bench` and
# report.sh run, with the real pool's data from the folder REAL, as one archive for an
# x86-64 Linux machine that has a card and its driver, cuBLAS (of the CUDA toolkit,
# or of Python's PyTorch), but not the libraries that pwemoe is built with. Run from the
# build folder by `make gpu-bundle`. There:
#   tar xf ARCHIVE && gpu-bundle/run check
#   gpu-bundle/run bench --out FOLDER [options of bench_device]
#   gpu-bundle/run report OUT [PART...]
set -eu
archive=$1
real=${2-}
source=${srcdir-..}
folder=$(mktemp -d "${TMPDIR:-/tmp}/pwemoe-bundle-XXXXXX")
trap 'rm -rf "$folder"' EXIT
bundle=$folder/gpu-bundle
mkdir -p "$bundle/lib" "$bundle/gpu" "$bundle/tests/gpu" "$bundle/bench/gpu" "$bundle/bench/real" \
    "$bundle/assets"

for program in tests/gpu/check_device tests/gpu/compare_devices bench/gpu/bench_device \
    pwemoe pwemoe-explore; do
    strip -o "$bundle/$program" "$program"
    chmod 755 "$bundle/$program"
done
if [ -f gpu/pwemoe-cuda.so ]; then
    cp gpu/pwemoe-cuda.so "$bundle/gpu/"
else
    echo "bundle: gpu/pwemoe-cuda.so is not built (configure with --with-cuda=yes)" >&2
    exit 1
fi
# The C library, the compiler's and the loader are the machine's own.
ldd tests/gpu/compare_devices bench/gpu/bench_device pwemoe pwemoe-explore | awk '$3 ~ /^\// { print $3 }' |
    grep -vE '/(libc|libm|libdl|librt|libpthread|libgcc_s|libstdc\+\+)\.so' | sort -u |
    while read -r library; do
        cp -L "$library" "$bundle/lib/"
    done
cp -R "$source/assets/demo" "$bundle/assets/"
for file in gpu_check.sh report.sh report.md explorer_keys.py fp8_cost.py kernels.py; do
    cp "$source/tests/gpu/$file" "$bundle/tests/gpu/"
done
cp "$source"/bench/real/*-tasks.yaml "$bundle/bench/real/"
if [ -n "$real" ]; then
    "${PYTHON-python3}" "$source/tests/gpu/pack_real.py" "$real" "$bundle/real"
else
    echo "bundle: without the real pool (make gpu-report GPU_REAL=FOLDER)" >&2
fi
cp "$source/bench/gpu/torch_peer.py" "$bundle/bench/gpu/"
commit=$(cd "$source" && git describe --always --dirty --abbrev=40 --match=NONE 2>/dev/null || :)

cat >"$bundle/python" <<'END'
#!/bin/sh
# Python with the libraries of its own machine.
LD_LIBRARY_PATH=$HOST_LIBRARY_PATH
export LD_LIBRARY_PATH
exec "${HOST_PYTHON:-python3}" "$@"
END
cat >"$bundle/run" <<END
#!/bin/sh
# run check | bench [options] | report OUT [PART...]
out=\$(pwd)
cd "\$(dirname "\$0")" || exit 1
PWEMOE_COMMIT=\${PWEMOE_COMMIT-$commit}
END
cat >>"$bundle/run" <<'END'
HOST_LIBRARY_PATH=${LD_LIBRARY_PATH-}
HOST_PYTHON=${PYTHON-python3}
PYTHON=$(pwd)/python
LD_LIBRARY_PATH=$(pwd)/lib
PWEMOE_MODULE_DIR=$(pwd)/gpu
NVCC=${NVCC-$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)}
srcdir=.
# cuBLAS of the toolkit, or of Python's packages, in this order.
python_places=$("$HOST_PYTHON" -c 'import glob, sys
for path in sys.path:
    print(*glob.glob(path + "/nvidia/*/lib"), sep="\n")' 2>/dev/null)
for place in /usr/local/cuda/lib64 /usr/local/cuda/targets/x86_64-linux/lib $python_places; do
    if ls "$place"/libcublasLt.so.* >/dev/null 2>&1; then
        LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$place
        break
    fi
done
LD_LIBRARY_PATH=$LD_LIBRARY_PATH${HOST_LIBRARY_PATH:+:$HOST_LIBRARY_PATH}
export HOST_LIBRARY_PATH HOST_PYTHON PYTHON LD_LIBRARY_PATH PWEMOE_MODULE_DIR NVCC srcdir \
    PWEMOE_COMMIT
case ${1-} in
check) exec sh tests/gpu/gpu_check.sh ;;
report)
    shift
    case ${1-} in
    "" | /*) ;;
    *)
        given=$out/$1
        shift
        set -- "$given" "$@"
        ;;
    esac
    exec sh tests/gpu/report.sh "$@"
    ;;
bench)
    shift
    exec bench/gpu/bench_device --out "$out" "$@"
    ;;
*)
    echo "usage: run check | bench [options of bench_device] | report OUT [PART...]" >&2
    exit 2
    ;;
esac
END
chmod 755 "$bundle/run" "$bundle/python"
tar -C "$folder" -cf - gpu-bundle | xz -9e >"$archive"
ls -l "$archive"
[ "$(wc -c <"$archive")" -le $((40 << 20)) ] || {
    echo "bundle: $archive is larger than 40 MiB" >&2
    exit 1
}
