"""A classifier of digits: callbacks that save, then every way to save a model."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import io
from pathlib import Path

import keras
from keras.src.saving import saving_lib
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)
os.makedirs("out", exist_ok=True)
images, labels = load_digits(return_X_y=True)
images = (images / 16).astype("float32")


def build():
    model = keras.Sequential(
        [keras.Input((64,)), keras.layers.Dense(16, activation="relu"), keras.layers.Dense(10)], name="digits"
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model


model = build()
callbacks = [
    keras.callbacks.ModelCheckpoint("out/epoch_{epoch:02d}.keras"),
    keras.callbacks.ModelCheckpoint("out/best {epoch:02d} {loss:.4f}.weights.h5", save_weights_only=True),
    keras.callbacks.BackupAndRestore("out/backup", delete_checkpoint=False),
]
history = model.fit(images, labels, epochs=2, batch_size=128, verbose=0, shuffle=False, callbacks=callbacks)
print([f"{value:.3f}" for value in history.history["loss"]])

model.save("out/model.keras")
model.save(Path("out") / "path.keras")
model.save(filepath="out/legacy.h5")
model.save("out/unzipped", zipped=False)
keras.saving.save_model(model, "out/by_saving.keras")
keras.models.save_model(model, "out/by_models.keras")
model.save_weights("out/only.weights.h5")
keras.saving.save_weights(model, "out/by_saving.weights.h5")
model.save_weights("out/shards.weights.json", max_shard_size=5e-6)

inputs = keras.Input((64,))
functional = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Dense(8)(inputs)), name="functional")
functional.save("out/functional.keras")
functional.save_weights("out/functional.weights.h5")

with io.BytesIO() as buffer:
    saving_lib.save_model(functional, buffer)
    print(len(buffer.getvalue()) > 1000)

os.chdir("out")
functional.save("rélative.keras")
os.chdir("..")
Path("out/design.json").write_text(model.to_json())
try:
    model.save("out/no/such/folder.keras")
except (OSError, ValueError) as error:
    print(type(error).__name__)
print(sorted(os.listdir("out")))
