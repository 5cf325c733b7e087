"""Promises of the face locator, with the weights that ship."""

from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Float
from PIL import Image

from reggan_plugin.errors import ModelCardError, ModelHashError
from reggan_plugin.faces.locator import (
    DEFAULT_FOLDER,
    LEAST_SCORE,
    Candidate,
    FaceLocator,
    Pyramid,
    build_pyramid,
    shown_cells,
)
from reggan_plugin.imaging.crop import FaceCrop

SAMPLES = Path(__file__).parents[2] / "reggan_plugin" / "samples"
EYES = {
    "avatar_png/avatar.1001.png": ((737, 331), (585, 328)),
    "statue/statue.1001.png": ((759, 326), (588, 315)),
    "toon/toon.1001.png": ((732, 339), (579, 335)),
}
"""Eye centres (left, right) of the sample frames, read off by hand to about 4 px."""
EYE_TOLERANCE = 0.08
"""In eye distances: what was read off by hand, plus the locator's own error."""

Frame = Float[np.ndarray, "height width 3"]


@pytest.fixture(scope="module")
def locator() -> FaceLocator:
    return FaceLocator()


def read_sample(name: str) -> Frame:
    picture = Image.open(SAMPLES / name).convert("RGB")
    return np.asarray(picture, dtype=np.float32) / np.float32(255.0)


def turn_about_middle(frame: Frame, degrees: float) -> Frame:
    """Rotate a frame clockwise and keep its size."""
    picture = Image.fromarray((frame * 255).astype(np.uint8))
    turned = picture.rotate(-degrees, Image.Resampling.BICUBIC)
    return np.asarray(turned, dtype=np.float32) / np.float32(255.0)


def assert_eyes_at(locator: FaceLocator, frame: Frame, expected: Float[np.ndarray, "2 2"]) -> None:
    faces = locator.locate(frame)
    assert len(faces) == 1
    distance = np.hypot(*(expected[0] - expected[1]))
    misses = np.hypot(*(faces[0].points[:2] - expected).T) / distance
    assert misses.max() < EYE_TOLERANCE


@pytest.mark.parametrize("name", EYES)
def test_finds_the_one_face_of_a_sample_frame(locator: FaceLocator, name: str) -> None:
    assert_eyes_at(locator, read_sample(name), np.array(EYES[name], dtype=float))


@pytest.mark.parametrize("name", EYES)
@pytest.mark.parametrize("degrees", [-25.0, 25.0])
def test_finds_a_rolled_face(locator: FaceLocator, name: str, degrees: float) -> None:
    frame = turn_about_middle(read_sample(name), degrees)
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([frame.shape[1], frame.shape[0]]) / 2
    assert_eyes_at(locator, frame, (np.array(EYES[name]) - middle) @ turn.T + middle)


@pytest.mark.parametrize("name", EYES)
@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_finds_a_face_that_lies_or_stands_on_its_head(
    locator: FaceLocator, name: str, quarters: int
) -> None:
    frame = read_sample(name)
    height, width = frame.shape[:2]
    x, y = np.array(EYES[name], dtype=float).T
    places = ((y, width - x), (width - x, height - y), (height - y, x))[quarters - 1]
    turned = np.ascontiguousarray(np.rot90(frame, quarters))
    assert_eyes_at(locator, turned, np.column_stack(places))


@pytest.mark.parametrize("name", EYES)
def test_finds_a_face_of_48_px_in_a_larger_frame(locator: FaceLocator, name: str) -> None:
    eyes = np.array(EYES[name], dtype=float)
    scale = 48 / 2.6 / np.hypot(*(eyes[0] - eyes[1]))
    picture = Image.fromarray((read_sample(name) * 255).astype(np.uint8))
    width, height = round(picture.width * scale), round(picture.height * scale)
    small = picture.resize((width, height), Image.Resampling.LANCZOS)
    frame = np.full((1080, 1920, 3), 0.3, dtype=np.float32)
    frame[600 : 600 + height, 900 : 900 + width] = np.asarray(small, dtype=np.float32) / 255
    scaled = eyes * (width / picture.width, height / picture.height) + (900, 600)
    assert_eyes_at(locator, frame, scaled)


@pytest.mark.parametrize("size", [(1, 1), (16, 4000), (4000, 16), (23, 23), (25, 999)])
def test_thin_and_tiny_frames_hold_no_face(locator: FaceLocator, size: tuple[int, int]) -> None:
    assert locator.locate(np.full((*size, 3), 0.5, dtype=np.float32)) == []


def test_a_gradient_holds_no_face(locator: FaceLocator) -> None:
    ramp = np.linspace(0, 1, 1280, dtype=np.float32)[None, :, None]
    assert locator.locate(np.broadcast_to(ramp, (720, 1280, 3))) == []


