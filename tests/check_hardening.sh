#!/bin/sh
# The guards that configure asks for are in the programs: position-independent, with
# read-only relocations bound at start, stack protector and fortified calls.
set -eu
if ! command -v readelf >/dev/null; then
    echo 'SKIP: readelf is not here'
    exit 77
fi
bad=0
# need PROGRAM WHAT COMMAND...: the command's output has a line like this
need() {
    program=$1 what=$2 option=$3 pattern=$4
    if ! readelf -W "$option" "$program" | grep -qE "$pattern"; then
        echo "hardening: $program is without $what"
        bad=1
    fi
}
for program in pwemoe pwemoe-explore; do
    need $program 'position independence' -h 'Type: +DYN'
    need $program 'read-only relocations' -l 'GNU_RELRO'
    need $program 'binding at start' -d '\((FLAGS|BIND_NOW|FLAGS_1)\).*NOW'
    need $program 'stack protector' -s '__stack_chk_fail'
    need $program 'fortified calls' -s '__(snprintf|memcpy|printf|fprintf|vsnprintf)_chk'
    if readelf -W -l "$program" | grep -q 'GNU_STACK.*RWE'; then
        echo "hardening: $program has a stack that can be executed"
        bad=1
    fi
done
exit $bad
