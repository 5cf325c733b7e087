"""Short moving shots: a face that blinks and speaks, and beside it the same with an expression."""

from dataclasses import dataclass, replace

import numpy as np

from reggan_plugin.expressions import EXPRESSION_NAMES
from reggan_training.avatars.look import AvatarLook
from reggan_training.heads.anatomy.face_state import FaceState

_FRAMES_A_SECOND = 24.0
_BLINK = (0.35, 0.9, 1.0, 0.7, 0.35)
_LARGEST_SWEEP_DEG = 9.0


@dataclass(frozen=True, kw_only=True)
class ShotFrame:
    """One frame: what the face does, and how the head is turned."""

    state: FaceState
    yaw_deg: float
    pitch_deg: float

    def with_expression(self, expression: str) -> "ShotFrame":
        """The frame as it is with an expression in full; eyes and speech stay."""
        return replace(self, state=replace(self.state, expression=expression, intensity=1.0))


@dataclass(frozen=True, kw_only=True)
class AvatarShot:
    """Frames without expression, and the expression that is put on them."""

    expression: str
    frames: tuple[ShotFrame, ...]


def sample_shot(generator: np.random.Generator, look: AvatarLook, frames: int) -> AvatarShot:
    """A shot at 24 frames a second: the head turns slowly, the mouth speaks, the eyes blink."""
    time = np.arange(frames) / _FRAMES_A_SECOND
    sweep = generator.uniform(0.3, 1.0, 2) * (_LARGEST_SWEEP_DEG, 0.4 * _LARGEST_SWEEP_DEG)
    phase, pace = generator.uniform(0, 2 * np.pi, 2), generator.uniform(0.15, 0.35, 2)
    turns = sweep * np.sin(2 * np.pi * time[:, None] * pace + phase)
    mouth = _speech(time, generator)
    lids = _blinks(frames, generator)
    return AvatarShot(
        expression=str(generator.choice(EXPRESSION_NAMES[1:])),
        frames=tuple(
            ShotFrame(
                state=FaceState(
                    eye_closure=round(float(lids[frame]), 3),
                    mouth_open=round(float(mouth[frame]), 3),
                ),
                yaw_deg=round(look.yaw_deg + float(turns[frame, 0]), 3),
                pitch_deg=round(look.pitch_deg + float(turns[frame, 1]), 3),
            )
            for frame in range(frames)
        ),
    )


def _speech(time: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Opening of the mouth: four syllables a second, with pauses."""
    phase = generator.uniform(0, 2 * np.pi, 3)
    syllables = 0.5 - 0.5 * np.cos(2 * np.pi * 4.0 * time + phase[0])
    pauses = (0.5 + np.sin(2 * np.pi * 0.6 * time + phase[1])).clip(0, 1)
    strength = 0.35 + 0.2 * np.sin(2 * np.pi * 1.3 * time + phase[2])
    return np.asarray((syllables * pauses * strength).clip(0.0, 1.0))


def _blinks(frames: int, generator: np.random.Generator) -> np.ndarray:
    """A blink of five frames every two to four seconds, the first within the first second."""
    closure = np.zeros(frames)
    start = int(generator.integers(2, 20))
    while start < frames:
        for step, value in enumerate(_BLINK[: frames - start]):
            closure[start + step] = value
        start += int(generator.integers(48, 96))
    return closure
