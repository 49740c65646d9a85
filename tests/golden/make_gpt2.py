"""Makes tests/golden/gpt2/: a small vocabulary of GPT-2's kind and what transformers'
GPT2Tokenizer makes of many strings and pairs of strings with it.

Run in this folder with Python 3.11, transformers 5.23.0, tokenizers 0.23.3:

    python make_gpt2.py

  base/vocab.json, merges.txt  256 bytes, 43 merges learnt here from the sentences
                               below, <|endoftext|>
  v5/tokenizer.json            the same as GPT2Tokenizer.save_pretrained writes it
  strings.json                 list of {"text", "ids"}
  pairs.json                   list of {"first", "second", "longest", "ids"}
All characters used are in Unicode 13, so that any library of today agrees.
"""

import json
import random
import tempfile
from pathlib import Path

from tokenizers import ByteLevelBPETokenizer
from transformers import GPT2Tokenizer

out = Path(__file__).parent / "gpt2"
base, v5 = out / "base", out / "v5"
for folder in (base, v5):
    folder.mkdir(exist_ok=True, parents=True)

sentences = """The sailors rode the breeze clear of the rocks.
The more we study verbs, the crazier they get.
He'd say it's a charming and often affecting journey; they've seen it.
unflinchingly bleak and desperate, not the worst of the year, 1999 or 2001
What came into force after the new constitution was heralded?
As of that day, the new constitution heralding the Second Republic came into force."""


def make_vocabulary():
    learner = ByteLevelBPETokenizer()
    learner.train_from_iterator(sentences.split("\n"), vocab_size=299, min_frequency=1,
                                show_progress=False)
    whole = json.loads(learner.to_str())["model"]
    vocab = whole["vocab"] | {"<|endoftext|>": 299}
    assert len(vocab) == 300
    (base / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False) + "\n")
    lines = "\n".join(m if isinstance(m, str) else " ".join(m) for m in whole["merges"])
    (base / "merges.txt").write_text("#version: 0.2\n" + lines + "\n")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("vocab.json", "merges.txt"):
            (Path(folder) / name).write_text((base / name).read_text())
        (Path(folder) / "config.json").write_text('{"model_type": "gpt2"}')
        tokenizer = GPT2Tokenizer.from_pretrained(folder)
        tokenizer.save_pretrained(folder)
        saved = json.loads((Path(folder) / "tokenizer.json").read_text())
    (v5 / "tokenizer.json").write_text(json.dumps(saved, ensure_ascii=False))
    return tokenizer


def make_strings(tokenizer):
    strings = sentences.split("\n")
    strings += ["", " ", "  ", "\t\n\u00a0\u3000", "x" * 100, "!" * 60, "\u0001a\u007f"]
    strings += ["the  the   the", " the", "the ", "the \n the\n\nthe\r\n the", "\u00a0the"]
    strings += ["it's don't I'll we've I'm he'd they're 's 'x ''s '''", "IT'S DON'T I'LL"]
    strings += ["a<|endoftext|>b", "<|endoftext|> the", "the <|endoftext|>", "<|endoftext"]
    strings += ["<|endoftext|>" * 3, "<|ENDOFTEXT|>", "1234\u00bd\u00b2\u0663 12 34", "x1y2"]
    strings += ["a\u0085b\u2028c\u180ed \u180e e", "cafe\u0301 caf\u00e9", "\u0130 \u1e9e \ufb01"]
    strings += ["\u65e5\u672c\u8a9e \ud55c\uae00", "\U0001f642\U0001f642 \u2764\ufe0f", "\u200b\ufeffa"]
    strings += ["\u05d0\u05b7\u05d1 \u0627\u0644 \u0e01\u0e33 \u0915\u094d\u0937", "_a-b_c--d $5.00"]
    strings += ["n't `` never again '' , but", "\"quoted\" \\n \\\\ {}", "a\u2003 b \u2003c"]
    random.seed(1)
    pool = [chr(c) for c in [*range(32, 127), *range(0xA0, 0x250), *range(0x370, 0x3FF)]]
    pool = [c for c in pool if c.isprintable()] + [" "] * 60 + ["a", "e", "t", "o", "'"] * 20
    pool += ["\u0301", "\u0327", "'s", "the", " of", "\n", "\u2003", "\u212b", "\t", "  "] * 4
    for _ in range(60):
        strings.append("".join(random.choice(pool) for _ in range(random.randint(1, 24))))
    cases = [{"text": s, "ids": tokenizer(s)["input_ids"]} for s in strings]
    body = ",\n".join(json.dumps(case) for case in cases)
    (out / "strings.json").write_text(f"[\n{body}\n]\n")


def make_pairs(tokenizer):
    cases = []
    for n, m in [(3, 9), (9, 3), (9, 9), (2, 2), (5, 6), (6, 5), (12, 1), (1, 12), (0, 9), (9, 0)]:
        for longest in (1, 7, 8, 30):
            first, second = " the" * n, "of" * m
            ids = tokenizer(first, second, truncation=True, max_length=longest)["input_ids"]
            cases.append({"first": first, "second": second, "longest": longest, "ids": ids})
    body = ",\n".join(json.dumps(case) for case in cases)
    (out / "pairs.json").write_text(f"[\n{body}\n]\n")


tokenizer = make_vocabulary()
make_strings(tokenizer)
make_pairs(tokenizer)
