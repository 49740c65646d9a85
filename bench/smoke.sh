#!/bin/sh
# The programs of `make bench` that keep their figures, each with little to do: that it
# runs to its end, prints a line for every figure, and writes files that have them. How
# fast it is says nothing.
set -eu
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
bad=0
for program in backend pareto model ties first_frame keys; do
    if ! PWEMOE_BENCH_OUT="$out" "./bench/bench_$program" --small >"$out/lines" 2>"$out/errors"; then
        echo "bench_$program --small failed: $(head -n 1 "$out/errors")"
        bad=1
        continue
    fi
    json=$(ls "$out"/cpu*-"$program".json) && page=$(ls "$out"/cpu*-"$program".md)
    lines=$(grep -c ' floor ' "$out/lines") || lines=0
    figures=$(grep -c '^ *"name": ' "$json") || figures=0
    rows=$(grep -c '^| .* | [0-9][0-9]* | [0-9]* % |$' "$page") || rows=0
    # Rates and times that are numbers above 0.
    values=$(grep -c '^ *"value": [.0-9]*[1-9]' "$json") || values=0
    if test "$lines" -eq 0 || test "$lines" -ne "$figures" ||
        test "$lines" -ne "$values" || test "$lines" -ne "$rows"; then
        echo "bench_$program: $lines lines, $figures figures of which $values have values, $rows rows"
        bad=1
    fi
    grep -q '^ *"small": true' "$json" || {
        echo "bench_$program: its file does not say that it was a trial"
        bad=1
    }
done
exit $bad
