"""The frameworks by name, as models carry them."""

from __future__ import annotations

from autolog.errors import BadValue

__all__ = ["Framework", "framework_of"]


class Framework:
    """The names of frameworks, as models carry them and filters of queries take them."""

    tensorflow = "TensorFlow"
    tensorflowjs = "TensorFlow_js"
    tensorflowlite = "TensorFlow_Lite"
    pytorch = "PyTorch"
    torchscript = "TorchScript"
    caffe = "Caffe"
    caffe2 = "Caffe2"
    onnx = "ONNX"
    keras = "Keras"
    mknet = "MXNet"
    mxnet = "MXNet"
    cntk = "CNTK"
    torch = "Torch"
    darknet = "Darknet"
    paddlepaddle = "PaddlePaddle"
    scikitlearn = "ScikitLearn"
    xgboost = "XGBoost"
    lightgbm = "LightGBM"
    parquet = "Parquet"
    megengine = "MegEngine"
    catboost = "CatBoost"
    tensorrt = "TensorRT"
    openvino = "OpenVINO"
    fastai = "fastai"
    lightning = "Lightning"
    transformers = "Transformers"
    safetensors = "Safetensors"
    jax = "JAX"


_ALL = {value for name, value in vars(Framework).items() if not name.startswith("_")}
#: Also by the names of packages and filters, in any case.
_BY_NAME = {
    **{value.lower(): value for value in _ALL},
    **{name: value for name, value in vars(Framework).items() if not name.startswith("_")},
    "sklearn": "ScikitLearn",
    "scikit-learn": "ScikitLearn",
    "joblib": "ScikitLearn",
    "tflite": "TensorFlow_Lite",
    "paddle": "PaddlePaddle",
    # In this interface `torch` is what people call PyTorch; the constant is Lua's.
    "torch": "PyTorch",
}


def framework_of(name: object) -> str:
    """The framework's name as it is shown: `pytorch` is `PyTorch`. A name that is unknown stays as it is.

    Raises BadValue for what isn't a name.
    """
    if not isinstance(name, str) or not name.strip() or len(name) > 100:
        raise BadValue(f"a framework is a name such as Framework.pytorch, not {str(name)[:60]!r}")
    return name if name in _ALL else _BY_NAME.get(name.lower(), name)
