"""PreTrainedModel.save_pretrained and from_pretrained."""

import torch
from driving import damage, files_of  # noqa: F401
from transformers import BertConfig, BertModel

SUFFIX = ""
KIND = "folder"
FRAMEWORK = "Transformers"
IMPOSSIBLE = {
    "buffer": "save_pretrained takes a folder only",
    "file": "save_pretrained takes a folder only",
}


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


def save_nested(model, target):
    # in shards: save_pretrained calls safetensors once for each
    model.save_pretrained(target, max_shard_size="5KB")


def save_failing(target):
    open(target, "w").close()
    build(0).save_pretrained(f"{target}/in/a/file")


def load(target):
    return BertModel.from_pretrained(str(target))
