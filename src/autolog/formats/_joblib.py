"""Stepping over the arrays in a file of `joblib.dump`.

joblib writes a pickle in which a `NumpyArrayWrapper` stands for each array, and right behind the opcode
that gives the wrapper its attributes the array itself: where the attribute
`numpy_array_alignment_bytes` is a number (since joblib 1.2), one byte that counts the padding bytes
after it; then the raw elements, or, if they are Python objects or texts of any length, a pickle of their own.
(`joblib/numpy_pickle.py`, `NumpyArrayWrapper.write_array`.)
"""

from __future__ import annotations

from autolog.errors import UnreadableWeights
from autolog.formats._arrays import as_array, as_dtype
from autolog.formats._machine import Machine
from autolog.formats._naming import attributes
from autolog.formats._standins import Made

__all__ = ["WRAPPERS", "step_over"]

WRAPPERS = (
    "joblib.numpy_pickle.NumpyArrayWrapper",
    "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper",
)

_PROTOCOL = 0x80  # how a pickle begins


def step_over(wrapper: Made, machine: Machine) -> None:
    """Take the array that follows `wrapper` out of the machine's source."""
    facts = attributes(wrapper)
    array, dtype = as_array(wrapper), as_dtype(facts.get("dtype"))
    # A type that we don't know may be one of objects: what follows its arrays is a pickle then.
    if (dtype is None and machine.source.peek() == _PROTOCOL) or (dtype is not None and dtype.objects):
        Machine(machine.source, machine.ration, machine.globals).load()
        return
    if array is None or dtype is None:
        raise UnreadableWeights("a joblib array whose shape or element type we can't tell")
    if isinstance(facts.get("numpy_array_alignment_bytes"), int):
        machine.source.skip(machine.source.byte())
    wrapper.place = machine.source.place
    machine.source.skip(array.elements() * dtype.size)
