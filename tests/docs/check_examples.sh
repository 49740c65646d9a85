#!/bin/sh
# examples/ on the demo. The Python needs matplotlib.
set -eu
work=$(mktemp -d "${TMPDIR:-/tmp}/pwemoe-examples-XXXXXX")
trap 'rm -rf "$work"' EXIT
cp "$srcdir/assets/demo/results.db" "$work/results.db"
chmod u+w "$work/results.db"

python=
for candidate in python3 /usr/bin/python3; do
    if $candidate -c 'import sqlite3, matplotlib' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo 'skipped: there is no python3 with sqlite3 and matplotlib (install python3-matplotlib)'
    exit 77
fi
said=$($python "$srcdir/examples/front.py" "$work/results.db" digits letters "$work/front.png")
# As many models as the program itself has of these kinds.
models=$(./pwemoe show "$work/results.db" solutions --format csv | awk -F, '
    NR == 1 { for (i = 1; i <= NF; i++) if ($i == "kind") kind = i; next }
    $kind == "pwemoe" || $kind == "merge" { n++ } END { print n }')
case $said in
"$models models, "*" on the front of digits and letters") ;;
*)
    echo "front.py says '$said'; there are $models models"
    exit 1
    ;;
esac
test -s "$work/front.png"
if $python "$srcdir/examples/front.py" "$work/results.db" digits nowhere "$work/x.png" \
    2>"$work/err"; then
    echo 'front.py: a task that is not there was taken'
    exit 1
fi
grep -q 'there are digits, letters, surfaces' "$work/err"
