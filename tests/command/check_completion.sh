#!/bin/sh
# What bash, zsh and fish complete by the scripts that `pwemoe completion` writes: each
# shell that is installed is asked itself. Every option that --help lists is offered.
failed=0 asked=0
say() {
    echo "$1"
    failed=1
}
folder=$(mktemp -d) || exit 99
trap 'rm -rf "$folder"' EXIT
here=$(pwd)
for shell in bash zsh fish; do
    ./pwemoe completion $shell >"$folder/$shell" || say "no completion of $shell"
    ./pwemoe-explore --completion $shell >"$folder/explore.$shell" ||
        say "no completion of $shell for the explorer"
done
./pwemoe completion ksh >/dev/null 2>&1 && say "completion ksh is not refused"
./pwemoe-explore --completion ksh >/dev/null 2>&1 && say "--completion ksh is not refused"
: >"$folder/models.csv"

# expect SHELL TYPED WANTED: what the shell offers, between blanks and in order.
expect() {
    got=$(echo "$4" | tr '\n' ' ' | sed 's/ *$//')
    test "$got" = "$3" || say "$1: $2 offers '$got', not '$3'"
}

# --- bash: the last word is the one at the cursor ---------------------------------------
bash_offers() {
    bash --norc -c '. "$1"; shift; cd "$1"; shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pwemoe
        printf "%s\n" "${COMPREPLY[@]}"' - "$folder/bash" "$folder" "$@"
}
if command -v bash >/dev/null; then
    asked=1
    expect bash 'mer' 'merge merge-to' "$(bash_offers pwemoe mer)"
    expect bash 'merge --sc' --scales "$(bash_offers pwemoe merge --sc)"
    expect bash '--format=' 'table csv json' "$(bash_offers pwemoe merge --format =)"
    expect bash '--format=js' json "$(bash_offers pwemoe merge --format = js)"
    expect bash '--format js' json "$(bash_offers pwemoe merge --format js)"
    expect bash '--method reg' regmean "$(bash_offers pwemoe merge --method reg)"
    expect bash '--method a,reg' average,regmean \
        "$(bash_offers pwemoe merge --method average,reg)"
    expect bash '--set keep=1,trim=d' dare \
        "$(bash_offers pwemoe merge --set keep = 1,trim = d)"
    expect bash '--scales ' '' "$(bash_offers pwemoe merge --scales '')"
    expect bash 'show f obj' objectives "$(bash_offers pwemoe show f obj)"
    expect bash 'indicators mod' models.csv "$(bash_offers pwemoe indicators mod)"
    expect bash '--reference-set m' models.csv \
        "$(bash_offers pwemoe indicators --reference-set m)"
    expect bash 'help indi' indicators "$(bash_offers pwemoe help indi)"
    expect bash 'completion ' 'bash zsh fish' "$(bash_offers pwemoe completion '')"
    commands=$(./pwemoe help | sed -n 's/^  \([a-z-]*\)  .*/\1/p')
    for name in $commands; do
        expect bash "$name --" "$(./pwemoe help "$name" |
            sed -n 's/^  \(--[a-z-]*\).*/\1/p' | tr '\n' ' ' | sed 's/ $//')" \
            "$(bash_offers pwemoe "$name" --)"
    done
    explore_offers() {
        bash --norc -c '. "$1"; shift; cd "$1"; shift
            COMP_WORDS=(pwemoe-explore "$@"); COMP_CWORD=$#; _pwemoe_explore
            printf "%s\n" "${COMPREPLY[@]}"' - "$folder/explore.bash" "$folder" "$@"
    }
    expect bash 'explore --' "$(./pwemoe-explore --help |
        sed -n 's/^  \(--[a-z-]*\).*/\1/p' | tr '\n' ' ' | sed 's/ $//')" \
        "$(explore_offers --)"
    expect bash 'explore --view=' 'scatter 3d parallel' "$(explore_offers --view =)"
    expect bash 'explore mod' models.csv "$(explore_offers mod)"
fi

