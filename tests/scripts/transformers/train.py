"""Fine-tunes a small BERT with the Trainer: checkpoints that are rotated, the best one, the final model."""

import os

import torch
from _reviews import Reviews, tokenizer
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    PrinterCallback,
    Trainer,
    TrainingArguments,
    set_seed,
)
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()
torch.set_num_threads(1)
set_seed(0)
tokens = tokenizer()
train, test = Reviews(192, 1, tokens), Reviews(64, 2, tokens)


def accuracy(outcome):
    return {"accuracy": float((outcome.predictions.argmax(-1) == outcome.label_ids).mean())}


def trainer(folder, **more):
    config = BertConfig(
        vocab_size=len(tokens),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
        hidden_dropout_prob=0.0,
        initializer_range=0.2,
        id2label={0: "bad", 1: "good"},
        label2id={"bad": 0, "good": 1},
    )
    settings = {
        "output_dir": folder,
        "num_train_epochs": 3,
        "per_device_train_batch_size": 8,
        "learning_rate": 0.01,
        "save_strategy": "epoch",
        "save_total_limit": 1,
        "use_cpu": True,
        "report_to": "none",
        "disable_tqdm": True,
        "seed": 0,
        **more,
    }
    made = Trainer(
        model=BertForSequenceClassification(config),
        args=TrainingArguments(**settings),
        train_dataset=train,
        eval_dataset=test,
        processing_class=tokens,
        compute_metrics=accuracy,
    )
    made.remove_callback(PrinterCallback)
    return made


first = trainer("results/reviews")
outcome = first.train()
print(outcome.global_step, f"{outcome.training_loss:.4f}", sorted(os.listdir("results/reviews")))
first.save_model()
first.save_model("final")
tokens.save_pretrained("final")
print(f"{first.evaluate()['eval_accuracy']:.3f}", sorted(os.listdir("final")))

best = trainer(
    "results/best",
    eval_strategy="steps",
    eval_steps=12,
    save_strategy="steps",
    save_steps=12,
    max_steps=36,
    load_best_model_at_end=True,
    metric_for_best_model="accuracy",
    save_only_model=True,
)
best.train()
print(best.state.best_model_checkpoint, sorted(os.listdir("results/best")))
best.save_model(output_dir="final-best")
