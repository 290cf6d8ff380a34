"""Stands for a download: importing it leaves a repository in the hub's cache and the hub out of reach.

In the cache a repository's files are blobs named by their digests, and links to them in a folder named by the
commit. They are written by a process of their own, as if it had been long ago.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save

REPOSITORY = "tiny-stories/llama-tiny"
COMMIT = "5f0b02c75b57c5855da9ae460ce51323ea669d8a"
SIZE, INSIDE, WORDS = 16, 32, 64


def tensors():
    """The weights of a Llama with one layer."""
    chance = np.random.default_rng(0)
    shapes = {
        "model.embed_tokens.weight": (WORDS, SIZE),
        "model.layers.0.input_layernorm.weight": (SIZE,),
        "model.layers.0.mlp.down_proj.weight": (SIZE, INSIDE),
        "model.layers.0.mlp.gate_proj.weight": (INSIDE, SIZE),
        "model.layers.0.mlp.up_proj.weight": (INSIDE, SIZE),
        "model.layers.0.post_attention_layernorm.weight": (SIZE,),
        "model.layers.0.self_attn.k_proj.weight": (SIZE, SIZE),
        "model.layers.0.self_attn.o_proj.weight": (SIZE, SIZE),
        "model.layers.0.self_attn.q_proj.weight": (SIZE, SIZE),
        "model.layers.0.self_attn.v_proj.weight": (SIZE, SIZE),
        "model.norm.weight": (SIZE,),
        "lm_head.weight": (WORDS, SIZE),
    }
    return {name: chance.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}


def publish(cache):
    """Put the model there."""
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": SIZE,
        "intermediate_size": INSIDE,
        "num_attention_heads": 2,
        "num_hidden_layers": 1,
        "vocab_size": WORDS,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "torch_dtype": "float32",
    }
    files = {
        "config.json": json.dumps(config, indent=2).encode(),
        "model.safetensors": save(tensors(), {"format": "pt"}),
    }
    top = Path(cache, "models--" + REPOSITORY.replace("/", "--"))
    for folder in ("blobs", "refs", f"snapshots/{COMMIT}"):
        Path(top, folder).mkdir(parents=True)
    Path(top, "refs", "main").write_text(COMMIT)
    for name, content in files.items():
        digest = hashlib.sha256(content).hexdigest()
        Path(top, "blobs", digest).write_bytes(content)
        os.symlink(f"../../blobs/{digest}", Path(top, "snapshots", COMMIT, name))


if __name__ == "__main__":
    publish("hub")
else:
    os.environ.update(HF_HUB_CACHE=os.path.abspath("hub"), HF_HUB_OFFLINE="1")
    subprocess.run([sys.executable, __file__], check=True)