# --- fish -------------------------------------------------------------------------------
fish_offers() {
    HOME=$folder fish --no-config -c "source $folder/fish; cd $folder
        complete -C\"pwemoe $1\"" | cut -f 1
}
if command -v fish >/dev/null; then
    asked=1
    expect fish 'mer' 'merge merge-to' "$(fish_offers 'mer')"
    expect fish 'merge --sc' --scales "$(fish_offers 'merge --sc')"
    expect fish '--format=js' --format=json "$(fish_offers 'merge --format=js')"
    expect fish '--format js' json "$(fish_offers 'merge --format js')"
    expect fish '--method a,reg' average,regmean \
        "$(fish_offers 'merge --method average,reg')"
    expect fish 'show f obj' objectives "$(fish_offers 'show f obj')"
    expect fish 'indicators mod' models.csv "$(fish_offers 'indicators mod')"
    expect fish 'help indi' indicators "$(fish_offers 'help indi')"
    HOME=$folder fish --no-config -c "source $folder/explore.fish
        complete -C'pwemoe-explore --vi'" | grep -q '^--view' ||
        say "fish does not offer pwemoe-explore --view"
    for name in $commands; do
        for option in $(./pwemoe help "$name" | sed -n 's/^  \(--[a-z-]*\).*/\1/p'); do
            fish_options="$fish_options
pwemoe $name $option"
        done
    done
    # One fish for all: what it does not offer.
    echo "$fish_options" | grep . >"$folder/lines"
    missing=$(HOME=$folder fish --no-config -c "source $folder/fish
        while read -l line
            complete -C\$line | cut -f 1 | grep -qx -- (string split ' ' \$line)[-1]
            or echo \$line
        end <$folder/lines")
    test -z "$missing" || say "fish does not offer: $missing"
fi

# --- zsh: what the line becomes after a tab ---------------------------------------------
if command -v zsh >/dev/null; then
    asked=1
    mkdir "$folder/functions" && cp "$folder/zsh" "$folder/functions/_pwemoe"
    cp "$folder/explore.zsh" "$folder/functions/_pwemoe-explore"
    cat >"$folder/ask.zsh" <<'ZSH'
zmodload zsh/zpty
zpty z zsh -f -i
# read_until PATTERN: what the shell has written up to it.
read_until() {
    local piece
    output=
    repeat 200; do
        zpty -r -t z piece && output+=$piece || sleep 0.05
        [[ $output == *${~1}* ]] && return 0
    done
    return 1
}
zpty -w z "PS1= PS2= RPS1=; unsetopt prompt_cr prompt_sp; fpath=($2 \$fpath); cd $1"
zpty -w z 'pwemoe() { print -r -- "<${(j: :)@}>" }; autoload -Uz compinit'
zpty -w z 'pwemoe-explore() { pwemoe "$@" }'
zpty -w z "compinit -u -d $1/dump; bindkey '^I' complete-word; print rea\dy"
read_until ready || { print "zsh does not begin: $output"; exit 1 }
code=0
while IFS='|' read -r typed wanted; do
    zpty -w -n z "$typed"$'\t'
    sleep 0.3
    zpty -w -n z $'\r'
    read_until '<*>' || { print "zsh: $typed: nothing comes: $output"; code=1; continue }
    got=${${output##*'<'}%%'>'*}
    [[ ${got%% } == $wanted ]] || { print "zsh: $typed becomes '$got', not '$wanted'"; code=1 }
done
zpty -d z
exit $code
ZSH
    zsh -f "$folder/ask.zsh" "$folder" "$folder/functions" <<'LINES' || failed=1
pwemoe mer|merge
pwemoe merge --sc|merge --scales
pwemoe merge --format=js|merge --format=json
pwemoe merge --format js|merge --format json
pwemoe merge --method average,reg|merge --method average,regmean
pwemoe show f obj|show f objectives
pwemoe indicators mod|indicators models.csv
pwemoe help indi|help indicators
pwemoe train --upscale at|train --upscale attn+mlp
pwemoe-explore --vi|--view
pwemoe-explore mod|models.csv
LINES
fi

if [ "$asked" = 0 ]; then
    echo "skipped: neither bash, zsh nor fish is here"
    exit 77
fi
exit $failed
