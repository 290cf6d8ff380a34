"""Names: of types that are models or are not, and of the entries of mappings that hold weights or data."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

__all__ = [
    "MODEL_BASES",
    "RULES_BY_BASE",
    "SCHEDULERS",
    "TENSORS",
    "VARIABLES",
    "are_data",
    "are_weights",
]

#: a type that a model inherits from -> the framework it belongs to
MODEL_BASES = {
    "torch.jit._script.ScriptModule": "TorchScript",
    "torch.jit.ScriptFunction": "TorchScript",
    "torch.nn.modules.module.Module": "PyTorch",
    "sklearn.base.BaseEstimator": "ScikitLearn",
    "xgboost.core.Booster": "XGBoost",
    "xgboost.sklearn.XGBModel": "XGBoost",
    "lightgbm.basic.Booster": "LightGBM",
    "lightgbm.sklearn.LGBMModel": "LightGBM",
    "catboost.core._CatBoostBase": "CatBoost",
    "keras.src.models.model.Model": "Keras",
    "tensorflow.python.module.module.Module": "TensorFlow",
    "fastai.learner.Learner": "fastai",
    "megengine.module.module.Module": "MegEngine",
}
#: a type -> the rule by which what inherits from it is no model
RULES_BY_BASE = {
    "torch.utils.data.dataset.Dataset": "dataset",
    "torch.utils.data.dataloader.DataLoader": "dataset",
    "torch.utils.data.sampler.Sampler": "dataset",
    "torch.optim.optimizer.Optimizer": "optimizer state",
    "torch.optim.lr_scheduler.LRScheduler": "scheduler state",
    "torch.optim.lr_scheduler._LRScheduler": "scheduler state",
    "torch.amp.grad_scaler.GradScaler": "scheduler state",
    "megengine.data.dataset.meta_dataset.Dataset": "dataset",
    "megengine.data.dataloader.DataLoader": "dataset",
    "megengine.data.sampler.Sampler": "dataset",
    "megengine.optimizer.optimizer.Optimizer": "optimizer state",
    "megengine.optimizer.lr_scheduler.LRScheduler": "scheduler state",
    "megengine.amp.grad_scaler.GradScaler": "scheduler state",
    "pandas.core.generic.NDFrame": "data frame",
    "pandas.core.indexes.base.Index": "data frame",
    "pandas.Index": "data frame",  # what pandas 3 calls it
    "pandas.core.arrays.base.ExtensionArray": "data frame",
    "pandas.api.extensions.ExtensionArray": "data frame",
    "xarray.core.dataset.Dataset": "data frame",
    "xarray.core.dataarray.DataArray": "data frame",
    "polars.dataframe.frame.DataFrame": "data frame",
    "polars.lazyframe.frame.LazyFrame": "data frame",
    "polars.series.series.Series": "data frame",
    "pyarrow.lib.Table": "data frame",
    "pyarrow.lib.RecordBatch": "data frame",
    "numpy.ndarray": "array",
    "numpy.generic": "array",
    "scipy.sparse._base._spbase": "array",
    "PIL.Image.Image": "array",
    "tensorflow.python.framework.ops.EagerTensor": "array",
    "torch.storage.UntypedStorage": "array",
    "torch.storage.TypedStorage": "array",
    "xgboost.core.DMatrix": "dataset",
    "lightgbm.basic.Dataset": "dataset",
    "catboost.core.Pool": "dataset",
    "datasets.arrow_dataset.Dataset": "dataset",
    "tensorflow.python.data.ops.dataset_ops.DatasetV2": "dataset",
    "torch_geometric.data.data.BaseData": "dataset",
    "sklearn.utils._bunch.Bunch": "dataset",
    "fastai.data.core.DataLoaders": "dataset",
    "fastai.data.core.FilteredBase": "dataset",
    "fastai.data.load.DataLoader": "dataset",
    "fastai.data.block.DataBlock": "dataset",
    "fastai.optimizer._BaseOptimizer": "optimizer state",
    "argparse.Namespace": "arguments",
    "omegaconf.basecontainer.BaseContainer": "arguments",
    "transformers.training_args.TrainingArguments": "arguments",
    "tokenizers.Tokenizer": "tokenizer",
    "transformers.tokenization_utils_base.PreTrainedTokenizerBase": "tokenizer",
    "optuna.study.study.Study": "study",
    "random.Random": "random state",
    "numpy.random.mtrand.RandomState": "random state",
    "numpy.random._generator.Generator": "random state",
    "torch._C.Generator": "random state",
    "datetime.date": "plain data",
}
#: Arrays that a model owns, whatever else they are.
VARIABLES = {
    "tensorflow.python.ops.variables.Variable": "TensorFlow",
    "megengine.tensor.Parameter": "MegEngine",
}
#: Arrays that may be weights or data, and the framework that they tell.
TENSORS = {
    "torch.Tensor": "PyTorch",
    "torch._tensor.Tensor": "PyTorch",
    "megengine.tensor.Tensor": "MegEngine",
    "numpy.ndarray": None,
    "tensorflow.python.types.core.Tensor": None,
}
#: What the state dicts of schedulers and gradient scalers have, and those of models do not.
SCHEDULERS = (
    {"last_epoch", "_step_count"},
    {"last_epoch", "num_bad_epochs"},
    {"scale", "growth_factor", "growth_interval"},
    {"milestones", "gamma", "current_epoch"},
    {"scale_factor", "growth_factor", "growth_interval"},
)

# Lists of names are written as texts with a space on either side of each, and asked with `in`.

#: What layers call their weights, behind their own name: those of PyTorch...
_OF_LAYERS = (
    " weight bias running_mean running_var weight_g weight_v in_proj_weight in_proj_bias lora_A lora_B "
)
#: ... of Keras, TensorFlow and Flax...
_OF_VARIABLES = " kernel bias gamma beta moving_mean moving_variance embedding embeddings recurrent_kernel "
#: ... and what is telling by itself.
_TELLING = ("weight_ih_l", "weight_hh_l", "bias_ih_l", "bias_hh_l", "in_proj_weight", "in_proj_bias")
#: Which part of the data something is says nothing about what it is.
_SPLITS = " train test val valid validation eval dev "
#: What people call the columns of their data, as they cache them.
_OF_DATA = (
    " x y xs ys data sample samples batch input inputs output outputs target targets label labels feature "
    "features image images pixel_values pixels audio waveform waveforms input_ids attention_mask "
    "token_type_ids position_ids decoder_input_ids decoder_attention_mask token_ids tokens ids id index "
    "indices mask masks length lengths latent latents moments prompt_embeds hidden_states logits "
    "predictions preds boxes keypoints mean std observations actions rewards dones states next_states "
    "timestamps "
)


def are_weights(names: AbstractSet[str]) -> bool:
    """Whether some of the entries are called as the weights of layers are."""
    if names >= {"weight", "bias"}:  # of a single layer; a `weight` alone may be that of the classes
        return True
    return any(_is_of_weights(name) for name in names)


def are_data(names: AbstractSet[str]) -> bool:
    """Whether all of the entries are called as the columns of a dataset or a batch are."""
    return bool(names) and all(_is_of_data(name) for name in names)


def _is_of_weights(name: str) -> bool:
    layer, _, last = name.rpartition(".")
    if last.startswith(_TELLING) or (layer and f" {last} " in _OF_LAYERS):
        return True
    layer, _, last = name.removesuffix(":0").replace("/", ".").rpartition(".")
    return bool(layer) and f" {last} " in _OF_VARIABLES


def _is_of_data(name: str) -> bool:
    letters = "".join(letter if letter.isalpha() else " " for letter in name.lower())
    words = [word for word in letters.split() if f" {word} " not in _SPLITS]
    return not words or f" {'_'.join(words)} " in _OF_DATA
