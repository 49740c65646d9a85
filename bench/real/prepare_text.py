"""Three tasks of texts and a small GPT-2: python3 prepare_text.py SOURCE OUT

SOURCE is a folder with sst2/, cola/, mrpc/, qnli/ and bpe-gpt2/. Writes OUT/data/TASK/
train.tsv and test.tsv: sentiment (SST-2 as it is, 6,920 and 1,821 sentences), source
(which of the four collections a sentence is from, all in small letters and without
marks) and order (whether a sentence of CoLA, MRPC or QNLI has its words in their order,
or shuffled), 6,000 and 1,500 each; test sentences are never among the training ones.
OUT/gpt2 is a GPT-2 of two blocks of width 64, trained for STEPS (200) steps of 32
sequences of 32 tokens to go on with the training sentences of all tasks. Needs PyTorch
and transformers; the numbers depend on their version."""

import json
import os
import random
import re
import shutil
import sys

STEPS = int(os.environ.get("STEPS", "200"))


def rows(path, skip=0):
    with open(path, encoding="utf-8-sig") as f:
        return [line.rstrip("\n").split("\t") for line in f][skip:]


def sentences(source):
    cola = [r[3] for r in rows(f"{source}/cola/in_domain_train.tsv") if r[1] == "1"]
    mrpc = [r[3] for r in rows(f"{source}/mrpc/msr_paraphrase_train.txt", 1) if len(r) == 5]
    qnli = [r[2] for r in rows(f"{source}/qnli/dev.tsv", 1) if len(r) == 4]
    sst2 = [r[0] for r in rows(f"{source}/sst2/train.tsv")]
    out = {}
    for name, list_ in (("cola", cola), ("mrpc", mrpc), ("qnli", qnli), ("sst2", sst2)):
        plain = [" ".join(re.findall(r"[a-z0-9]+", text.lower())) for text in list_]
        out[name] = [text for text in dict.fromkeys(plain) if 5 <= len(text.split()) <= 30]
    return out


def write(out, task, split, examples):
    os.makedirs(f"{out}/data/{task}", exist_ok=True)
    with open(f"{out}/data/{task}/{split}.tsv", "w", encoding="utf-8") as f:
        f.write("sentence\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in examples))


def tasks(source, out):
    draw, by = random.Random(0), sentences(source)
    for list_ in by.values():
        draw.shuffle(list_)
    texts = []
    for split, name in (("train", "train"), ("test", "test")):
        pairs = [(r[0], r[1]) for r in rows(f"{source}/sst2/{name}.tsv")]
        write(out, "sentiment", split, pairs)
        texts += [text for text, _ in pairs] if split == "train" else []
    for split, begin, count in (("train", 375, 1500), ("test", 0, 375)):
        some = [(text, i) for i, name in enumerate(sorted(by))
                for text in by[name][begin : begin + count]]
        draw.shuffle(some)
        write(out, "source", split, some)
        texts += [text for text, _ in some] if split == "train" else []
    for split, begin, count in (("train", 500, 2000), ("test", 0, 500)):
        some = []
        for name in ("cola", "mrpc", "qnli"):
            for text in by[name][begin : begin + count]:
                words = text.split()
                label = draw.randrange(2)
                if label == 0:
                    draw.shuffle(words)
                some.append((" ".join(words), label))
        draw.shuffle(some)
        write(out, "order", split, some)
        texts += [text for text, label in some if label] if split == "train" else []
    return texts


def pretrain(source, out, texts):
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, GPT2Tokenizer

    folder = f"{out}/gpt2"
    os.makedirs(folder, exist_ok=True)
    shutil.copy(f"{source}/bpe-gpt2/encoder.json", f"{folder}/vocab.json")
    shutil.copy(f"{source}/bpe-gpt2/vocab.bpe", f"{folder}/merges.txt")
    with open(f"{folder}/tokenizer_config.json", "w") as f:
        json.dump({"tokenizer_class": "GPT2Tokenizer", "model_max_length": 64}, f)
    tokenizer = GPT2Tokenizer(f"{folder}/vocab.json", f"{folder}/merges.txt")
    torch.manual_seed(0)
    torch.set_num_threads(int(os.environ.get("THREADS", "2")))
    model = GPT2LMHeadModel(GPT2Config(n_embd=64, n_layer=2, n_head=4, n_positions=64,
                                       resid_pdrop=0, embd_pdrop=0, attn_pdrop=0,
                                       pad_token_id=50256))
    random.Random(1).shuffle(texts)
    ids = [i for text in texts for i in tokenizer(text)["input_ids"] + [50256]]
    data = torch.tensor(ids[: len(ids) // 32 * 32]).view(-1, 32)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=STEPS)
    for step in range(STEPS):
        batch = data[torch.randint(len(data), (32,))]
        loss = model(input_ids=batch, labels=batch).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 50 == 0 or step == STEPS - 1:
            print(f"step {step}: {loss.item():.3f} nats a token", flush=True)
    model.transformer.save_pretrained(folder)


def main():
    source, out = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    texts = tasks(source, out)
    for recipe, expert in (("experts", False), ("text-tasks", True)):
        with open(f"{out}/{recipe}.yaml", "w") as f:
            f.write("name: a small GPT-2, three tasks\nmodel: gpt2-classifier\n"
                    "pretrained: gpt2\ntasks:\n")
            for task in ("sentiment", "source", "order"):
                f.write(f"  {task}:\n" + (f"    expert: experts/{task}\n" if expert else "")
                        + f"    train: data/{task}/train.tsv\n    test: data/{task}/test.tsv\n")
    pretrain(source, out, texts)


main()
