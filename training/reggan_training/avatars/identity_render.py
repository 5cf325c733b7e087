"""All pictures of one identity, from its plan to its folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reggan_training.avatars.assets import HeadAssets
from reggan_training.avatars.avatar import Avatar, AvatarView
from reggan_training.avatars.finish import face_mask, finished_picture
from reggan_training.avatars.head import build_head
from reggan_training.avatars.identity_plan import IdentityPlan, plan_identity
from reggan_training.avatars.render_settings import RenderSettings
from reggan_training.avatars.set_files import SCHEMA, IdentityFolder, jpeg_bytes, mask_bytes
from reggan_training.avatars.views import View


def render_identity(
    assets: HeadAssets, style: str, number: int, seed: int, settings: RenderSettings, root: Path
) -> None:
    """Make the identity's folder below `root`. It appears when it is complete."""
    plan = plan_identity(style, number, seed)
    avatar = Avatar(build_head(assets, plan.shape), plan, settings)
    folder = IdentityFolder(root, plan.name)
    try:
        images = [_render_view(avatar, plan, view, folder) for view in plan.views]
        folder.finish(
            {
                "schema": SCHEMA,
                "name": plan.name,
                "style": plan.style,
                "parameters": plan.to_json(),
                "images": images,
            }
        )
    except BaseException:
        folder.discard()
        raise


def _render_view(
    avatar: Avatar, plan: IdentityPlan, view: View, folder: IdentityFolder
) -> Mapping[str, Any]:
    shown = avatar.show(view.state)
    file, mask = f"{view.stem}.jpg", f"{view.stem}_mask.png"
    folder.write(file, jpeg_bytes(finished_picture(shown.passes, plan.look)))
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
        "landmarks": rounded_landmarks(shown),
    }


def rounded_landmarks(view: AvatarView) -> dict[str, list[float]]:
    """Landmarks in pixels, to a hundredth."""
    return {name: [round(x, 2), round(y, 2)] for name, (x, y) in view.landmarks.items()}
