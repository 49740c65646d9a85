#!/bin/sh
# Every command, and every option that its --help lists, stands in its section of
# man/pwemoe.1, and every option that stands there is one. Where mandoc is installed
# the page must be clean.
page=$srcdir/man/pwemoe.1
failed=0
say() {
    echo "$1"
    failed=1
}

# The options that all commands share have a section of their own.
common=$(sed -n '/^\.Ss Options of several/,/^\.Sh COMMANDS/p' "$page" |
    sed -n 's/^\.It Fl -\([a-z-]*\).*/\1/p')

commands=$(./pwemoe help | sed -n 's/^  \([a-z-]*\)  .*/\1/p')
test -n "$commands" || say "pwemoe help lists no commands"
for command in $commands; do
    section=$(awk -v c="$command" '$1 == ".Ss" || $1 == ".Sh" { on = $2 == c } on' "$page")
    test -n "$section" || say "$command has no section"
    listed=$(./pwemoe help "$command" | sed -n 's/^  --\([a-z-]*\).*/\1/p')
    test -n "$listed" || say "pwemoe help $command lists no options"
    for option in $listed; do
        if echo "$common" | grep -qx -- "$option"; then
            case $option in
            help | quiet | sandbox) continue ;;
            esac
            echo "$section" | grep -q -- "^\.Fl -$option" ||
                say "$command takes --$option, its section does not say so"
        else
            echo "$section" | grep -q -- "^\.It Fl -$option\b" ||
                say "$command --$option is not in its section"
        fi
    done
    for option in $(echo "$section" | sed -n 's/^\.It Fl -\([a-z-]*\).*/\1/p'); do
        echo "$listed" | grep -qx -- "$option" ||
            say "$command has no --$option, its section has one"
    done
done

# Merging methods and their parameters, as the tables have them.
for command in merge merge-to; do
    section=$(awk -v c="$command" '$1 == ".Ss" || $1 == ".Sh" { on = $2 == c } on' "$page")
    methods=$(./pwemoe "$command" --help | sed -n '/^Methods/,$p')
    methods_seen= parameters_seen=
    for name in $(echo "$methods" | sed -n 's/^  \([a-z-][a-z-]*\)\( .*\)*$/\1/p'); do
        methods_seen=yes
        echo "$section" | grep -qE -- "^\.Cm $name( |$)" ||
            say "merging method $name is not in the section of $command"
    done
    test -n "$methods_seen" || say "pwemoe $command --help lists no methods"
    for name in $(echo "$methods" | sed -n 's/^    \([a-z-][a-z-]*\)=.*/\1/p'); do
        parameters_seen=yes
        echo "$section" | grep -qE -- "^\.Cm $name( |$)" ||
            say "parameter $name of a merging method is not in the section of $command"
    done
    test -n "$parameters_seen" || say "pwemoe $command --help lists no parameters"
done

# Indicators, as their table has them.
section=$(awk '$1 == ".Ss" || $1 == ".Sh" { on = $2 == "indicators" } on' "$page")
for name in $(./pwemoe indicators --help | sed -n '/^Indicators/,$s/^  \([a-z_0-9]*\) .*/\1/p'); do
    indicators_seen=yes
    echo "$section" | grep -qE -- "^\.Va $name( |$)" ||
        say "indicator $name is not in the section of indicators"
done
test -n "${indicators_seen-}" || say "pwemoe indicators --help lists no indicators"

# The explorer's options.
for option in $(./pwemoe-explore --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p'); do
    explorer_seen=yes
    grep -qE -- "^\.It .*Fl ${option#-}( |\$)" "$srcdir/man/pwemoe-explore.1" ||
        say "pwemoe-explore $option is not in its page"
done
test -n "${explorer_seen-}" || say "pwemoe-explore --help lists no options"

if command -v mandoc >/dev/null; then
    for manual in "$page" "$srcdir/man/pwemoe-explore.1"; do
        mandoc -Tlint -Wwarning "$manual" || say "mandoc has complaints"
    done
fi
exit $failed
