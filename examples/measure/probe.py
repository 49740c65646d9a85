#!/usr/bin/env python3
"""An objective for `measure:`: how well an image model's features tell handwritten digits
apart, in percent, by scikit-learn's logistic regression over five folds of its own digits.

    measure: ./probe.py {model}
    unit: "%"

Prints a JSON object: value, error (of the mean over the folds) and n. Needs torch,
transformers and scikit-learn, and no network."""

import json
import sys

import torch
import transformers
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def features(path, images):
    """The mean of the last hidden states of each image [n, 8, 8] of 0 to 16."""
    model = transformers.AutoModel.from_pretrained(path).eval()
    size, channels = model.config.image_size, model.config.num_channels
    pixels = torch.tensor(images, dtype=torch.float32)[:, None] / 8 - 1
    pixels = torch.nn.functional.interpolate(pixels, size=(size, size))
    pixels = pixels.expand(-1, channels, -1, -1)
    with torch.no_grad():
        return torch.cat([model(pixel_values=part).last_hidden_state.mean(1)
                          for part in pixels.split(256)]).numpy()


def main():
    digits = load_digits()
    count = int(sys.argv[2]) if len(sys.argv) > 2 else len(digits.target)
    x, y = features(sys.argv[1], digits.images[:count]), digits.target[:count]
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    right = 100 * cross_val_score(classifier, x, y, cv=folds)
    print(json.dumps({"value": right.mean(), "error": right.std(ddof=1) / 5 ** 0.5,
                      "n": len(y)}))


main()
