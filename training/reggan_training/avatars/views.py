"""The pictures that are rendered of an avatar."""

from dataclasses import dataclass, replace

import numpy as np

from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.avatars.avatar_look import AvatarLook
from reggan_training.heads.anatomy.face_state import FaceState

_GRADED = (0.2, 0.75)
_SOURCE_LIMIT = 0.6
_SOURCES = 2
_GAZE_LIMIT_DEG = 25.0


@dataclass(frozen=True, kw_only=True)
class PlannedView:
    """One picture: its file's name without ending, and what the face does in it."""

    stem: str
    state: FaceState


def sample_views(generator: np.random.Generator, look: AvatarLook) -> tuple[PlannedView, ...]:
    """Fifteen views: neutral, each expression in full and in part, and two odd sources.

    In the sources the eyes are closed, the mouth is open, or both. The gaze is the same in all.
    """
    towards_camera = float(generator.choice([0.0, generator.uniform(0.3, 1.0)], p=[0.4, 0.6]))
    resting = FaceState(
        gaze_yaw_deg=_limited(-towards_camera * look.yaw_deg + generator.normal(0, 2)),
        gaze_pitch_deg=_limited(-towards_camera * look.pitch_deg + generator.normal(0, 1.5)),
    )
    shown = EXPRESSION_NAMES[1:]
    views = [PlannedView(stem="neutral", state=resting)]
    views += [_view(replace(resting, expression=name, intensity=1.0)) for name in shown]
    for name in shown:
        intensity = round(float(generator.uniform(*_GRADED)), 2)
        views.append(_view(replace(resting, expression=name, intensity=intensity)))
    for number in range(_SOURCES):
        views.append(PlannedView(stem=f"source_{number + 1}", state=_source(generator, resting)))
    return tuple(views)


def _view(state: FaceState) -> PlannedView:
    return PlannedView(stem=f"{state.expression}_{round(100 * state.intensity):03d}", state=state)


def _source(generator: np.random.Generator, resting: FaceState) -> FaceState:
    """A face that blinks, speaks, or both, in a weak expression or none."""
    expression = str(generator.choice(EXPRESSION_NAMES))
    intensity = round(float(generator.uniform(0.0, _SOURCE_LIMIT)), 2)
    kind = int(generator.integers(3))
    return replace(
        resting,
        expression=expression,
        intensity=0.0 if expression == "neutral" else intensity,
        eye_closure=round(float(generator.uniform(0.6, 1.0)), 2) if kind != 1 else 0.0,
        mouth_open=round(float(generator.uniform(0.2, 0.8)), 2) if kind != 0 else 0.0,
    )


def _limited(angle_deg: float) -> float:
    return round(float(np.clip(angle_deg, -_GAZE_LIMIT_DEG, _GAZE_LIMIT_DEG)), 2)
