"""What OpenCV reads and writes, in compiled code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from prefect_lineage.testing import captured
from prefect_lineage_hooks import files, opencv_io
from tests.hooks.calls import Call, Calls

cv2 = pytest.importorskip("cv2", reason="opencv is not installed")

calls = Calls(files, opencv_io)
case = calls.case
IMAGE = np.zeros((16, 16, 3), np.uint8)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "in.png"), IMAGE)
    writer = cv2.VideoWriter(str(tmp_path / "in.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 5, (16, 16))
    writer.write(IMAGE)
    writer.release()
    return tmp_path


@case("R in.png")
def imread(data: Path) -> None:
    assert cv2.imread(str(data / "in.png")) is not None
    assert cv2.imread(filename=str(data / "in.png"), flags=cv2.IMREAD_GRAYSCALE) is not None


@case()
def imread_of_what_is_not_there(data: Path) -> None:
    assert cv2.imread(str(data / "missing.png")) is None


@case("R in.png")
def imreadmulti(data: Path) -> None:
    assert cv2.imreadmulti(str(data / "in.png"))[0]


@case("W out.jpg")
def imwrite(data: Path) -> None:
    assert cv2.imwrite(str(data / "out.jpg"), IMAGE)


@case("R in.png", "W out.png")
def encoded_by_hand(data: Path) -> None:
    image = cv2.imdecode(np.fromfile(data / "in.png", np.uint8), cv2.IMREAD_COLOR)
    cv2.imencode(".png", image)[1].tofile(data / "out.png")


@case("R in.avi")
def video_capture(data: Path) -> None:
    video = cv2.VideoCapture(str(data / "in.avi"))
    assert isinstance(video, cv2.VideoCapture)
    assert video.read()[0]
    video.release()


@case()
def video_capture_of_what_is_not_there(data: Path) -> None:
    assert not cv2.VideoCapture(str(data / "missing.avi")).isOpened()


@case("W out.avi")
def video_writer(data: Path) -> None:
    writer = cv2.VideoWriter(str(data / "out.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 5, (16, 16))
    writer.write(IMAGE)
    writer.release()


@case("W out.yml")
def file_storage(data: Path) -> None:
    storage = cv2.FileStorage(str(data / "out.yml"), cv2.FILE_STORAGE_WRITE)
    storage.write("a", 1)
    storage.release()
    again = cv2.FileStorage(str(data / "out.yml"), cv2.FILE_STORAGE_READ)
    assert again.getNode("a").real() == 1
    again.release()


@pytest.mark.parametrize(("call", "truth", "needs"), calls.cases)
def test_a_call_is_seen_as_what_it_does(call: Call, truth: list[str], needs: str, data: Path) -> None:
    calls.check(call, truth, needs, data)


def test_images_are_images(data: Path) -> None:
    with captured(opencv_io, root=data) as seen:
        cv2.imwrite(str(data / "out.png"), cv2.imread(str(data / "in.png")))
    assert {seen.edge(line).type for line in seen.lines} == {"image"}
    assert seen.vias == {"R in.png": "cv2.imread", "W out.png": "cv2.imwrite"}
