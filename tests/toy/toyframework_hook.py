"""The toy framework's hook: what an outsider writes, and all of it."""

import os

from autolog.hooks import Hook, folder, load, mute, prefix, save, series


def _folder(call):
    return folder(call.arguments["path"], names=("*.bin", "*.json", "deep/**"), weights=("*.bin",))


def _everything(call):
    return folder(call.arguments["path"])


def _several(call):
    return len(call.arguments["models"]) > 1


def _weights(call):
    return folder(call.arguments["path"], names=("*.bin",))


def _prefix(call):
    return prefix(call.arguments["prefix"])


def _series(call):
    return os.path.join(call.arguments["self"].folder, "best"), call.arguments["step"]


hook = Hook(
    key="toy",
    framework="Toy",
    supports="toyframework>=1.0",
    points=(
        save("toyframework:save", path="path", model="obj"),
        save("toyframework:save_through", path="path", model="obj"),
        mute("toyframework:try_rates", rule="framework scratch"),
        save("toyframework:save_by_replacing", path="path", model="obj"),
        save("toyframework:save_slowly", path="path", model="obj"),
        save("toyframework:save_folder", path=_folder, model="obj"),
        save("toyframework:save_prefix", path=_prefix, model="obj"),
        save("toyframework:save_with_threads", path=_everything, when=_several),
        series("toyframework:Callback.after", group=_series),
        save("toyframework:save_with_more", path=_folder, model="obj"),
        save("toyframework:convert", path="return", model="obj"),
        load("toyframework:load_and_convert", path=_weights),
        load("toyframework:load", path="path"),
        load("toyframework:load_folder", path=_weights),
        load("toyframework:load_prefix", path=_prefix),
    ),
)
