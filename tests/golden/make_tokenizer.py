"""Makes tests/golden/tokenizer/: a small vocabulary of CLIP's kind and what
transformers' CLIPTokenizer makes of many strings with it.

Run in this folder with Python 3.11, transformers 5.23.0, tokenizers as it brings:

    python make_tokenizer.py

  vocab.json, merges.txt     256 bytes, the same with </w>, 160 merges learnt here from
                             the sentences below, start and end
  v5/tokenizer.json          the same as CLIPTokenizer.save_pretrained writes it
  expected.json              list of {"text", "ids", "count"}: 24 ids, padded; count is
                             how many there are with the first end
All characters used are in Unicode 13, so that any library of today agrees.
"""

import collections
import json
import random
import re
import shutil
from pathlib import Path

from transformers import CLIPTokenizer

out = Path(__file__).parent / "tokenizer"
out.mkdir(exist_ok=True)
context = 24

sentences = """a photo of a cat. a bad photo of the airplane, a cropped photo of a dog!
a satellite image of a forest, an aerial view of the industrial buildings
a centred picture of the number: 0 1 2 3 4 5 6 7 8 9; a street sign of stop
it's the texture of something that isn't smooth; they've seen what we'll see
the quick brown fox jumps over the lazy dog's caf\u00e9 na\u00efve stra\u00dfe ... !!! ''
automobile bird cat deer frog horse ship truck banded blotchy braided bubbly bumpy
""".lower()

inner = [*range(33, 127), *range(161, 173), *range(174, 256)]
letters = {b: chr(b) for b in inner}
others = [b for b in range(256) if b not in letters]
letters |= {b: chr(256 + i) for i, b in enumerate(others)}
order = inner + others

counts = collections.Counter()
for word in re.findall(r"'s|'t|'ve|'ll|[^\W\d_]+|\d|[^\s\w]+", sentences):
    symbols = [letters[b] for b in word.encode()]
    counts[tuple(symbols[:-1] + [symbols[-1] + "</w>"])] += 1
merges = []
while len(merges) < 160:
    pairs = collections.Counter()
    for word, n in counts.items():
        for pair in zip(word, word[1:]):
            pairs[pair] += n
    best = min(pairs, key=lambda p: (-pairs[p], p))
    merges.append(best)
    joined = collections.Counter()
    for word, n in counts.items():
        new, i = [], 0
        while i < len(word):
            if word[i : i + 2] == best:
                new.append("".join(best))
                i += 2
            else:
                new.append(word[i])
                i += 1
        joined[tuple(new)] += n
    counts = joined

tokens = [letters[b] for b in order] + [letters[b] + "</w>" for b in order]
tokens += ["".join(m) for m in merges] + ["<|startoftext|>", "<|endoftext|>"]
tokens = list(dict.fromkeys(tokens))
vocab = {token: i for i, token in enumerate(tokens)}
(out / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False) + "\n")
lines = "\n".join(" ".join(m) for m in merges)
(out / "merges.txt").write_text("#version: 0.2\n" + lines + "\n")
(out / "config.json").write_text('{"model_type": "clip"}')
tokenizer = CLIPTokenizer.from_pretrained(out)
(out / "config.json").unlink()
tokenizer.save_pretrained(out / "v5")
(out / "v5" / "tokenizer_config.json").unlink()
whole = json.loads((out / "v5" / "tokenizer.json").read_text())
(out / "v5" / "tokenizer.json").write_text(json.dumps(whole, ensure_ascii=False))

strings = [line.strip() for line in sentences.split("\n")]
strings += ["", " ", "\t\n\u00a0\u3000", "A Photo Of A CAT", "x" * 100, "!" * 60, "\u0001a\u007f"]
strings += ["IT'S DON'T I'LL WE'VE I'M HE'D THEY'RE 'S 'x ''s '''", "rock'n'roll o'clock"]
strings += ["a<|endoftext|>b", "<|startoftext|> a", "<|ENDOFTEXT|>!", "!<|StartOfText|>?"]
strings += ["<|endoftext|", "<|endoftext|>" * 30, "1234\u00bd\u00b2\u0663", "a\u0085b\u2028c\u180ed"]
strings += ["cafe\u0301 CAF\u00c9 e\u0327\u0301", "\u0130stanbul I\u0307 \u01c4 \u1e9e \u03a3\u03a3 \ufb01"]
strings += ["\u65e5\u672c\u8a9e \ud55c\uae00 \u1112\u1161\u11ab", "\U0001f642\U0001f642 \u2764\ufe0f", "\u200b\ufeffa"]
strings += ["\u05d0\u05b7\u05d1 \u0627\u0644 \u0e01\u0e33 \u0915\u094d\u0937", "_a-b_c--d e.g. $5.00"]
random.seed(1)
pool = [chr(c) for c in [*range(32, 127), *range(0xA0, 0x250), *range(0x370, 0x3FF)]]
pool = [c for c in pool if c.isprintable()] + [" "] * 60 + ["a", "e", "t", "o", "'"] * 20
pool += ["\u0301", "\u0327", "'s", "the", "photo", "cat", "\n", "\u2003", "\u212b", "\u1fb3"] * 4
for _ in range(60):
    strings.append("".join(random.choice(pool) for _ in range(random.randint(1, 24))))
cases = []
for text in strings:
    whole = tokenizer(text, truncation=True, max_length=context)["input_ids"]
    padded = tokenizer(text, truncation=True, max_length=context, padding="max_length")
    cases.append({"text": text, "count": len(whole), "ids": padded["input_ids"]})
body = ",\n".join(json.dumps(case) for case in cases)
(out / "expected.json").write_text(f"[\n{body}\n]\n")
