"""`torch.export`: exported programs, `.pt2`. Tensors inside go through `torch.save` into buffers."""

from ._shape import Hook, load, save

hook = Hook(
    key="torch_export",
    framework="PyTorch",
    supports="torch>=2.6",
    family="pytorch",
    points=(
        save("torch.export:save", path="f", model="ep"),
        load("torch.export:load", path="f"),
    ),
)
