"""Files that PyTorch wrote, compared with what PyTorch itself says is in them."""

from __future__ import annotations

import io
import pickle
import zipfile

import pytest

from autolog.formats import weights_digest

torch = pytest.importorskip("torch")
nn = torch.nn

pytestmark = pytest.mark.filterwarnings("ignore")  # quantized and nested tensors are deprecated upstream


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(7, 4)
        self.body = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Identity())
        self.rnn = nn.LSTM(4, 3, num_layers=2)
        self.head = nn.Linear(4, 7, bias=False)
        self.head.weight = self.embed.weight
        self.again = self.body
        self.register_buffer("scale", torch.ones(2, dtype=torch.float16))
        self.register_buffer("scratch", torch.ones(9), persistent=False)
        self.register_parameter("missing", None)
        self.note = {"plain": torch.zeros(3)}

    def forward(self, index):
        return self.head(self.body(self.embed(index)))


def saved(made, **options):
    file = io.BytesIO()
    torch.save(made, file, **options)
    return file.getvalue()


def rows(state, prefix=""):
    return [
        (prefix + key, tuple(value.shape), str(value.dtype).removeprefix("torch."))
        for key, value in state.items()
    ]


def named(contents):
    return [(found.name, found.shape, found.dtype) for found in contents.tensors]


def elements(state):
    """The elements of a state dict, a tied tensor once."""
    return sum({(value.data_ptr(), value.shape): value.numel() for value in state.values()}.values())


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return Net()


@pytest.fixture(scope="module")
def checkpoint(net):
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.tensor([1, 2, 3])).sum().backward()
    optimizer.step()
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    return {
        "epoch": 3,
        "model": net.state_dict(),
        "optimizer": optimizer.state_dict(),
        "lr_scheduler": scheduler.state_dict(),
        "rng_state": torch.get_rng_state(),
        "best_acc": 0.5,
    }


ZIP_OR_LEGACY = pytest.mark.parametrize(
    ("options", "form"),
    [
        ({}, "torch zip"),
        ({"pickle_protocol": 4}, "torch zip"),
        ({"_use_new_zipfile_serialization": False}, "torch legacy"),
        ({"_use_new_zipfile_serialization": False, "pickle_protocol": 5}, "torch legacy"),
    ],
)


@ZIP_OR_LEGACY
def test_a_state_dict(look, net, options, form):
    found = look(saved(net.state_dict(), **options))
    assert found.format == form
    assert named(found) == rows(net.state_dict())
    assert found.parameters == elements(net.state_dict())
    assert found.dangerous == ()
    assert found.details == {}


@ZIP_OR_LEGACY
def test_a_module_is_named_as_its_state_dict(look, net, options, form):
    found = look(saved(net, **options))
    assert found.format == form
    assert named(found) == rows(net.state_dict())
    assert found.parameters == elements(net.state_dict())
    assert found.dangerous == ()
    assert found.details["class"].endswith(".Net")
    assert found.details["imports"] == [found.details["class"]]


@ZIP_OR_LEGACY
def test_a_checkpoint(look, net, checkpoint, options, form):
    found = look(saved(checkpoint, **options))
    assert found.format == form
    got = named(found)
    assert [row for row in got if row[0].startswith("model.")] == rows(net.state_dict(), "model.")
    state = checkpoint["optimizer"]["state"]
    expected = [row for key in state for row in rows(state[key], f"optimizer.state.{key}.")]
    assert [row for row in got if row[0].startswith("optimizer.")] == expected
    assert found.parameters == elements(net.state_dict())
    assert found.details == {"epoch": 3, "best_acc": 0.5}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_pickles_of_tensors(look, net, protocol):
    for made in (net, net.state_dict()):
        found = look(pickle.dumps(made, protocol))
        assert found.format == "pickle"
        assert named(found) == rows(net.state_dict())
        assert found.parameters == elements(net.state_dict())
        assert found.dangerous == ()


