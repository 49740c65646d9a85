#!/bin/sh
# No function of src/, tui/ and gpu/ is longer than 60 lines, from the line of its name to
# its last brace: what is longer is cut into parts with names. As .clang-format lays code
# out a function begins and ends in the first column. Kernels with __launch_bounds__ are
# left alone: their tiles stay in registers from one end to the other.
#
# With -s the longest ones are printed.
set -eu
cd "${srcdir:-.}"
find src tui gpu -name '*.[ch]' -o -name '*.cu' | sort | xargs awk -v most=60 -v show="${1:-}" '
    FNR == 1 { begins = inside = 0 }
    /^[A-Za-z_].*\(/ && !inside {
        before = $0
        sub(/\(.*/, "", before)
        if (before !~ /=/) {
            begins = FNR
            name = before
            sub(/.*[ *]/, "", name)
        }
    }
    begins && !inside && /\{$/ { inside = 1 }
    begins && !inside && /;$/ { begins = 0 }
    /^}/ && inside {
        count++
        lines = FNR - begins + 1
        if (lines > most && name != "__launch_bounds__") {
            printf "functions: %s:%d: %s has %d lines; %d at most\n", FILENAME, begins, name, lines, most
            bad = 1
        }
        if (show == "-s" && lines > most - 10)
            printf "%d %s:%d %s\n", lines, FILENAME, begins, name
        begins = inside = 0
    }
    END {
        if (count < 1000) {
            printf "functions: only %d were found\n", count
            bad = 1
        }
        exit bad
    }
'
