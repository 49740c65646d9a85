#!/bin/sh
# One name, one thing: no two structs, unions or enums of src/, tui/ and gpu/ are called
# alike, private ones of two files included.
set -eu
cd "${srcdir:-.}"
find src tui gpu -name '*.[ch]' -o -name '*.cu' -o -name '*.cuh' | sort | xargs awk '
    /^(struct|union|enum) [a-z_0-9]+ \{/ {
        name = $1 " " $2
        count++
        if (name in first) {
            printf "names: %s:%d: %s stands in %s, too\n", FILENAME, FNR, name, first[name]
            bad = 1
        } else {
            first[name] = FILENAME ":" FNR
        }
    }
    END {
        if (count < 400) {
            printf "names: only %d were found\n", count
            bad = 1
        }
        exit bad
    }
'
