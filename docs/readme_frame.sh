#!/bin/sh
# readme_frame.sh EXPLORER SOURCE: SOURCE/README.md with its frame of the explorer drawn
# anew from the demo, to standard output. From the build folder:
#   sh ../docs/readme_frame.sh ./pwemoe-explore .. >README.new && mv README.new ../README.md
set -eu
explorer=$1 source=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/pwemoe-frame-XXXXXX")
trap 'rm -rf "$work"' EXIT
cp -R "$source/assets/demo" "$work/demo"
chmod -R u+w "$work/demo"
# No colours and no settings of whoever runs this.
env -i PATH="$PATH" HOME="$work" LC_ALL=C.UTF-8 \
    "$explorer" "$work/demo/results.db" --snapshot 100x45 >"$work/frame"
awk -v frame="$work/frame" '
    # The indented lines from the explorer'"'"'s title to the line of keys.
    /^ +pwemoe  results\.db / {
        while ((getline line < frame) > 0) {
            sub(/ +$/, "", line)
            print line == "" ? "" : "    " line
        }
        inside = 1
    }
    inside && /^ +\? help/ { inside = 0; next }
    !inside
' "$source/README.md"
