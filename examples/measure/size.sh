#!/bin/sh
# An objective for `measure:` that is to be small: megabytes of a model's tensor files.
#
#     measure: ./size.sh {model}
#     direction: min
#     unit: MB
set -eu
cat "$1"/*.safetensors | wc -c | awk '{ printf "%.6f\n", $1 / 1e6 }'
