"""What of a framework's metrics is kept: finite numbers that are at hand, and a bounded lot of them."""

import math

import pytest

from autolog.capture.numbers import numbers_of


@pytest.mark.core
def test_plain_numbers():
    known = {"loss": 0.5, "step": 3, "nan": math.nan, "inf": math.inf, "low": -math.inf, "huge": 10**400}
    assert numbers_of(known) == {"loss": 0.5, "step": 3.0, "nan": None}
    assert type(numbers_of(known)["step"]) is float


@pytest.mark.core
def test_what_is_no_number_is_left_out():
    others = {"text": "0.5", "yes": True, "none": None, "list": [1.0], "complex": 1j, "class": float}
    assert numbers_of({**others, "loss": 1.0, "": 2.0, 3: 3.0, ("a",): 4.0}) == {"loss": 1.0}


@pytest.mark.core
def test_it_is_bounded():
    assert len(numbers_of({f"m{number}": 1.0 for number in range(1_000)})) == 100
    assert numbers_of({"x" * 200: 1.0, "x" * 201: 2.0}) == {"x" * 200: 1.0}
    assert numbers_of({**{f"t{number}": "text" for number in range(2_000)}, "late": 1.0}) == {}


def test_numbers_of_numpy():
    np = pytest.importorskip("numpy")
    known = {
        "single": np.float32(0.5),
        "half": np.float16(0.5),
        "double": np.float64(0.5),
        "integer": np.int64(2),
        "nan": np.float32("nan"),
        "array": np.array(0.25),
        "inf": np.float32("inf"),
        "truth": np.bool_(True),
        "complex": np.complex64(1),
        "several": np.ones(3),
        "one": np.ones(1),
        "type": np.float32,
        "function": np.add,
    }
    expected = {"single": 0.5, "half": 0.5, "double": 0.5, "integer": 2.0, "nan": None, "array": 0.25}
    assert numbers_of(known) == expected


def test_tensors():
    torch = pytest.importorskip("torch")

    class Own(torch.Tensor):
        def item(self):
            raise AssertionError("a method of the user's")

    known = {
        "loss": torch.tensor(0.5, requires_grad=True),
        "one": torch.ones(1, 1),
        "integer": torch.tensor(3),
        "half": torch.tensor(0.5, dtype=torch.bfloat16),
        "nan": torch.tensor(math.nan),
        "parameter": torch.nn.Parameter(torch.tensor(2.0)),
        "inf": torch.tensor(math.inf),
        "truth": torch.tensor(True),
        "complex": torch.tensor(1j),
        "several": torch.ones(2),
        "elsewhere": torch.ones((), device="meta"),
        "own": torch.ones(()).as_subclass(Own),
    }
    expected = {"loss": 0.5, "one": 1.0, "integer": 3.0, "half": 0.5, "nan": None, "parameter": 2.0}
    assert numbers_of(known) == expected