def test_large_tensors_in_a_plain_pickle_are_stepped_over(look):
    found = look(pickle.dumps({"w": torch.zeros(1000, 1000)}))
    assert named(found) == [("w", (1000, 1000), "float32")]


DTYPES = (
    "float64 float32 float16 bfloat16 float8_e4m3fn float8_e5m2 complex64 complex128 "
    "int64 int32 int16 int8 uint8 uint16 uint32 uint64 bool"
)


@ZIP_OR_LEGACY
def test_every_element_type(look, options, form):
    state = {name: torch.zeros(2, 3).to(getattr(torch, name)) for name in DTYPES.split()}
    state["scalar"] = torch.tensor(1.0)
    state["empty"] = torch.zeros(0, 5)
    found = look(saved(state, **options))
    assert found.format == form
    assert named(found) == rows(state)
    assert found.parameters == sum(value.numel() for value in state.values())


def test_views_share_their_storage(look):
    base = torch.zeros(10)
    state = {
        "all": base,
        "part": base[2:5],
        "same": base,
        "wide": torch.zeros(1).expand(1000),
        "t": base.view(2, 5).t(),
    }
    found = look(saved(state))
    assert named(found) == rows(state)
    assert found.parameters == 11


def test_flat_weights_of_an_rnn_count_each_slice(look):
    flat = torch.zeros(12)
    state = {"w": flat[:8].view(2, 4), "b": flat[8:]}
    assert look(saved(state)).parameters == 12


def test_unusual_tensors(look):
    state = {
        "coo": torch.eye(3).to_sparse(),
        "csr": torch.eye(3).to_sparse_csr(),
        "quantized": torch.quantize_per_tensor(torch.zeros(2, 2), 0.1, 0, torch.qint8),
        "buffer": nn.Buffer(torch.ones(2)),
        "parameter": nn.Parameter(torch.ones(4)),
        "meta": torch.zeros(3, 5, device="meta"),
    }
    found = look(saved(state))
    assert named(found) == rows(state)
    assert found.dangerous == ()


@pytest.mark.parametrize("kind", ["script", "trace"])
def test_torchscript(look, kind):
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.BatchNorm1d(4)).eval()
    made = torch.jit.script(net) if kind == "script" else torch.jit.trace(net, torch.zeros(2, 3))
    file = io.BytesIO()
    torch.jit.save(made, file)
    found = look(file.getvalue())
    assert found.format == "TorchScript"
    assert sorted(named(found)) == sorted(rows(made.state_dict()))
    assert found.parameters == elements(net.state_dict())
    assert found.dangerous == ()


def test_torchscript_constants_are_followed(look, any_outcome):
    class Adds(nn.Module):
        def forward(self, x):
            return x + torch.arange(5)

    file = io.BytesIO()
    torch.jit.save(torch.jit.trace(Adds(), torch.zeros(5)), file)
    assert look(file.getvalue()).format == "TorchScript"


def test_nested_containers(look):
    found = look(saved({"models": [nn.Linear(2, 1), nn.Linear(1, 1).state_dict()], "ema": (torch.zeros(1),)}))
    assert [row[0] for row in named(found)] == [
        "models.0.weight", "models.0.bias", "models.1.weight", "models.1.bias", "ema.0"
    ]  # fmt: skip


def test_several_optimizers_as_frameworks_name_them(look):
    moments = {"state": {0: {"exp_avg": torch.zeros(9)}}, "param_groups": []}
    for key in (
        "optimizer",
        "optim",
        "opt",
        "optimizer_state_dict",
        "optimizer_states",
        "optimizerD",
        "g_optimizer",
        "whatever",
    ):
        value = [moments] if key.endswith("s") else moments
        found = look(saved({"state_dict": {"option.weight": torch.zeros(2)}, key: value}))
        assert found.parameters == 2, key
        assert len(found.tensors) == 2
    assert look(saved({"opt": torch.zeros(3), "adopt": {"w": torch.zeros(2)}})).parameters == 5


