"""Makes tests/golden/tables/: tables of texts as Python's csv and json modules write them,
and what these modules read of them.

Run in this folder with Python 3.11:

    python make_tables.py

  comma.csv, semicolon.csv, tab.csv   fields quoted where they need it, or all of them;
                                      line ends LF or CR LF; texts of several lines
  quoted.tsv                          the same between tabs, for `quoting: csv`
  lines.jsonl                         an object a line, keys in another order each
  expected.json                       of each: [text, pair or null, label] a row; line ends
                                      within texts are LF
"""

import csv
import json
import os
import random
import shutil

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "tables")
PIECES = ["a", "bc ", " ", ",", ";", "\t", '"', '""', "'", "\n", "caf\u00e9", "\\", "#", "{}", "x" * 40]
LABELS = ["yes", "no", "may be"]

shutil.rmtree(OUT, ignore_errors=True)
os.makedirs(OUT)
draw = random.Random(4)


def text():
    return "".join(draw.choice(PIECES) for _ in range(draw.randrange(1, 7)))


rows = [[text(), text(), draw.choice(LABELS)] for _ in range(40)]
expected = {}


def put(name, separator, quoting, end):
    path = os.path.join(OUT, name)
    with open(path, "w", encoding="utf-8", newline="") as f:
        writer = csv.writer(f, delimiter=separator, quoting=quoting, lineterminator=end)
        writer.writerow(["id", "Premise", "hypothesis", "label"])
        for i, (first, second, label) in enumerate(rows):
            writer.writerow([i, first.replace("\n", end), second.replace("\n", end), label])
    with open(path, encoding="utf-8", newline="") as f:
        read = list(csv.reader(f, delimiter=separator))[1:]
    expected[name] = [[a.replace("\r\n", "\n"), b.replace("\r\n", "\n"), c] for _, a, b, c in read]
    assert expected[name] == rows


put("comma.csv", ",", csv.QUOTE_MINIMAL, "\n")
put("semicolon.csv", ";", csv.QUOTE_ALL, "\r\n")
put("tab.csv", "\t", csv.QUOTE_NONNUMERIC, "\n")
put("quoted.tsv", "\t", csv.QUOTE_MINIMAL, "\n")
path = os.path.join(OUT, "lines.jsonl")
with open(path, "w", encoding="utf-8") as f:
    for i, (first, second, label) in enumerate(rows):
        items = [("premise", first), ("hypothesis", second), ("id", i), ("more", [1, {"label": 2}]),
                 ("label", LABELS.index(label))]
        draw.shuffle(items)
        f.write(json.dumps(dict(items), ensure_ascii=draw.random() < 0.5) + "\n")
with open(path, encoding="utf-8") as f:
    expected["lines.jsonl"] = [[o["premise"], o["hypothesis"], str(o["label"])]
                               for o in map(json.loads, f)]
with open(os.path.join(OUT, "expected.json"), "w", encoding="utf-8") as f:
    json.dump(expected, f, indent=0)
