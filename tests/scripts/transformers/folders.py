"""Language models of several families, saved into folders whole, in shards, as a pickle, and over again."""

import os
import shutil
from pathlib import Path

import torch
from _reviews import sentences, tokenizer
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    set_seed,
)
from transformers.trainer import load_sharded_checkpoint
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()
torch.set_num_threads(1)
set_seed(0)
tokens = tokenizer()
texts = tokens([text for text, _ in sentences(64, 3)], padding=True, return_tensors="pt")


def fit(model, steps):
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    labels = texts["input_ids"].masked_fill(texts["attention_mask"] == 0, -100)
    for _ in range(steps):
        loss = model(input_ids=texts["input_ids"], attention_mask=texts["attention_mask"], labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return loss.item()


def same(one, two):
    parts = zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    return all(torch.equal(first, second) for first, second in parts)


size = {"vocab_size": len(tokens), "bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
gpt = GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=2, n_head=2, n_positions=32, **size))
llama = LlamaForCausalLM(
    LlamaConfig(hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, **size)
)

# One folder, over and over; the tokenizer lies in it, too.
for epoch in range(3):
    print(f"epoch {epoch}: {fit(gpt, 5):.3f}")
    tokens.save_pretrained("gpt")
    gpt.save_pretrained("gpt")
    tokens.save_pretrained("gpt")
print(same(GPT2LMHeadModel.from_pretrained("gpt"), gpt), sorted(os.listdir("gpt")))

# A folder for each epoch.
for epoch in range(1, 3):
    print(f"epoch {epoch}: {fit(llama, 5):.3f}")
    llama.save_pretrained(f"runs/epoch-{epoch}")
llama.save_pretrained(save_directory=Path("sharded"), max_shard_size="10KB")
print(sorted(os.listdir("sharded")))
print(same(AutoModelForCausalLM.from_pretrained("sharded"), llama))
empty = LlamaForCausalLM(llama.config)
print(load_sharded_checkpoint(empty, "sharded"), same(empty, llama))

llama.save_pretrained("half", variant="fp16", state_dict=llama.half().state_dict())
llama.float()
print(
    sorted(os.listdir("half")), same(LlamaForCausalLM.from_pretrained("half", variant="fp16").float(), llama)
)
LlamaForCausalLM.save_pretrained(llama, "modèle/小模型")
print(same(LlamaForCausalLM.from_pretrained(os.path.abspath("modèle/小模型")), llama))
gpt.save_pretrained("plain", safe_serialization=False)
print(sorted(os.listdir("plain")))

# As it was before safetensors.
os.makedirs("older")
gpt.config.save_pretrained("older")
torch.save(gpt.state_dict(), "older/pytorch_model.bin")
print(same(GPT2LMHeadModel.from_pretrained("older"), gpt))

# A copy elsewhere is the same model; the configuration and the tokenizer alone are none.
shutil.copytree("sharded", "copied")
print(same(LlamaForCausalLM.from_pretrained("copied"), empty))
llama.config.save_pretrained("only-config")
tokens.save_pretrained("only-tokens")

# These write nothing.
llama.save_pretrained("elsewhere", is_main_process=False)
Path("a-file").write_text("not a folder")
llama.save_pretrained("a-file")
try:
    gpt.save_pretrained("broken", state_dict={"transformer.wte.weight": 3})
except (AttributeError, TypeError) as error:
    print(type(error).__name__, error.__context__)
print(sorted(os.listdir("broken")))
