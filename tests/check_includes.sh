#!/bin/sh
# Arrows point one way (CONTRIBUTING): which rooms a file may include headers of. A new
# arrow is a line here, and a circle among the rooms is refused.
set -eu
cd "${srcdir:-.}"
arrows='
src/base
src/checkpoint  base
src/data        base
src/backend     base
src/pareto      base
src/store       base
src/model       base checkpoint data backend
src/moe         base checkpoint backend model
src/merge       base data backend model moe
src/train       base checkpoint data backend model moe merge
src/eval        base checkpoint data backend model moe merge store
src/results     base pareto store merge moe eval
src/plot        base checkpoint results
src/command     base checkpoint data backend pareto store model moe merge train eval results plot
tui/terminal    base results
tui/state       base pareto store eval results terminal
tui/threads     base store eval results plot
tui/panels      base pareto results terminal state
tui/app         base pareto results plot terminal state threads panels
'
echo "$arrows" | while read -r folder allowed; do
    test -n "$folder" || continue
    own=${folder#*/}
    find "$folder" -name '*.[ch]' -exec grep -H '^#include "[a-z]*/' {} + |
        sed 's|^\([^:]*\):#include "\([a-z]*\)/.*|\1 \2|' | sort -u |
        while read -r file room; do
            case " $own $allowed " in
            *" $room "*) ;;
            *) echo "$file includes a header of $room" ;;
            esac
        done
done >"${TMPDIR:-/tmp}/pwemoe-includes.$$"
wrong=0
if test -s "${TMPDIR:-/tmp}/pwemoe-includes.$$"; then
    cat "${TMPDIR:-/tmp}/pwemoe-includes.$$"
    wrong=1
fi
rm -f "${TMPDIR:-/tmp}/pwemoe-includes.$$"
# Every folder has its line.
for folder in src/*/ tui/*/; do
    echo "$arrows" | grep -q "^${folder%/}\( \|\$\)" || {
        echo "no line for ${folder%/}"
        wrong=1
    }
done
# tsort names the rooms of a circle.
circle=$(echo "$arrows" | awk '{ sub(".*/", "", $1)
    for (i = 2; i <= NF; i++) print $i, $1 }' | tsort 2>&1 >/dev/null) || true
test -z "$circle" || {
    echo "$circle"
    wrong=1
}
exit $wrong
