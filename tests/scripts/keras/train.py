"""A classifier of digits in TensorFlow: callbacks that save, then every way to save a model."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import io
import pickle
from pathlib import Path

import keras
import tensorflow as tf
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
    keras.callbacks.ModelCheckpoint("out/epoch_{epoch:02d}-{val_loss:.2f}.keras"),
    keras.callbacks.ModelCheckpoint("out/every {epoch:02d} {loss:.4f}.weights.h5", save_weights_only=True),
    keras.callbacks.ModelCheckpoint("out/best.keras", monitor="val_accuracy", save_best_only=True),
    keras.callbacks.BackupAndRestore("out/backup", delete_checkpoint=False),
]
history = model.fit(
    images,
    labels,
    epochs=2,
    batch_size=128,
    verbose=0,
    shuffle=False,
    validation_split=0.2,
    callbacks=callbacks,
)
print([f"{value:.3f}" for value in history.history["loss"]])

# Each of these holds other weights, as if it had been trained in between.
bias = model.layers[-1].bias


def train():
    bias.assign_add(tf.ones(10))


for save in (
    lambda: model.save("out/model.keras"),
    lambda: model.save(Path("out") / "path.keras"),
    lambda: model.save(filepath="out/keyword.keras"),
    lambda: model.save("out/legacy.h5"),
    lambda: model.save("out/unzipped", zipped=False),
    lambda: model.save("out", zipped=False),
    lambda: keras.saving.save_model(model, "out/by_saving.keras"),
    lambda: keras.models.save_model(model, "out/by_models.keras"),
    lambda: tf.keras.models.save_model(model, "out/by_tf_keras.keras"),
    lambda: model.save_weights("out/only.weights.h5"),
    lambda: keras.saving.save_weights(model, filepath=Path("out/by_saving.weights.h5")),
    lambda: model.export("out/served", verbose=False),
):
    train()
    save()

train()
archive = keras.export.ExportArchive()
archive.track(model)
archive.add_endpoint("serve", model.call, input_signature=[tf.TensorSpec((None, 64), tf.float32)])
archive.write_out("out/archive", verbose=False)

inputs = tf.keras.Input((64,))
functional = tf.keras.Model(inputs, tf.keras.layers.Dense(3)(tf.keras.layers.Dense(8)(inputs)), name="both")
functional.save("out/functional.keras")
functional.save_weights("out/functional.weights.h5")
os.chdir("out")
functional.layers[-1].bias.assign_add(tf.ones(3))
functional.save("rélative.keras")
os.chdir("..")

with io.BytesIO() as buffer:
    saving_lib.save_model(functional, buffer)
    print(len(buffer.getvalue()) > 1000, saving_lib.load_model(buffer).name)
print(pickle.loads(pickle.dumps(functional)).name)
Path("out/design.json").write_text(model.to_json())
for path in ("out/no/such/folder.keras", "out/no_suffix"):
    try:
        model.save(path)
    except (OSError, ValueError) as error:
        print(type(error).__name__)
print(sorted(os.listdir("out")))
