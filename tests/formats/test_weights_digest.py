"""The digest of weights alone: the same in every container, another one for any other weights."""

from __future__ import annotations

import io
import json
import os
import pickle
import time
import zipfile
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autolog.content import Staging
from autolog.errors import UnreadableWeights
from autolog.formats import (
    Seen,
    arrays,
    inspect_bundle,
    regions,
    weights_digest,
    weights_digest_of,
    weights_digests,
    weights_digests_of,
)

np = pytest.importorskip("numpy")

pytestmark = pytest.mark.filterwarnings("ignore")


def digest(data, name=""):
    found = weights_digest(io.BytesIO(data), name)
    assert found is None or (found.startswith("weights:blake3:") and len(found) == 15 + 64)
    return found


class Counted(io.BytesIO):
    """Tells how many bytes were read of it."""

    count = 0

    def read(self, size=-1, /):
        data = super().read(size)
        self.count += len(data)
        return data


def of_files(**files):
    return weights_digest_of([(name, partial(io.BytesIO, data)) for name, data in files.items()])


class TestTorch:
    torch = pytest.importorskip("torch")
    safetensors = pytest.importorskip("safetensors.torch")

    def saved(self, made, **options):
        file = io.BytesIO()
        self.torch.save(made, file, **options)
        return file.getvalue()

    @pytest.fixture(scope="class")
    def net(self):
        torch = self.torch
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.Embedding(7, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 7))
        net[2].weight = net[0].weight
        net.register_buffer("table", torch.randn(3, 5).t())
        net.register_buffer("narrow", torch.randn(3).bfloat16())
        return net

    @pytest.fixture(scope="class")
    def same(self, net):
        """The same weights in many files."""
        torch = self.torch
        adam = torch.optim.AdamW(net.parameters())
        net(torch.tensor([1, 2, 3])).sum().backward()
        adam.step()
        state = net.state_dict()
        copied = {key: value.clone() for key, value in state.items()}
        checkpoint = {"model_state_dict": state, "optimizer": adam.state_dict(), "epoch": 3}
        legacy = {"_use_new_zipfile_serialization": False}
        script = io.BytesIO()
        torch.jit.save(torch.jit.script(net.eval()), script)
        return {
            "zip": self.saved(state),
            "legacy": self.saved(state, **legacy),
            "protocol 4": self.saved(state, pickle_protocol=4),
            "copied": self.saved(copied),
            "turned": self.saved({key: copied[key] for key in reversed(copied)}),
            "checkpoint": self.saved(checkpoint),
            "later checkpoint": self.saved({**checkpoint, "epoch": 4, "loss": torch.tensor(0.25)}),
            "legacy checkpoint": self.saved(checkpoint, **legacy),
            "module": self.saved(net),
            "script": script.getvalue(),
            "safetensors": self.safetensors.save({key: v.contiguous() for key, v in copied.items()}),
        }

    def test_every_container(self, same, tmp_path, net):
        self.safetensors.save_model(net, str(tmp_path / "tied.safetensors"))
        same = {**same, "tied": (tmp_path / "tied.safetensors").read_bytes()}
        assert len({digest(data) for data in same.values()} - {None}) == 1, {
            kind: digest(data) for kind, data in same.items()
        }

    def test_tied_tensors_under_one_name(self, net, same):
        """As Transformers writes them, which says nowhere what it left out."""
        state = {key: value.clone().contiguous() for key, value in net.state_dict().items()}
        files = [
            self.safetensors.save({key: state[key] for key in state if key != name})
            for name in ("0.weight", "2.weight")
        ]
        whole = weights_digests(io.BytesIO(same["zip"]))
        assert whole == weights_digests(io.BytesIO(same["legacy checkpoint"]))
        assert whole[0] == digest(same["zip"])
        assert set(whole[1:]) == {digest(data) for data in files}
        assert weights_digests(io.BytesIO(same["copied"])) == whole[:1]
        assert weights_digests(io.BytesIO(files[0])) == (digest(files[0]),)
        many = {f"w{at}": net[0].weight for at in range(40)}
        assert len(weights_digests(io.BytesIO(self.saved(many)))) == 17
        assert weights_digests(io.BytesIO(b"")) == ()

    def test_tensors_of_many_pieces(self, tmp_path):
        """What is known of their chunks is not read again, and gives the same digest."""
        torch = self.torch
        torch.manual_seed(1)
        big = torch.randn(700_001)
        state = {
            "big": big,
            "turned": torch.randn(600, 1000).t(),
            "part": big[3:600_000],
            "double": torch.randn(200_000).double(),
            "exact": torch.randn(1 << 18),
        }
        copied = {key: value.clone().contiguous() for key, value in state.items()}
        path = tmp_path / "m.pt"
        torch.save(state, path)
        with open(path, "rb") as file:
            whole, seen = weights_digest(file), Seen()
            staging = Staging(str(tmp_path / "aside"), {})
            kept = staging.add("", file.fileno(), path.stat().st_size, regions(file, "m.pt", seen))
            seen.ranges["m.pt"] = kept.ranges()
            assert weights_digests(file, "m.pt", seen) == (whole,)
            read = []
            for each in (Seen(), seen):
                reads = Counted(path.read_bytes())
                assert weights_digests(reads, "m.pt", each) == (whole,)
                read.append(reads.count)
        assert read[1] < 0.7 * read[0]
        assert digest(self.safetensors.save(copied)) == whole
        copied["big"][-1] += 1
        assert digest(self.safetensors.save(copied)) != whole

    def test_another_file_name(self, net, same, tmp_path):
        for name in ("one.pt", "other.pt"):
            self.torch.save(net.state_dict(), tmp_path / name)
        one, other = ((tmp_path / name).read_bytes() for name in ("one.pt", "other.pt"))
        assert one != other
        assert digest(one) == digest(other) == digest(same["zip"])

    def test_another_byte_order(self, same):
        big = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(same["zip"])) as old, zipfile.ZipFile(big, "w") as new:
            for entry in old.namelist():
                data = old.read(entry)
                if entry.endswith("byteorder"):
                    data = b"big"
                elif "/data/" in entry:
                    # All are of four bytes but the counter of batches and the halves.
                    width = {8: 8, 6: 2}.get(len(data), 4)
                    data = np.frombuffer(data, f"u{width}").byteswap().tobytes()
                new.writestr(entry, data)
        assert digest(big.getvalue()) == digest(same["zip"])

    def test_export(self, net, same):
        out = io.BytesIO()
        program = self.torch.export.export(net.eval(), (self.torch.tensor([1, 2]),))
        self.torch.export.save(program, out)
        assert digest(out.getvalue()) == digest(same["zip"])

    def test_other_weights(self, net, same):
        torch = self.torch
        state = {key: value.clone() for key, value in net.state_dict().items()}
        others = {
            "an element": {**state, "narrow": state["narrow"] + torch.tensor([0, 0, 0.5]).bfloat16()},
            "a sign of zero": {**state, "1.bias": -torch.zeros(4)},
            "a type": {**state, "narrow": state["narrow"].float()},
            "a type of equal bytes": {**state, "narrow": state["narrow"].view(torch.int16)},
            "a name": {key.replace("narrow", "third"): value for key, value in state.items()},
            "a shape": {**state, "table": state["table"].t().contiguous()},
            "a shape of equal bytes": {**state, "table": state["table"].contiguous().view(3, 5)},
            "one less": {key: value for key, value in state.items() if key != "narrow"},
            "one more": {**state, "more": torch.zeros(1)},
            "an axis": {**state, "narrow": state["narrow"][None]},
            "two swapped": {**state, "1.weight": state["1.bias"], "1.bias": state["1.weight"]},
            "a prefix": {f"module.{key}": value for key, value in state.items()},
            "two models": {"model": state, "ema": state},
        }
        digests = {kind: digest(self.saved(made)) for kind, made in others.items()}
        assert None not in digests.values()
        assert len({*digests.values(), digest(same["zip"])}) == len(others) + 1, digests

    def test_what_can_not_be_told(self):
        torch = self.torch
        plain = {"w": torch.randn(3, 3)}
        unseen = {
            "quantized": torch.quantize_per_tensor(torch.randn(2, 2), 0.1, 0, torch.qint8),
            "sparse": torch.eye(3).to_sparse(),
            "conjugated": torch.randn(3, dtype=torch.complex64).conj(),
            "meta": torch.zeros(3, device="meta"),
            "nested": torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]),
        }
        assert digest(self.saved(plain)) is not None
        for kind, tensor in unseen.items():
            assert digest(self.saved({**plain, "x": tensor})) is None, kind
        assert digest(self.saved({"epoch": 3})) is None
        assert digest(self.saved({"optimizer": plain})) is None
        assert digest(pickle.dumps(plain)) is None
        assert digest(b"") is None
        assert digest(self.saved(plain)[:-30]) is None

    def test_a_name_of_a_thousand_characters(self):
        one, other = ({"x" * 1500 + end: self.torch.ones(2)} for end in "ab")
        assert digest(self.saved(one)) is None
        assert digest(self.saved({"w": one, "v": other})) is None

    def test_tensors_without_end(self):
        torch = self.torch
        wide = torch.zeros(1).expand(1 << 40)
        assert digest(self.saved({"w": wide})) is None
        assert digest(self.saved({"w": torch.zeros(1).expand(1000, 1000)})) is not None
        many = torch.randn(200_000)
        views = {f"w{at}": many[at : at + 190_000] for at in range(3000)}
        assert digest(self.saved(views)) is None

    @settings(max_examples=40, deadline=None)
    @given(
        st.dictionaries(
            st.text("ab.\0é", min_size=1, max_size=4), st.lists(st.integers(0, 3), max_size=3), min_size=1
        ),
        st.randoms(use_true_random=False),
    )
    def test_any_state_dict(self, shapes, random):
        torch = self.torch
        state = {key: torch.randn(*shape, 2) for key, shape in shapes.items()}
        expected = digest(self.saved(state))
        assert expected is not None
        names = list(state)
        random.shuffle(names)
        again = {key: state[key].clone() for key in names}
        assert digest(self.saved({"m": again, "optimizer": state, "epoch": 1})) == expected
        assert digest(self.saved(again, _use_new_zipfile_serialization=False)) == expected
        key = names[0]
        other = {**again, key: again[key] + 1}
        assert (digest(self.saved(other)) == expected) == (again[key].numel() == 0)

    def test_shards(self, net):
        save = self.safetensors.save
        state = {key: value.clone().contiguous() for key, value in net.state_dict().items()}
        names = list(state)
        parts = [save({key: state[key] for key in names[:3]}), save({key: state[key] for key in names[3:]})]
        shards = {"m-1-of-2.safetensors": parts[0], "m-2-of-2.safetensors": parts[1]}
        index = {"metadata": {"total_size": 1}, "weight_map": {"a": "m-1-of-2.safetensors"}}
        index["weight_map"]["b"] = "m-2-of-2.safetensors"
        whole = digest(save(state))
        listed = {**shards, "m.safetensors.index.json": json.dumps(index).encode()}
        beside = {"config.json": b'{"model_type": "bert"}', "optimizer.pt": self.saved({"w": net.table})}
        assert of_files(**{"m.safetensors": save(state)}) == whole
        assert of_files(**shards) == of_files(**listed) == of_files(**listed, **beside) == whole
        assert of_files(**{"pytorch_model.bin": self.saved(state), "m.safetensors": save(state)}) == whole
        del listed["m-2-of-2.safetensors"]
        assert of_files(**listed) is None
        assert of_files(**shards, **{"m-3-of-3.safetensors": parts[1][:-1]}) is None
        other = {**state, "narrow": state["narrow"] + 1}
        assert of_files(**{"a.safetensors": save(other), "b.safetensors": save(state)}) is None
        apart = {f"{part}/m.safetensors": data for part, data in zip("ab", parts, strict=True)}
        assert of_files(**apart) not in (None, whole)
        assert of_files(**{"config.json": b"{}"}) is None
        files = [(name, partial(io.BytesIO, data)) for name, data in shards.items()]
        files.append(("teacher.pt", partial(io.BytesIO, self.saved({"x": net.table}))))
        assert weights_digest_of(files, {"teacher.pt"}) == whole

    def test_a_checkpoint_in_pieces_is_not_told(self, net, tmp_path):
        import torch.distributed.checkpoint as dcp

        dcp.save(net.state_dict(), checkpoint_id=str(tmp_path / "dcp"))
        files = {path.name: path.read_bytes() for path in (tmp_path / "dcp").iterdir()}
        assert of_files(**files) is None


