#!/bin/sh
# examples/ on the demo. The Python needs matplotlib.
set -eu
work=$(mktemp -d "${TMPDIR:-/tmp}/pwemoe-examples-XXXXXX")
trap 'rm -rf "$work"' EXIT
cp "$srcdir/assets/demo/results.db" "$work/results.db"
chmod u+w "$work/results.db"

cp -R "$srcdir/assets/demo" "$work/demo"
chmod -R u+w "$work/demo"
# A preference that is measured now, one that the file has, and the program's own figures.
for preference in '0.42 0.33 0.25' '1 0 0'; do
    ./examples/preference "$work/demo/results.db" $preference >"$work/said"
    ./pwemoe eval "$work/demo/results.db" --quiet --format csv \
        --preference "$(echo "$preference" | tr ' ' ,)" >"$work/row"
    id=$(awk -F, 'NR == 2 { print $1 }' "$work/row")
    grep -q "^solution $id by distil correction, 1200 steps\$" "$work/said"
    for task in digits letters surfaces; do
        value=$(awk -F, -v name=$task '
            NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) column = i }
            NR == 2 { printf "%.2f", $column }' "$work/row")
        grep -qE "^$task +$value % +\(.* 600 examples\)" "$work/said" || {
            echo "preference $preference: $task is $value"
            cat "$work/said"
            exit 1
        }
    done
    front=$(./pwemoe show "$work/demo/results.db" front --quiet --format csv | tail -n +2 | wc -l)
    grep -q "^$front models on the front" "$work/said"
done
if ./examples/preference "$work/demo/results.db" 0.5 0.6 0.1 2>"$work/err"; then
    echo 'preference: a sum of 1.2 was taken'
    exit 1
fi
grep -q 'add up to 1.2, not 1' "$work/err"
if ./examples/preference "$work/nowhere.db" 1 2>"$work/err"; then
    echo 'preference: a file that is not there was opened'
    exit 1
fi
grep -q 'nowhere.db' "$work/err"

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
