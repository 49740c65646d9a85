#!/bin/sh
# A bundle, unpacked in another place, runs with its own loader and libraries: the demo is
# shown, a model is exported, signals are blocked in the threads of libraries.
set -eu
skip() {
    echo "SKIP: $*"
    exit 77
}
[ "$(uname -m)" = x86_64 ] || skip 'a bundle is for x86-64'
command -v xz >/dev/null || skip 'there is no xz'
command -v dpkg >/dev/null || skip 'licences of libraries are asked of dpkg'
case $(ldd pwemoe) in
*libasan* | *libubsan*) skip 'sanitizers are not linked statically' ;;
esac
here=$(pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/pwemoe-check-XXXXXX")
trap 'rm -rf "$folder"' EXIT
"${MAKE-make}" bundle/launch >"$folder/made" 2>&1 || {
    cat "$folder/made"
    exit 1
}
BUNDLE_XZ=0 sh "$srcdir/bundle/bundle.sh" "$srcdir" 0 "$folder/bundle.tar.xz"
mkdir "$folder/an other place"
cd "$folder/an other place"
tar -xf ../bundle.tar.xz
cd pwemoe-0-linux-x86_64
# Nothing of this machine's environment, and called through a link.
ln -s "$(pwd)/bin/pwemoe" "$folder/link"
env -i "$folder/link" --version | grep '^pwemoe '
env -i LC_ALL=C.UTF-8 bin/pwemoe-explore share/demo/results.db --snapshot 120x40 | grep 'of the STL box'
env -i bin/pwemoe export share/demo/results.db --preference 0.31,0.3,0.39 --out "$folder/merged" --quiet
test -s "$folder/merged/model.safetensors"
# All libraries are its own, but for those of a card, which are the machine's.
env -i bin/pwemoe merge share/demo/results.db --method ties --scales 0.1:1:1000 --quiet >"$folder/rows" 2>&1 &
process=$!
while kill -0 "$process" 2>/dev/null; do
    grep -q libopenblas "/proc/$process/maps" 2>/dev/null && [ "$(ls /proc/$process/task | wc -l)" -gt 1 ] && break
    sleep 0.05
done
sed -n 's/.* \(\/.*\.so[.0-9]*\)$/\1/p' "/proc/$process/maps" | sort -u >"$folder/maps"
grep -h SigBlk /proc/$process/task/*/status >"$folder/masks" || :
kill "$process"
wait "$process" || :
if grep -vE '/an other place/|/lib(cuda|cublas|nvidia)[^/]*$' "$folder/maps"; then
    echo "bundle: those libraries are not of the bundle"
    exit 1
fi
test -s "$folder/maps"
# SIGINT and SIGTERM, bits 1 and 14: blocked in every thread but the one that waits.
open=$(awk '{ n = substr($2, length($2) - 3); if (n !~ /^[4-7c-f]/ || n !~ /[2367abef]$/) open++ } END { print open + 0 }' "$folder/masks")
test "$open" -le 1 || {
    echo "bundle: $open threads have signals open"
    cat "$folder/masks"
    exit 1
}
cd "$here"
