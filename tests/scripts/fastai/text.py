"""A language model, a pretrained one, and a classifier of sentences that starts from an encoder."""

import warnings

import _downloaded
import pandas as pd
import torch
from fastai.callback.tracker import SaveModelCallback
from fastai.text.all import (
    AWD_LSTM,
    BaseTokenizer,
    TextDataLoaders,
    Tokenizer,
    accuracy,
    awd_lstm_clas_config,
    awd_lstm_lm_config,
    language_model_learner,
    save_pickle,
    set_seed,
    text_classifier_learner,
)

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
set_seed(0, reproducible=True)

SUBJECTS = (
    "the plot",
    "the cast",
    "this film",
    "a story",
    "that scene",
    "the music",
    "our evening",
    "the end",
)
GOOD, BAD = ("wonderful", "moving", "bright", "funny"), ("dull", "endless", "noisy", "sad")
rows = [
    (f"{who} was {word} and {word}", "good" if word in GOOD else "bad")
    for who in SUBJECTS
    for word in GOOD + BAD
]
table = pd.DataFrame(rows, columns=["text", "label"])
SIZES = {"emb_sz": _downloaded.SIZE, "n_hid": _downloaded.HIDDEN, "n_layers": 2}
LANGUAGE, CLASSES = {**awd_lstm_lm_config, **SIZES}, {**awd_lstm_clas_config, **SIZES}


def loaders(**others):
    tokens = Tokenizer.from_df("text", tok=BaseTokenizer(), n_workers=0, max_workers=0)
    settings = {"tok_tfm": tokens, "bs": 8, "seq_len": 8, "seed": 0, "device": "cpu", **others}
    return TextDataLoaders.from_df(table, text_col="text", label_col="label", **settings)


def shown(learn):
    learn.remove_cb(learn.progress)
    learn.metrics = accuracy
    return learn


words = loaders(is_lm=True)
language = shown(language_model_learner(words, AWD_LSTM, config=LANGUAGE, pretrained=False, path="films"))
with language.no_logging():
    language.fit_one_cycle(2, 1e-2)
language.save_encoder("encoder")
language.save("language", with_opt=False)
save_pickle("films/models/words.pkl", words.vocab)
again = language_model_learner(
    words, AWD_LSTM, config=LANGUAGE, path="films", pretrained_fnames=["language", "words"]
)
print(torch.equal(again.model[0].encoder.weight[2:9], language.model[0].encoder.weight[2:9]))
tuned = shown(language_model_learner(words, AWD_LSTM, config=LANGUAGE, path="films"))
with tuned.no_logging():
    tuned.fit_one_cycle(1, 1e-2)
tuned.save("tuned")

films = loaders(text_vocab=words.vocab)
text_classifier_learner(films, AWD_LSTM, config=CLASSES, path="films")
learn = shown(text_classifier_learner(films, AWD_LSTM, config=CLASSES, pretrained=False, path="films"))
learn.load_encoder("encoder")
with learn.no_logging():
    learn.fit(2, 1e-2, cbs=SaveModelCallback(monitor="accuracy", fname="best"))
    learn.unfreeze()
    learn.fit(1, 1e-3)
learn.save(file="final", with_opt=False)
learn.load("final", with_opt=False)
with open("films/models/best.pth", "rb") as file:
    learn.load(file)
learn.export("films.pkl")
with learn.no_bar():
    print(learn.predict("the end was moving")[1].item() in (0, 1))