class TestKeras:
    @pytest.fixture(scope="class")
    def model(self):
        keras = pytest.importorskip("keras")
        layers = keras.layers
        model = keras.Sequential(
            [
                keras.Input((3,)),
                layers.Dense(4, name="a"),
                layers.BatchNormalization(),
                layers.Dropout(0.5),
                layers.Dense(2, dtype="bfloat16"),
            ]
        )
        model.compile("adam", "mse")
        model.fit(np.zeros((4, 3)), np.zeros((4, 2)), verbose=0)
        return model

    def saved(self, model, tmp_path, name):
        (model.save_weights if ".weights." in name else model.save)(tmp_path / name)
        return (tmp_path / name).read_bytes()

    def test_the_same_weights(self, model, tmp_path):
        one = self.saved(model, tmp_path, "m.keras")
        time.sleep(1.1)  # the time of saving is kept in seconds
        other = self.saved(model, tmp_path, "n.keras")
        assert one != other
        weights = self.saved(model, tmp_path, "m.weights.h5")
        assert len({digest(one), digest(other), digest(weights)} - {None}) == 1
        assert len(arrays(io.BytesIO(one))) == len(model.weights)

    @pytest.mark.parametrize("name", ["m.keras", "m.weights.h5", "m.h5"])
    def test_other_weights(self, model, tmp_path, name):
        before = digest(self.saved(model, tmp_path, name))
        kernel = model.layers[0].kernel
        kept = kernel.numpy()
        kernel.assign(kept + np.eye(3, 4, dtype="f4") * 1e-6)
        after = digest(self.saved(model, tmp_path, name))
        kernel.assign(kept)
        again = digest(self.saved(model, tmp_path, name))
        assert None not in (before, after)
        assert before == again != after

    def test_compressed(self, model, tmp_path):
        out = io.BytesIO()
        self.saved(model, tmp_path, "m.keras")
        with (
            zipfile.ZipFile(tmp_path / "m.keras") as old,
            zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
        ):
            for entry in old.namelist():
                new.writestr(entry, old.read(entry))
        assert digest(out.getvalue()) is None


