"""A few sentences about films, a tokenizer made from them, and a dataset of both."""

import random

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

GOOD = ("wonderful", "moving", "brilliant", "funny", "tender", "gripping")
BAD = ("dull", "tiresome", "clumsy", "loud", "empty", "predictable")
WHAT = ("film", "plot", "ending", "cast", "script", "music")
MORE = ("and never boring", "from start to end", "as one may expect", "if you ask me")


def sentences(count, seed):
    """Sentences, and 1 for a good review or 0 for a bad one."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        words = GOOD if number % 2 else BAD
        found.append(
            (f"the {chance.choice(WHAT)} is {chance.choice(words)} {chance.choice(MORE)}", number % 2)
        )
    return found


def tokenizer():
    """A tokenizer of whole words."""
    words = sorted({word for text, _ in sentences(400, 0) for word in text.split()})
    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    core.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )


class Reviews(torch.utils.data.Dataset):
    """Reviews as a model reads them."""

    def __init__(self, count, seed, tokens):
        pairs = sentences(count, seed)
        self.encoded = tokens([text for text, _ in pairs], padding="max_length", max_length=12)
        self.labels = [label for _, label in pairs]

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        item = {name: torch.tensor(values[index]) for name, values in self.encoded.items()}
        return {**item, "labels": torch.tensor(self.labels[index])}
