#!/bin/sh
# CODE-MAP names every tracked file, and nothing that is not there. A line's first
# word is a path: a file, several by braces (src/base/error.{h,c}), a folder
# (src/base/), or all below one (tests/fuzz/corpus/*).
set -eu
cd "${srcdir:-.}"
files=$(mktemp "${TMPDIR:-/tmp}/pwemoe-map-XXXXXX")
trap 'rm -f "$files"' EXIT
if test -f MANIFEST; then
    cp MANIFEST "$files"
elif ! git ls-files >"$files" 2>/dev/null || ! test -s "$files"; then
    echo "SKIP: neither a checkout with git nor an unpacked tarball: no list of files"
    exit 77
fi
sort "$files" | awk '
    function note(path) {
        if (path ~ /\/\*$/) {
            tree[substr(path, 1, length(path) - 1)] = 1
        } else if (path ~ /\/$/) {
            folder[path] = 1
        } else {
            if (path in named)
                wrong("is named twice: " path)
            named[path] = 1
        }
    }
    function wrong(text) {
        print "CODE-MAP: " text
        bad = 1
    }
    FNR == NR {
        if ($0 ~ /^[^ #].*[^ ]/) {
            path = $1
            if (NF < 2)
                wrong("says nothing of " path)
            open = index(path, "{")
            if (open) {
                close_ = index(path, "}")
                n = split(substr(path, open + 1, close_ - open - 1), parts, ",")
                for (i = 1; i <= n; i++)
                    note(substr(path, 1, open - 1) parts[i] substr(path, close_ + 1))
            } else {
                note(path)
            }
        }
        next
    }
    {
        found = $0 in named
        used[$0] = 1
        for (t in tree)
            if (index($0, t) == 1) {
                found = 1
                used_tree[t] = 1
            }
        n = split($0, parts, "/")
        path = ""
        for (i = 1; i < n; i++) {
            path = path parts[i] "/"
            seen[path] = 1
        }
        if (!found)
            wrong("does not name " $0)
    }
    END {
        for (p in named)
            if (!(p in used))
                wrong("names what is not there: " p)
        for (t in tree)
            if (!(t in used_tree))
                wrong("names what is not there: " t "*")
        for (f in folder)
            if (!(f in seen))
                wrong("names what is not there: " f)
        for (s in seen) {
            covered = s in folder
            for (t in tree)
                if (index(s, t) == 1)
                    covered = 1
            if (!covered)
                wrong("does not name the folder " s)
        }
        exit bad
    }' CODE-MAP -
