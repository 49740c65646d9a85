#!/usr/bin/env python3
"""An objective for `measure:` that is to be small: milliseconds of a forward pass of a
model of transformers on 16 tokens, the median of so many passes (20).

    measure: ./latency.py {model}
    direction: min
    unit: ms

Prints a JSON object: value, error (of the median, by the quartiles) and n."""

import json
import statistics
import sys
import time

import torch
import transformers


def main():
    model = transformers.AutoModel.from_pretrained(sys.argv[1]).eval()
    passes = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    tokens = torch.zeros(1, 16, dtype=torch.long)
    spans = []
    with torch.no_grad():
        for i in range(passes + 3):
            began = time.perf_counter()
            model(input_ids=tokens)
            spans.append(1e3 * (time.perf_counter() - began))
    low, middle, high = statistics.quantiles(spans[3:], n=4)
    print(json.dumps({"value": middle, "n": passes,
                      "error": 0.93 * (high - low) / passes ** 0.5}))


main()
