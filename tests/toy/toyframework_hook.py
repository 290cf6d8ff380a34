"""The toy framework's hook: what an outsider writes, and all of it."""

from autolog.hooks import Hook, load, save

hook = Hook(
    key="toy",
    framework="Toy",
    supports="toyframework>=1.0",
    points=(
        save("toyframework:save", path="path", model="obj"),
        save("toyframework:save_by_replacing", path="path", model="obj"),
        save("toyframework:save_slowly", path="path", model="obj"),
        load("toyframework:load", path="path"),
    ),
)
