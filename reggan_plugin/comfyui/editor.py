"""The node Expression Editor: sliders, small faces and a live picture inside the node."""

from typing import Any

from reggan_plugin.comfyui import host
from reggan_plugin.comfyui.asked import StillExpression
from reggan_plugin.comfyui.batch import (
    BatchSettings,
    change_batch,
    refuse_faces_of_others,
    track_batch,
    which_faces,
)
from reggan_plugin.comfyui.expression_nodes import weights_from_text
from reggan_plugin.comfyui.inputs import (
    CATEGORY,
    EXPRESSION,
    LEAVE,
    SHOT,
    beside_batch,
    face,
    not_found,
    of_batch,
    of_model,
    opened,
)
from reggan_plugin.comfyui.picture_nodes import image_and_mask
from reggan_plugin.comfyui.pictures import ImageEncoding, Tensor, read_batch
from reggan_plugin.comfyui.preview import PREVIEWS
from reggan_plugin.faces.tracks import Tracks
from reggan_plugin.ui.asked_change import change_from_json

NO_CHANGE = '{"weights": {}, "intensity": 1, "adds": false}'


class ExpressionEditor:
    """Choose an expression by eye, on the picture that comes in."""

    CATEGORY = CATEGORY
    DESCRIPTION = (
        "Choose an expression by eye: click one of the small faces, or move sliders. The picture "
        "in the node follows at once; the workflow runs only when you queue it."
    )
    RETURN_TYPES = ("IMAGE", EXPRESSION, "MASK")
    RETURN_NAMES = ("image", "expression", "changed")
    OUTPUT_TOOLTIPS = (
        "The pictures with the expression.",
        "The expression alone, for other nodes.",
        "What each pixel took of the change.",
    )
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's own name
        """Return the inputs; the sliders write what they say into one of them."""
        tooltip = f"What the sliders say, as JSON: {NO_CHANGE}."
        return {
            "required": {
                "image": ("IMAGE",),
                "change": ("STRING", {"default": NO_CHANGE, "tooltip": tooltip}),
                "face": face(),
                "face_not_found": not_found(),
                **of_batch(),
                **of_model(),
            },
            **beside_batch(),
        }

    def run(
        self,
        image: Tensor,
        change: str,
        face: str,
        face_not_found: str,
        batch_is: str,
        encoding: ImageEncoding,
        model: str,
        device: str,
        mask: Tensor | None = None,
        faces: Tracks | None = None,
        node: str | None = None,
    ) -> tuple[Any, ...]:
        """Return the pictures with the expression, the expression, and what changed.

        Raises:
            RegganError: as `change_batch`.
        """
        transfer = opened(model, device)
        pictures = read_batch(image, encoding, mask)
        expression = StillExpression(change_from_json(weights_from_text(change)).mix)
        settings = BatchSettings(
            which=which_faces(face),
            is_shot=batch_is == SHOT,
            passes_through=face_not_found == LEAVE,
        )
        refuse_faces_of_others(faces, pictures)
        is_to_track = faces is None and settings.is_shot and len(pictures) > 1
        progress = host.NodeProgress(len(pictures) * (2 if is_to_track else 1), node)
        if is_to_track:
            faces = track_batch(transfer, pictures, progress, is_shot=True)
        PREVIEWS.remember(str(node), pictures, faces)
        changed = change_batch(transfer, pictures, expression, settings, faces, progress)
        picture, weight = image_and_mask(image, changed)
        return picture, expression, weight
