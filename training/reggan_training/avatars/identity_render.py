"""All pictures of one identity, from its plan to its folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reggan_training.avatars.avatar import Avatar
from reggan_training.avatars.identity_plan import IdentityPlan, plan_identity
from reggan_training.avatars.render_passes import face_mask, picture_from_light
from reggan_training.avatars.render_settings import AvatarRenderSettings
from reggan_training.avatars.task import Task
from reggan_training.avatars.views import PlannedView
from reggan_training.data.new_set import (
    SCHEMA,
    NewFolder,
    jpeg_bytes,
    mask_bytes,
)
from reggan_training.heads.anatomy.assets import HeadAssets
from reggan_training.heads.anatomy.head import build_head


def render_task(
    assets: HeadAssets, task: Task, seed: int, settings: AvatarRenderSettings, root: Path
) -> None:
    """Make an identity's folder below `root`. It appears when it is complete."""
    plan = plan_identity(task.style, task.number, seed)
    avatar = Avatar(build_head(assets, plan.shape), plan, settings)
    folder = NewFolder(root, plan.name)
    try:
        _render_identity(avatar, plan, settings, folder)
    except BaseException:
        folder.discard()
        raise


def _render_identity(
    avatar: Avatar, plan: IdentityPlan, settings: AvatarRenderSettings, folder: NewFolder
) -> None:
    images = [_render_view(avatar, plan, view, folder) for view in plan.views]
    if settings.glb:
        avatar.write_glb(folder.path("head.glb"))
    folder.finish(
        {
            "schema": SCHEMA,
            "name": plan.name,
            "style": plan.style,
            "parameters": plan.to_json(),
            "images": images,
        }
    )


def _render_view(
    avatar: Avatar, plan: IdentityPlan, view: PlannedView, folder: NewFolder
) -> Mapping[str, Any]:
    shown = avatar.show(view.state)
    file, mask = f"{view.stem}.jpg", f"{view.stem}_mask.png"
    folder.write(file, jpeg_bytes(picture_from_light(shown.passes.colour)))
    folder.write(mask, mask_bytes(face_mask(shown.passes)))
    state = view.state
    return {
        "file": file,
        "mask": mask,
        "expression": state.expression,
        "intensity": 1.0 if state.expression == "neutral" else state.intensity,
        "eye_closure": state.eye_closure,
        "mouth_open": state.mouth_open,
        "yaw_deg": round(plan.look.yaw_deg, 3),
        "pitch_deg": round(plan.look.pitch_deg, 3),
        "landmarks": shown.landmarks,
    }