def test_only_places_that_can_become_a_face_are_read(
    locator: FaceLocator, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = locator.read_landmarks
    scores: list[float] = []

    def remember(
        pyramid: Pyramid, candidates: list[Candidate], views: tuple[tuple[float, float], ...]
    ) -> list[Candidate]:
        scores.extend(one.score for one in candidates)
        return read(pyramid, candidates, views)

    monkeypatch.setattr(locator, "read_landmarks", remember)
    frame = read_sample("toon/toon.1001.png")
    assert len(locator.locate(frame)) == 1
    assert (
        min(scores) >= LEAST_SCORE > min(one.score for one in locator.search(build_pyramid(frame)))
    )


def test_a_followed_face_that_hardly_moved_is_read_once(
    locator: FaceLocator, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = read_sample("toon/toon.1001.png")
    exact = locator.read_near(image, locator.locate(image)[0].points)
    assert exact is not None
    read, views_of = locator.read_landmarks, list[int]()

    def remember(
        pyramid: Pyramid, candidates: list[Candidate], views: tuple[tuple[float, float], ...]
    ) -> list[Candidate]:
        views_of.append(len(views))
        return read(pyramid, candidates, views)

    monkeypatch.setattr(locator, "read_landmarks", remember)
    eyes_px = exact.eye_distance_px
    for moved_px, looks in ((0.0, [5]), (0.2 * eyes_px, [5, 5])):
        views_of.clear()
        quick = locator.read_near(image, exact.points + moved_px, is_exact=False)
        assert quick is not None
        assert views_of == looks
        assert np.abs(quick.points - exact.points).max() < 0.04 * eyes_px
        assert quick.score == pytest.approx(exact.score, abs=0.05)


def test_the_same_frame_gives_the_same_landmarks(locator: FaceLocator) -> None:
    frame = read_sample("toon/toon.1001.png")
    first, second = locator.locate(frame), FaceLocator().locate(frame)
    assert [face.score for face in first] == [face.score for face in second]
    assert all((a.points == b.points).all() for a, b in zip(first, second, strict=True))


def test_the_pyramid_of_a_huge_frame_is_bounded() -> None:
    pyramid = build_pyramid(np.zeros((64, 16384, 3), dtype=np.float32))
    assert pyramid.base.gray.shape == (16, 4096)
    assert pyramid.base.frame_px == (4.0, 4.0)


def test_a_sample_of_the_frame_keeps_positions() -> None:
    ramp = np.arange(64, dtype=np.float32) / 64
    frame = np.repeat(np.tile(ramp, (64, 1))[..., None], 3, axis=2)
    crop = FaceCrop(np.array([[1.0, 0.0, 20.25], [0.0, 1.0, 10.0]]), 8)
    sample = build_pyramid(frame).sample(crop)
    expected = (20.25 + np.arange(8)) / 64  # the ramp at continuous x is (x - 0.5) / 64
    np.testing.assert_allclose(sample, np.tile(expected, (8, 1)), atol=1e-6)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    for path in DEFAULT_FOLDER.glob("*.onnx"):
        content = bytearray(path.read_bytes())
        place = content.find(b"Apache-2.0")
        content[place : place + 6] = b"Apachf"
        (tmp_path / path.name).write_bytes(content)
    with pytest.raises(ModelHashError, match="Install or export it again"):
        FaceLocator(tmp_path)


def test_swapped_files_are_refused(tmp_path: Path) -> None:
    for name, source in (("detector", "landmarks"), ("landmarks", "detector")):
        content = (DEFAULT_FOLDER / f"{source}.onnx").read_bytes()
        (tmp_path / f"{name}.onnx").write_bytes(content)
    with pytest.raises(ModelCardError, match="part is 'landmarks'"):
        FaceLocator(tmp_path)


def test_a_backdrop_of_one_tone_is_not_searched_and_the_rest_alike(
    monkeypatch: pytest.MonkeyPatch, locator: FaceLocator
) -> None:
    gray = np.full((400, 700), 0.3, np.float32)
    gray[90:250, 301:450] = np.random.default_rng(3).random((160, 149), np.float32)
    for axis, (first, last) in zip(shown_cells(gray), ((90, 249), (301, 449)), strict=True):
        assert first // 8 + 1 <= axis.start <= first // 8 + 2  # the margin has two cells
        assert last // 8 + 3 <= axis.stop <= last // 8 + 4
    pyramid = build_pyramid(read_sample("avatar_png/avatar.1001.png"))
    seen = sum(
        (rows.stop - rows.start) * (columns.stop - columns.start)
        for rows, columns in map(shown_cells, (level.gray for level in pyramid.searched))
    )
    assert seen < 0.6 * sum(level.gray.size / 64 for level in pyramid.searched)
    found = locator.search(pyramid)
    everywhere = slice(0, 10_000), slice(0, 10_000)
    monkeypatch.setattr("reggan_plugin.faces.locator.shown_cells", lambda _: everywhere)
    for one, other in zip(found, locator.search(pyramid), strict=True):
        assert one.score == other.score
        assert np.array_equal(one.points, other.points)
