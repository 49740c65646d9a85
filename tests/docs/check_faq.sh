#!/bin/sh
# Messages that docs/faq.md explains are messages of the program: each piece between dots
# of what stands in the first column of its table is somewhere in the source.
set -eu
cd "${srcdir:-.}"
texts=$(mktemp "${TMPDIR:-/tmp}/pwemoe-faq-XXXXXX")
trap 'rm -rf "$texts"' EXIT
# Strings that are continued on the next line are one.
cat $(find src tui -name '*.c') | tr '\n' ' ' | sed 's/" *"//g' >"$texts"
awk -F'|' '/^\| `/ { print $2 }' docs/faq.md | {
    rows=0
    bad=0
    while read -r cell; do
        rows=$((rows + 1))
        message=$(echo "$cell" | sed 's/^[^`]*`//; s/`.*//')
        pieces=$(echo "$message" | sed 's/ *\.\.\. */\
/g')
        while read -r piece; do
            [ -n "$piece" ] && [ "$piece" != '?' ] || continue
            grep -qF -- "$piece" "$texts" || {
                echo "docs/faq.md: nothing says '$piece'"
                bad=1
            }
        done <<PIECES
$pieces
PIECES
    done
    [ "$rows" -ge 5 ] || {
        echo "docs/faq.md: only $rows messages were found"
        exit 1
    }
    exit $bad
}
