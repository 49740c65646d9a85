"""Makes tests/golden/tokenizer_keys.json: key by key, what a tokenizer's files say and
what transformers makes of strings then.

Run in this folder, after make_added.py, with Python 3.11, transformers 5.24.0,
tokenizers 0.23:

    python make_tokenizer_keys.py

A list of {"what", "base", "files", "cut", "strings"}. base is a folder beside this file
whose files, with the keys of "files" put into them (an object's keys one by one, anything
else whole), make the tokenizer; strings is a list of {"text", "ids"}; where a text is
longer than "cut" tokens, or than the files allow, it is cut as truncation=True cuts.
"""

import json
import shutil
import tempfile
from pathlib import Path

from transformers import AutoTokenizer

here = Path(__file__).parent
texts = ["The sailors rode [SEP] the breeze", "a [PAD] b [NEW] c", " New york [X1] [X2]!",
         "  the  [LEFT]  x<|endoftext|>y"]


def token(content, **flags):
    plain = dict(lstrip=False, rstrip=False, normalized=False, single_word=False, special=True)
    return dict(plain, content=content, **flags)


def update(old, new):
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(old.get(key), dict):
            update(old[key], value)
        else:
            old[key] = value


config, table = "tokenizer_config.json", "tokenizer.json"
mapped, added = "special_tokens_map.json", "added_tokens.json"
left = {"truncation": {"direction": "Left", "max_length": 6, "strategy": "LongestFirst",
                       "stride": 0}}
cases = [("gpt2", base, what, files) for base in ("gpt2/added", "gpt2/v5", "gpt2/base")
         for what, files in [
    ("max_len", {config: {"max_len": 5}}),
    ("model_max_length before max_len", {config: {"model_max_length": 7, "max_len": 5}}),
    ("truncation_side", {config: {"truncation_side": "left"}}),
    ("pad_token", {config: {"pad_token": "[PAD]"}}),
    ("pad_token of the vocabulary", {config: {"pad_token": "!"}}),
    ("the map before the config", {config: {"pad_token": "[PAD]"},
                                   mapped: {"pad_token": "[NEW]"}}),
    ("extra_special_tokens", {config: {"extra_special_tokens": ["[X1]", "[X2]"]}}),
    ("both lists", {config: {"additional_special_tokens": ["[X1]"],
                             "extra_special_tokens": ["[X2]"]}}),
    ("lists of two files", {config: {"extra_special_tokens": ["[X2]"]},
                            mapped: {"extra_special_tokens": ["[X1]"]}}),
    ("the older list of the map", {config: {"extra_special_tokens": ["[X2]"]},
                                   mapped: {"additional_special_tokens": ["[X1]"]}}),
]]
cases += [("gpt2", base, what, files) for base in ("gpt2/added", "gpt2/v5")
          for what, files in [
    ("direction of tokenizer.json", {table: left}),
    ("truncation_side before it", {table: left, config: {"truncation_side": "right"}}),
]]
cases += [
    ("gpt2", "gpt2/added", "flags are the list's",
     {config: {"sep_token": token("[SEP]", lstrip=True, __type="AddedToken")}}),
    ("gpt2", "gpt2/base", "added_tokens_decoder",
     {config: {"added_tokens_decoder": {"300": token("[NEW]", lstrip=True)}},
      mapped: {"pad_token": "[PAD]"}, added: {"[X1]": 300}}),
    ("gpt2", "gpt2/base", "added_tokens.json", {added: {"New": 300, "[X1]": 301}}),
    ("gpt2", "gpt2/base", "named, and in added_tokens.json",
     {added: {"New": 300, "[X1]": 301},
      config: {"sep_token": token("New", lstrip=True, __type="AddedToken")}}),
    ("clip", "tokenizer", "max_len", {config: {"max_len": 9}}),
    ("clip", "tokenizer", "pad_token", {config: {"pad_token": "[PAD]"}}),
    ("clip", "tokenizer", "both lists", {config: {"additional_special_tokens": ["[X1]"],
                                                  "extra_special_tokens": ["[X2]"]}}),
    ("clip", "tokenizer", "named, and in added_tokens.json",
     {added: {"New": 674}, config: {"sep_token": "New"}}),
    ("clip", "tokenizer/added", "named, and normalised in the list",
     {config: {"sep_token": "new york"}}),
]

out = []
for family, base, what, files in cases:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in (here / base).iterdir():
            if file.name in (config, table, mapped, added, "vocab.json", "merges.txt"):
                shutil.copy(file, folder)
        for file, keys in files.items():
            path = folder / file
            value = json.loads(path.read_text()) if path.exists() else {}
            update(value, keys)
            path.write_text(json.dumps(value))
        (folder / "config.json").write_text(json.dumps({"model_type": family}))
        tokenizer = AutoTokenizer.from_pretrained(folder)
        cut = 12 if family == "gpt2" else 24
        longest = int(min(cut, tokenizer.model_max_length))
        strings = [{"text": text, "ids": tokenizer(text, truncation=True,
                                                   max_length=longest)["input_ids"]}
                   for text in texts]
    out.append(dict(what=what, family=family, base=base, files=files, cut=cut, strings=strings))
body = ",\n".join(json.dumps(case) for case in out)
(here / "tokenizer_keys.json").write_text(f"[\n{body}\n]\n")
