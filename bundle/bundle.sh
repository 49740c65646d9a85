#!/bin/sh
# bundle.sh SOURCE VERSION ARCHIVE: the programs with every library that they need, the C
# library and its loader included, as one archive that runs on any x86-64 Linux, from
# wherever it is unpacked. Run in the build folder by `make bundle`. The same build gives
# the same bytes.
set -eu
source=$1 version=$2 archive=$3
name=pwemoe-$version-linux-x86_64
folder=$(mktemp -d "${TMPDIR:-/tmp}/pwemoe-bundle-XXXXXX")
trap 'rm -rf "$folder"' EXIT
bundle=$folder/$name

fail() {
    echo "bundle: $*" >&2
    exit 1
}

[ "$(uname -m)" = x86_64 ] || fail "it is made for x86-64 Linux only"
mkdir -p "$bundle/bin" "$bundle/lib" "$bundle/share/licenses" "$bundle/share/man/man1" \
    "$bundle/share/doc"
for program in pwemoe pwemoe-explore; do
    strip -o "$bundle/lib/$program" "$program"
    strip -o "$bundle/bin/$program" bundle/launch
done
[ ! -f gpu/pwemoe-cuda.so ] || cp gpu/pwemoe-cuda.so "$bundle/lib/"

# Libraries as the loader finds them here, the loader by its own name.
ldd pwemoe pwemoe-explore |
    sed -n -e 's/.* => \(\/[^ ]*\) .*/\1/p' -e 's/^[[:space:]]*\(\/[^ ]*ld-linux[^ ]*\) .*/\1/p' |
    sort -u >"$folder/libraries"
grep -q ld-linux-x86-64.so.2 "$folder/libraries" || fail "ldd names no loader"
# Parts of the C library that are empty by now: those of another one would not fit where
# a library of the machine, such as cuBLAS, still asks for them.
system=$(dirname "$(grep '/libc\.so\.6$' "$folder/libraries")")
for part in libdl.so.2 libpthread.so.0 librt.so.1 libutil.so.1; do
    [ ! -e "$system/$part" ] || echo "$system/$part" >>"$folder/libraries"
done
while read -r library; do
    cp -L "$library" "$bundle/lib/"
    # Whose it is, and under which licence.
    real=$(readlink -f "$library")
    package=$(dpkg -S "$real" "${real#/usr}" 2>/dev/null | head -n 1 | cut -d: -f1) || package=
    [ -n "$package" ] || fail "no Debian package has $library: its licence is unknown"
    cp "/usr/share/doc/$package/copyright" "$bundle/share/licenses/$package"
done <"$folder/libraries"
chmod 755 "$bundle"/lib/*

cp "$source/LICENSE" "$source/README.md" "$source/CHANGELOG.md" "$source/SECURITY.md" "$bundle/"
cp "$source"/docs/*.md "$bundle/share/doc/"
cp "$source"/man/*.1 "$bundle/share/man/man1/"
cp -R "$source/examples" "$bundle/share/"
mkdir "$bundle/share/demo"
cp -R "$source"/assets/demo/* "$bundle/share/demo/"
for shell in bash zsh fish; do
    mkdir -p "$bundle/share/completion/$shell"
done
./pwemoe completion bash >"$bundle/share/completion/bash/pwemoe"
./pwemoe completion zsh >"$bundle/share/completion/zsh/_pwemoe"
./pwemoe completion fish >"$bundle/share/completion/fish/pwemoe.fish"
./pwemoe-explore --completion bash >"$bundle/share/completion/bash/pwemoe-explore"
./pwemoe-explore --completion zsh >"$bundle/share/completion/zsh/_pwemoe-explore"
./pwemoe-explore --completion fish >"$bundle/share/completion/fish/pwemoe-explore.fish"

chmod -R u+w,go-w,a+rX "$bundle"
tar -C "$folder" --sort=name --owner=0 --group=0 --numeric-owner \
    --mtime="@${SOURCE_DATE_EPOCH:-0}" -cf - "$name" |
    xz -T1 "-${BUNDLE_XZ:-9e}" >"$archive.new"
mv "$archive.new" "$archive"
echo "bundle: $archive, $(($(wc -c <"$archive") / 1000000)) MB; unpack it, then $name/bin/pwemoe-explore $name/share/demo/results.db" >&2
