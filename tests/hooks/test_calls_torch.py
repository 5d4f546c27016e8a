"""What PyTorch and safetensors save and load: they write in compiled code."""

from __future__ import annotations

import io
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest

from prefect_lineage.testing import captured
from prefect_lineage_hooks import files, safetensors_io, torch_io
from tests.hooks.calls import Call, Calls

safetensors = pytest.importorskip("safetensors", reason="safetensors is not installed")
import safetensors.numpy  # noqa: E402, F811

calls = Calls(files, safetensors_io, torch_io)
case = calls.case


@pytest.fixture
def data(tmp_path: Path) -> Path:
    safetensors.numpy.save_file({"w": np.ones(4)}, tmp_path / "in.safetensors")
    return tmp_path


@case("R in.safetensors")
def load_file(data: Path) -> None:
    safetensors.numpy.load_file(data / "in.safetensors")


@case("R in.safetensors")
def safe_open(data: Path) -> None:
    with safetensors.safe_open(str(data / "in.safetensors"), framework="np") as file:
        assert isinstance(file, safetensors.safe_open)
        assert file.get_tensor("w").sum() == 4


@case("W out.safetensors")
def save_file(data: Path) -> None:
    safetensors.numpy.save_file({"w": np.ones(4)}, str(data / "out.safetensors"))


@case()
def safetensors_in_memory(data: Path) -> None:
    safetensors.numpy.load(safetensors.numpy.save({"w": np.ones(4)}))


@case("R in.safetensors", "W out.safetensors", needs="torch")
def safetensors_of_torch(data: Path) -> None:
    import safetensors.torch

    found = safetensors.torch.load_file(data / "in.safetensors")
    safetensors.torch.save_file(found, data / "out.safetensors")


@case("W model.safetensors", needs="torch")
def safetensors_of_a_module(data: Path) -> None:
    import safetensors.torch
    import torch

    module = torch.nn.Linear(2, 1)
    safetensors.torch.save_model(module, str(data / "model.safetensors"))
    safetensors.torch.load_model(module, data / "model.safetensors")


@case("R in.pt", "W out.pt", needs="torch")
def save_and_load(data: Path) -> None:
    import torch

    torch.save(torch.load(data / "in.pt"), data / "out.pt")


@case("R in.pt", needs="torch")
def load_mapped(data: Path) -> None:
    import torch

    torch.load(str(data / "in.pt"), mmap=True, weights_only=True)


@case("R in.pt", "W old.pt", needs="torch")
def open_files_and_the_old_format(data: Path) -> None:
    import torch

    with open(data / "in.pt", "rb") as file:
        found = torch.load(file)
    torch.save(found, data / "old.pt", _use_new_zipfile_serialization=False)


@case(needs="torch")
def buffers(data: Path) -> None:
    import torch

    buffer = io.BytesIO()
    torch.save({"a": 1}, buffer)
    buffer.seek(0)
    torch.load(buffer)


@case("W traced.pt", "W twice.pt", needs="torch")
def jit(data: Path) -> None:
    import torch

    traced = torch.jit.trace(torch.nn.Linear(2, 1), torch.ones(1, 2))
    torch.jit.save(traced, str(data / "traced.pt"))
    traced.save(str(data / "twice.pt"))
    torch.jit.load(str(data / "traced.pt"))


@case("R in.bin", needs="torch")
def from_file(data: Path) -> None:
    import torch

    torch.from_file(str(data / "in.bin"), shared=False, size=4)


@case("R in.bin", needs="torch")
def tensors_from_numpy(data: Path) -> None:
    import torch

    torch.from_numpy(np.fromfile(data / "in.bin", dtype="f4"))


def _make(data: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    torch.save({"w": torch.ones(4)}, data / "in.pt")
    np.ones(4, dtype="f4").tofile(data / "in.bin")


@pytest.mark.parametrize(("call", "truth", "needs"), calls.cases)
def test_a_call_is_seen_as_what_it_does(call: Call, truth: list[str], needs: str, data: Path) -> None:
    if needs:
        _make(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated, and there
        calls.check(call, truth, needs, data)


def test_modules_weights_and_checkpoints_are_models(data: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    module = torch.nn.Linear(2, 1)
    with captured(torch_io, root=data) as seen:
        torch.save(module, data / "module.pt")
        torch.save(module.state_dict(), data / "weights.pt")
        torch.save({"epoch": 3, "model": module.state_dict()}, data / "checkpoint.pt")
        torch.save([1, 2], data / "list.pt")
    types = {line: seen.edge(line).type for line in seen.lines}
    assert types == {
        "W checkpoint.pt": "model",
        "W list.pt": "file",
        "W module.pt": "model",
        "W weights.pt": "model",
    }
    assert dict(seen.edge("W weights.pt").content.schema)["weight"] == "float32[1, 2]"


def test_functions_are_pickled_as_before(data: Path) -> None:
    with captured(safetensors_io, root=data):
        function = safetensors.numpy.load_file
        assert pickle.loads(pickle.dumps(function)) is function


class _Files:
    """A dataset as torch wants it: each item is a file."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> int:
        return len(self.paths[number].read_text())


# lance, which other tests import, warns in every fork of the process
@pytest.mark.filterwarnings("ignore:.*__warn_on_fork:pytest.PytestUnraisableExceptionWarning")
def test_what_the_worker_of_a_data_loader_reads_is_read(tmp_path: Path) -> None:
    loading = pytest.importorskip("torch.utils.data", reason="torch is not installed")
    for name in "ab":
        (tmp_path / name).write_text(name)
    with captured(torch_io, root=tmp_path) as seen:
        assert len(list(loading.DataLoader(_Files([tmp_path / "a", tmp_path / "b"]), num_workers=1))) == 2
    assert seen.lines == ["R a", "R b"]
