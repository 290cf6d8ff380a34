"""Goes on with a training from its last checkpoint, found by itself or named."""

import os

import torch
from _reviews import Reviews, tokenizer
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    PrinterCallback,
    Trainer,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_utils import get_last_checkpoint
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()
torch.set_num_threads(1)
set_seed(0)
tokens = tokenizer()
reviews = Reviews(192, 1, tokens)
last = get_last_checkpoint("results/reviews")
print(last)


def trainer(folder, epochs):
    model = AutoModelForSequenceClassification.from_config(AutoConfig.from_pretrained(last))
    settings = TrainingArguments(
        output_dir=folder,
        num_train_epochs=epochs,
        per_device_train_batch_size=8,
        learning_rate=0.01,
        save_strategy="epoch",
        use_cpu=True,
        report_to="none",
        disable_tqdm=True,
        seed=0,
    )
    made = Trainer(model=model, args=settings, train_dataset=reviews, processing_class=tokens)
    made.remove_callback(PrinterCallback)
    return made


again = trainer("results/reviews", 4)
print(again.train(resume_from_checkpoint=True).global_step, sorted(os.listdir("results/reviews")))
other = trainer("results/other", 5)
print(other.train(resume_from_checkpoint=last).global_step, sorted(os.listdir("results/other")))
