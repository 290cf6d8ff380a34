"""Loads what the training has saved, in all the ways people do."""

import os
from pathlib import Path

import torch
from _reviews import Reviews, sentences
from transformers import (
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    pipeline,
)
from transformers.modeling_utils import load_state_dict
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()
torch.set_num_threads(1)
tokens = AutoTokenizer.from_pretrained("final")
reviews = Reviews(32, 5, tokens)


def score(model):
    batch = [reviews[number] for number in range(len(reviews))]
    inputs = {name: torch.stack([each[name] for each in batch]) for name in batch[0]}
    labels = inputs.pop("labels")
    with torch.no_grad():
        return f"{(model(**inputs).logits.argmax(-1) == labels).float().mean():.3f}"


model = AutoModelForSequenceClassification.from_pretrained("final")
print(type(model).__name__, model.config.id2label, score(model))
print(
    score(
        BertForSequenceClassification.from_pretrained(pretrained_model_name_or_path=Path("results/reviews"))
    )
)
encoder, told = AutoModel.from_pretrained("final-best", output_loading_info=True)
print(type(encoder).__name__, sorted(told["unexpected_keys"]))

judge = pipeline("text-classification", model="final-best", tokenizer="final", device="cpu")
print([(each["label"], f"{each['score']:.3f}") for each in judge([text for text, _ in sentences(4, 7)])])

folder = os.getcwd()
os.chdir("results")
print(score(BertForSequenceClassification.from_pretrained("../final")))
os.chdir(folder)
weights = load_state_dict("final/model.safetensors")
print(all(torch.equal(weights[name], part) for name, part in model.state_dict().items()))

# None of these reads a file of weights.
print(type(AutoModel.from_config(BertConfig.from_pretrained("final"))).__name__)
same = BertForSequenceClassification.from_pretrained(None, config=model.config, state_dict=model.state_dict())
print(score(same))
try:
    AutoModel.from_pretrained("results")
except (OSError, ValueError) as error:
    print(type(error).__name__)
