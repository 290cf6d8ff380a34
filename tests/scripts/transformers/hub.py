"""Fine-tunes a model from the hub that has been downloaded before."""

import _downloaded
import torch
from transformers import AutoModelForCausalLM, LlamaModel
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()
torch.set_num_threads(1)
torch.manual_seed(0)

model = AutoModelForCausalLM.from_pretrained(_downloaded.REPOSITORY)
words = torch.randint(3, 64, (16, 12))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
for _ in range(10):
    loss = model(input_ids=words, labels=words).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
print(f"{loss.item():.3f}")
model.save_pretrained("tuned")

encoder = LlamaModel.from_pretrained(_downloaded.REPOSITORY, revision=_downloaded.COMMIT)
print(sum(each.numel() for each in encoder.parameters()))
try:
    LlamaModel.from_pretrained("tiny-stories/llama-none")
except OSError as error:
    print(type(error).__name__)
