#!/bin/sh
# The frame in README.md is what the explorer shows of the demo.
set -eu
work=$(mktemp -d "${TMPDIR:-/tmp}/pwemoe-readme-XXXXXX")
trap 'rm -rf "$work"' EXIT
sh "$srcdir/docs/readme_frame.sh" ./pwemoe-explore "$srcdir" >"$work/README.md"
grep -q 'Objectives: accuracy' "$work/README.md"
diff "$srcdir/README.md" "$work/README.md" || {
    echo 'README.md: its frame is an old one; docs/readme_frame.sh draws it anew'
    exit 1
}
