"""What counts as flicker: jumps of the change, not movement of the picture or steady fades."""

from collections.abc import Sequence

import numpy as np
import pytest

from reggan_plugin.report.flicker import Flicker, with_flicker
from reggan_plugin.report.frame_look import FrameLook

NUMBERS = [1, 2, 3, 4, 5]


def measure(
    smiles: Sequence[float], lights: Sequence[float] = (0.5,) * 5, numbers: Sequence[int] = NUMBERS
) -> list[Flicker | None]:
    """Of frames whose changed part is lighter by `smiles`, in pictures as light as `lights`."""
    looks = []
    for smile, light in zip(smiles, lights, strict=True):
        change = np.zeros((8, 8, 3), np.float32)
        change[2:6, 2:6] = smile
        looks.append(FrameLook(face=np.full((8, 8, 3), light, np.float32), change=change))
    return flickers_of(numbers, looks)


def flickers_of(numbers: Sequence[int], looks: Sequence[FrameLook]) -> list[Flicker | None]:
    frames = zip(numbers, looks, strict=True)
    return [flicker for _, flicker in with_flicker(frames, lambda frame: frame)]


def visible(flickers: Sequence[Flicker | None]) -> list[bool]:
    return [flicker is not None and flicker.is_visible for flicker in flickers]


def test_a_steady_change_and_a_fade_do_not_flicker() -> None:
    assert not any(visible(measure([0.2] * 5)))
    assert not any(visible(measure([0.0, 0.1, 0.2, 0.3, 0.4])))


def test_an_odd_frame_flickers_by_as_much_as_it_is_off() -> None:
    flickers = measure([0.2, 0.2, 0.0, 0.2, 0.2])
    assert visible(flickers) == [False, True, True, True, False]
    assert flickers[2] is not None
    assert flickers[2].change == pytest.approx(0.2 * 255, rel=1e-5)
    assert flickers[2].picture == 0


def test_a_jump_of_the_picture_itself_hides_it() -> None:
    lights = (0.5, 0.5, 0.9, 0.5, 0.5)
    assert not any(visible(measure([0.2, 0.2, 0.0, 0.2, 0.2], lights)))


def test_it_is_not_measured_across_a_gap_or_without_a_face() -> None:
    assert measure([0.2] * 5, numbers=[1, 2, 9, 10, 11])[1:3] == [None, None]
    looks = [FrameLook()] * 3
    assert flickers_of([1, 2, 3], looks) == [None] * 3
