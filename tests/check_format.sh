#!/bin/sh
# Every C file is laid out as .clang-format says. Other versions of clang-format than 14
# (Debian 12's) do it otherwise: without it, nothing is checked.
cd "$srcdir" || exit 99
format=
for name in clang-format-14 clang-format; do
    case $($name --version 2>/dev/null) in
    *' 14.'*) format=${format:-$name} ;;
    esac
done
if [ -z "$format" ]; then
    echo "skipped: clang-format 14 is not here"
    exit 77
fi
if [ -f MANIFEST ]; then
    files=$(grep '\.\(c\|h\|cu\|cc\)$' MANIFEST)
else
    files=$(git ls-files '*.c' '*.h' '*.cu' '*.cc' 2>/dev/null)
fi
if [ -z "$files" ]; then
    echo "skipped: neither a checkout with git nor an unpacked tarball: no list of files"
    exit 77
fi
# shellcheck disable=SC2086
other=$($format --dry-run $files 2>&1 | sed -n 's/^\([^ :]*\):[0-9]*:.*/\1/p' | sort -u)
[ -n "$other" ] || exit 0
echo "not laid out as .clang-format says; $format -i on these does it:"
echo "$other"
exit 1
