"""Shots on disk: frames without and with an expression, and what is true of each."""

from collections.abc import Mapping
from typing import Any

from reggan_training.avatars.avatar import Avatar
from reggan_training.avatars.finish import finished_picture
from reggan_training.avatars.identity_plan import IdentityPlan
from reggan_training.avatars.shots import ShotFrame, sample_shot
from reggan_training.data.new_set import (
    SCHEMA,
    NewFolder,
    jpeg_bytes,
)

FIRST_FRAME = 1


def render_shot(avatar: Avatar, plan: IdentityPlan, frames: int, folder: NewFolder) -> None:
    """Fill the shot's folder: `neutral/`, the expression's own, and `shot.json`."""
    shot = sample_shot(plan.generator("shot"), plan.look, frames)
    rows: list[Mapping[str, Any]] = []
    for number, frame in enumerate(shot.frames, FIRST_FRAME):
        name = f"frame.{number:04d}.jpg"
        edited = frame.with_expression(shot.expression)
        rows.append(
            {
                "frame": number,
                "yaw_deg": frame.yaw_deg,
                "pitch_deg": frame.pitch_deg,
                "neutral": _render_frame(avatar, plan, frame, f"neutral/{name}", folder),
                shot.expression: _render_frame(
                    avatar, plan, edited, f"{shot.expression}/{name}", folder
                ),
            }
        )
    folder.finish(
        {
            "schema": SCHEMA,
            "name": plan.name,
            "style": plan.style,
            "expression": shot.expression,
            "frames_per_second": 24,
            "parameters": plan.to_json(),
            "frames": rows,
        }
    )


def _render_frame(
    avatar: Avatar, plan: IdentityPlan, frame: ShotFrame, file: str, folder: NewFolder
) -> Mapping[str, Any]:
    shown = avatar.show(frame.state, yaw_deg=frame.yaw_deg, pitch_deg=frame.pitch_deg)
    folder.write(file, jpeg_bytes(finished_picture(shown.passes, plan.look)))
    return {"file": file, **frame.state.to_json(), "landmarks": shown.landmarks}
