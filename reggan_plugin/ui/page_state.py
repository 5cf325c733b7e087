"""State of the model, the open files and their faces, as JSON for the page."""

from typing import Any

from reggan_plugin.faces.landmarks import FaceLandmarks
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.ui.listed_names import listed_expressions, listed_shapes
from reggan_plugin.ui.open_files import OpenShot
from reggan_plugin.ui.open_frame import OpenFrame
from reggan_plugin.ui.open_head import gives_mesh
from reggan_plugin.ui.studio import Studio
from reggan_plugin.vocabulary.face_shapes import NEUTRAL


def document_of_page(studio: Studio) -> dict[str, Any]:
    """Return the model and all that is open."""
    card = studio.transfer.card
    return {
        "model": {"name": card.name, "version": card.version, "device": studio.transfer.device},
        "layers": card.says_motion,
        "neutral": NEUTRAL in card.controls,
        "expressions": listed_expressions(card, studio.own),
        "shapes": listed_shapes(card),
        "fit": studio.fit.document(),
        "take": None if studio.take is None else studio.take.document(),
        "samples": list(studio.files.sample_names),
        "shots": [document_of_shot(shot) for shot in studio.files.shots],
    }


def document_of_shot(shot: OpenShot) -> dict[str, Any]:
    """Files that were opened together."""
    return {
        "name": shot.source.name,
        "first": shot.first,
        "files": _names_in(shot),
        "gives_mesh": shot.is_head and gives_mesh(shot),
    }


def _names_in(shot: OpenShot) -> list[str]:
    if shot.is_head:
        name = shot.source.name
        return [f"{name}, from the front", f"{name}, its map"]
    if shot.video is not None:
        return [f"frame {number}" for number in range(1, len(shot.paths) + 1)]
    return [path.name for path in shot.paths]


def document_of_frame(found: OpenFrame, transfer: ExpressionTransfer) -> dict[str, Any]:
    """Return a frame and its faces."""
    height, width = found.size
    return {
        "width": width,
        "height": height,
        "factor": found.factor,
        "kind": found.kind,
        "notices": list(found.notes),
        "faces": [
            {
                "box": _box(crop.place(transfer.card.canonical_points * crop.side_px)),
                "share": transfer.intensity_share(crop),
            }
            for crop in found.crops
        ],
    }


def _box(points: Any) -> list[float]:
    return [round(float(value), 1) for value in FaceLandmarks(points).box]
