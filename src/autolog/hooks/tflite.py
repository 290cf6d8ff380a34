"""TensorFlow Lite: a converter returns the bytes of a flatbuffer, which the script writes.

The SavedModel that a converter writes into a temporary folder first belongs to its call.
"""

from typing import Any

from ._shape import Call, Hook, load, save


def _source(call: Call) -> Any:
    path = call.arguments.get("model_path")
    return call.arguments.get("model_content") if path is None else path


hook = Hook(
    key="tflite",
    framework="TensorFlow_Lite",
    supports="tensorflow>=2.18",
    family="tensorflow",
    points=(
        save("tensorflow.lite.python.lite:TFLiteKerasModelConverterV2.convert", path="return"),
        save("tensorflow.lite.python.lite:TFLiteSavedModelConverterV2.convert", path="return"),
        save("tensorflow.lite.python.lite:TFLiteFrozenGraphConverterV2.convert", path="return"),
        load("tensorflow.lite.python.interpreter:Interpreter.__init__", path=_source, model=None),
    ),
)