def test_a_pickled_optimizer_is_not_counted(look, net):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    assert look(saved({"net": nn.Linear(2, 1), "sgd": optimizer})).parameters == 3


def test_byte_order_and_alignment_entries_do_not_matter(look, net):
    data = saved(net.state_dict())
    assert zipfile.ZipFile(io.BytesIO(data)).namelist()[0].endswith("data.pkl")
    assert look(b"".join((data,)), "weights.h5").format == "torch zip"


def test_a_missing_storage_is_malformed(any_outcome):
    data = saved({"w": torch.zeros(3)})
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(out, "w") as copy:
        for entry in archive.namelist():
            if not entry.endswith("data/0"):
                copy.writestr(entry, archive.read(entry))
    assert "storage" in any_outcome(out.getvalue())


@pytest.mark.parametrize("legacy", [False, True])
def test_truncated_files(any_outcome, net, legacy):
    data = saved(net.state_dict(), _use_new_zipfile_serialization=not legacy)
    for length in range(2, len(data), 97):
        assert isinstance(any_outcome(data[:length]), str) or length < 4, length
    assert isinstance(any_outcome(data[:-1]), str)


def test_a_state_dict_saved_twice_is_two_snapshots_of_equal_contents(look, net):
    assert look(saved(net.state_dict())) == look(saved(net.state_dict()))


def rewritten(data, change):
    """The same archive, its entries (name, bytes) as `change` gives them."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        for name, held in change([(each, source.read(each)) for each in source.namelist()]):
            target.writestr(name, held)
    return out.getvalue()


def test_the_next_save_of_the_same_names_is_seen_as_it_is(look, any_outcome):
    """The same pickle isn't followed twice; where tensors lie, and whether they are there, is looked at."""
    first = saved({"a": torch.zeros(100, 10), "b": torch.zeros(7)})
    found = look(first)
    again = look(saved({"a": torch.ones(100, 10), "b": torch.ones(7)}))
    assert (again, again.regions, again.stored) == (found, found.regions, found.stored)
    assert look(saved({"a": torch.ones(100, 10), "c": torch.ones(7)})).tensors != found.tensors

    moved = rewritten(first, lambda entries: [("archive/more", b"x" * 1000), *entries])
    assert look(moved) == found
    assert [each.offset for each in look(moved).regions] != [each.offset for each in found.regions]
    for region in look(moved).regions:
        assert moved[region.offset : region.offset + region.length] == bytes(region.length)

    other = rewritten(first, lambda entries: [(n.replace("archive/", "epoch_4/"), d) for n, d in entries])
    here = look(rewritten(first, list))
    assert (look(other), look(other).regions) == (here, here.regions)

    short = rewritten(first, lambda entries: [(n, d[:8] if n.endswith("data/0") else d) for n, d in entries])
    assert "lacks bytes of storage" in str(any_outcome(short))
    gone = rewritten(first, lambda entries: [each for each in entries if not each[0].endswith("data/1")])
    assert "lacks bytes of storage" in str(any_outcome(gone))
    big = rewritten(first, lambda entries: [(n, b"big" if n.endswith("order") else d) for n, d in entries])
    assert all(each.place.big for each in look(big).stored)
    assert not any(each.place.big for each in look(first).stored)


def test_strides_are_no_shape(look):
    """Their product is beyond all bounds for a mask of all pairs of positions, and for many dimensions."""
    state = {
        "mask": torch.ones(1, dtype=torch.bool).as_strided((1, 1, 1, 1), (1 << 26, 1 << 26, 1 << 13, 1)),
        "many": torch.arange(4096.0).view([2] * 12),
    }
    data = saved(state)
    found = look(data)
    assert named(found) == rows(state)
    assert found.parameters == 4097
    plain = saved({key: value.clone(memory_format=torch.contiguous_format) for key, value in state.items()})
    assert weights_digest(io.BytesIO(data)) == weights_digest(io.BytesIO(plain)) is not None