def test_pickled_objects_are_not_told(tmp_path):
    joblib = pytest.importorskip("joblib")
    linear_model = pytest.importorskip("sklearn.linear_model")
    model = linear_model.LinearRegression().fit(np.eye(4), np.arange(4.0))
    joblib.dump(model, tmp_path / "m.joblib")
    assert digest((tmp_path / "m.joblib").read_bytes()) is None


def test_npz():
    def saved(**made):
        out = io.BytesIO()
        np.savez(out, **made)
        return out.getvalue()

    one, other = np.arange(6.0).reshape(2, 3), np.arange(3)
    assert digest(saved(a=one, b=other)) == digest(saved(b=other, a=np.asfortranarray(one)))
    assert digest(saved(a=one, b=other)) == digest(saved(b=other.astype(">i8"), a=one.astype(">f8")))
    assert digest(saved(a=one, b=other)) != digest(saved(a=other, b=one))


def test_bytes_whose_digest_is_known_are_not_read_again(tmp_path):
    torch = pytest.importorskip("torch")
    from autolog.content import Staging

    torch.manual_seed(0)
    base = torch.randn(60, 200)
    state = {"a": torch.randn(100, 100), "turned": base.t(), "small": torch.randn(3), "base": base}
    torch.save(state, tmp_path / "w.pt")
    seen = Seen()
    with open(tmp_path / "w.pt", "rb") as file:
        spans = regions(file, "w.pt", seen)
        staging = Staging(str(tmp_path / "aside"), {})
        put = staging.add("", file.fileno(), os.path.getsize(tmp_path / "w.pt"), spans)
        staging.abandon()
        alone = weights_digests(file, "w.pt")
    seen.ranges["w.pt"] = put.ranges()
    data = bytearray((tmp_path / "w.pt").read_bytes())
    at = data.index(state["a"].numpy().tobytes())
    data[at : at + 40_000] = bytes(40_000)
    assert alone
    assert weights_digests(io.BytesIO(data), "w.pt", seen) == alone
    assert weights_digests(io.BytesIO(data), "w.pt") != alone


def test_what_was_seen_of_a_file_is_seen_again(tmp_path):
    seen = Seen()
    damaged = io.BytesIO(b"PK\x03\x04 and no more")
    for _ in range(2):
        with pytest.raises(UnreadableWeights, match=r"truncated|zip"):
            seen.inspect(damaged, "w.pt")
    assert seen.has("w.pt")
    assert regions(damaged, "w.pt", seen) == () == weights_digests(damaged, "w.pt", seen)


def test_parts_are_seen_by_their_whole_names():
    one, other = io.BytesIO(), io.BytesIO()
    np.savez(one, a=np.ones(3))
    np.savez(other, a=np.ones(4))
    files = [
        ("x/m.npz", partial(io.BytesIO, one.getvalue())),
        ("y/m.npz", partial(io.BytesIO, other.getvalue())),
    ]
    assert weights_digests_of(files, seen=Seen()) == weights_digests_of(files)
    assert inspect_bundle(files, seen=Seen()) == inspect_bundle(files)
