"""PreTrainedModel.save_pretrained and from_pretrained: a folder with one file of weights, or shards."""

import os

import torch
from driving import damage, files_of  # noqa: F401
from transformers import BertConfig, BertModel, Trainer, TrainingArguments

SUFFIX = ""
KIND = "folder"
FRAMEWORK = "Transformers"
IMPOSSIBLE = {
    "buffer": "save_pretrained takes a folder only",
    "file": "save_pretrained takes a folder only",
}
READ_BACK = 1


def build(seed):
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
    )
    return BertModel(config)


def save(model, target):
    model.save_pretrained(target)


def save_over(model, target):
    # In shards: the whole file stays, and is what a load prefers.
    model.save_pretrained(target, max_shard_size="5KB")


def save_nested(model, target):
    # Goes through save_pretrained and, for its arguments, torch.save.
    arguments = TrainingArguments(output_dir="trainer", use_cpu=True, report_to=[])
    Trainer(model=model, args=arguments).save_model(target)


def save_failing(target):
    # config.json and all shards are written, their index can't be.
    os.makedirs(f"{target}/model.safetensors.index.json")
    build(0).save_pretrained(target, max_shard_size="5KB")


def load(target):
    return BertModel.from_pretrained(str(target))
