#!/bin/sh
# Every function of src/ and tui/ that other files can call is called by one: none is
# there for its own file alone, or for nobody. Those below are for tests and benches;
# src/library is for other programs.
#
# Looks at the objects of this build; skipped where nm or they are missing.
set -eu
hooks='
fisher_add fisher_norm main
csv_parse image_decode json_text_parse points_parse recipe_parse tsv_parse
distillation_gradient distillation_heads_slopes distillation_routers distillation_routers_slopes
distillation_set_heads distillation_set_vector finetuning_gradient
router_training_gradients router_training_routers router_training_set_routers router_training_way
adamerging_coefficients adamerging_count adamerging_free adamerging_gradient
finetuning_free head_fit_solve router_training_free
evaluator_backend forward_default
gpt2_tokenizer_truncate kernels_baseline output_width progress_line
random_below random_gamma samples_divide statistics_student
combine_name
store_set_timeout
'
command -v nm >/dev/null || { echo "callers: no nm"; exit 77; }
status=0
objects=
for object in $(find src tui -name '*.o' 2>/dev/null | sort); do
    # Those of sources that are gone are left out.
    [ ! -e "${srcdir:-.}/${object%.o}.c" ] || objects="$objects $object"
done
[ -n "$objects" ] || { echo "callers: nothing is built here"; exit 77; }
# shellcheck disable=SC2086
nm -A -P -g $objects | awk -v hooks="$hooks" '
    BEGIN {
        split(hooks, list)
        for (i in list)
            hook[list[i]] = 1
    }
    { file = $1; sub(/:$/, "", file) }
    $2 ~ /^[._]/ { next } # of the compiler
    $3 == "U" { called[$2] = 1; next }
    $3 ~ /^[TDBRVWC]$/ && file !~ /library/ { where[$2] = file }
    END {
        for (name in where) {
            if (!called[name] && !hook[name]) {
                print "callers: " where[name] ": " name " is called by no other file"
                bad = 1
            }
            if (called[name] && hook[name])
                print "callers: " name " has a caller; take it out of the list"
        }
        for (name in hook)
            if (!(name in where)) {
                print "callers: there is no " name "; take it out of the list"
                bad = 1
            }
        exit bad
    }' || status=$?
exit $status
