#!/bin/sh
# Answers as bench/gpu/torch_peer.py does, without PyTorch: every run takes two seconds,
# it says. FAKE_PARAMETERS is how many parameters its model has. What is called
# drag:attn+mlp fails.
echo "{\"name\": \"PyTorch 0 on nothing\", \"parameters\": ${FAKE_PARAMETERS-0}}"
while read -r what repeat; do
    case $what in
    drag:*) echo '{"error": "no drag today"}' ;;
    *) echo "{\"seconds\": 2, \"what\": \"$what\", \"repeat\": $repeat}" ;;
    esac
done
