"""Makes tests/golden/gpt2/added/, gpt2/legacy/ and tokenizer/added/: tokenizers with
tokens that somebody added, and what transformers makes of strings with them.

Run in this folder, after make_gpt2.py and make_tokenizer.py, with Python 3.11,
transformers 5.24.0, tokenizers 0.23:

    python make_added.py

  gpt2/added/      tokenizer.json and tokenizer_config.json as transformers 5 saves them
  gpt2/legacy/     vocab.json, merges.txt, added_tokens.json, special_tokens_map.json and
                   tokenizer_config.json as transformers 4 left them
  tokenizer/added/ CLIP's, as transformers 5 saves it
  */strings.json   list of {"text", "ids", "count"}
"""

import json
import shutil
import tempfile
from pathlib import Path

from transformers import AddedToken, CLIPTokenizer, GPT2Tokenizer

here = Path(__file__).parent

added = [
    AddedToken("[SEP]", special=True, normalized=False),
    AddedToken("[ALONE]", single_word=True, normalized=False),
    AddedToken("[LEFT]", lstrip=True, normalized=False),
    AddedToken("[RIGHT]", rstrip=True, normalized=False),
    AddedToken("[BOTH]", lstrip=True, rstrip=True, special=True, normalized=False),
    AddedToken("new york", normalized=True),
    AddedToken("Caf\u00e9", normalized=True),
    AddedToken("[SE", normalized=True),
    AddedToken("[SEP][SEP]", normalized=False),
]

strings = [
    "is it [SEP] the", "[SEP]", "[SEP][SEP]", "[SEP][SEP][SEP]", " [SEP] [SEP] ", "[SE [SEP",
    "a[ALONE]b", "a [ALONE] b", "[ALONE]", "_[ALONE]", "\u00e9[ALONE]", "[ALONE]1 [ALONE].",
    "-[ALONE]-[ALONE]", "the  [LEFT]  the", "the [LEFT][LEFT] the", "\u2003[LEFT]\u2003a",
    "the  [RIGHT]  the", "[RIGHT]\n\n[RIGHT] a", "the  [BOTH]  the", " [BOTH] [BOTH] ",
    "[SEP]  [LEFT]", "[RIGHT]  [LEFT]", "in new york they", "in New York they", "new  york",
    "newyork new york", "Caf\u00e9 caf\u00e9 Cafe\u0301", "[SE the [SE", "x<|endoftext|>y [SEP]",
    "no such token here", "", " ",
]


def write(folder, tokenizer):
    cases = [{"text": s, "ids": ids, "count": len(ids)} for s in strings
             for ids in [tokenizer(s)["input_ids"]]]
    body = ",\n".join(json.dumps(case) for case in cases)
    (folder / "strings.json").write_text(f"[\n{body}\n]\n")


def small(folder):
    """The saved file without the spaces that make it long."""
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()), ensure_ascii=False) + "\n")


def saved(kind, model_type, source, target):
    with tempfile.TemporaryDirectory() as folder:
        for name in ("vocab.json", "merges.txt"):
            shutil.copy(source / name, folder)
        (Path(folder) / "config.json").write_text(json.dumps({"model_type": model_type}))
        tokenizer = kind.from_pretrained(folder)
        tokenizer.add_tokens(added)
        tokenizer.add_special_tokens({"sep_token": "[SEP]"})
        target.mkdir(exist_ok=True)
        tokenizer.save_pretrained(target)
    small(target)
    again = kind.from_pretrained(target)
    write(target, again)


saved(GPT2Tokenizer, "gpt2", here / "gpt2/base", here / "gpt2/added")
saved(CLIPTokenizer, "clip", here / "tokenizer", here / "tokenizer/added")

legacy = here / "gpt2/legacy"
legacy.mkdir(exist_ok=True)
for name in ("vocab.json", "merges.txt"):
    shutil.copy(here / "gpt2/base" / name, legacy)
dump = lambda name, value: (legacy / name).write_text(json.dumps(value, indent=1) + "\n")
dump("added_tokens.json", {"[SEP]": 300, "[ALONE]": 301, "new york": 302})
dump("special_tokens_map.json", {"sep_token": "[SEP]", "bos_token": "<|endoftext|>",
                                 "eos_token": "<|endoftext|>", "pad_token": "!"})
dump("tokenizer_config.json", {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": False,
                               "model_max_length": 10**30})
write(legacy, GPT2Tokenizer.from_pretrained(legacy))
