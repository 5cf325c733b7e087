"""State of the model, the open files and their faces, as JSON for the page."""

from collections.abc import Iterable
from typing import Any

from reggan_plugin.faces.landmarks import FaceLandmarks
from reggan_plugin.models.model_card import ModelCard
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.ui.open_files import OpenShot
from reggan_plugin.ui.open_frame import OpenFrame
from reggan_plugin.ui.open_head import gives_mesh
from reggan_plugin.ui.studio import Studio
from reggan_plugin.vocabulary.expression_mix import ExpressionMix
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, NEUTRAL
from reggan_plugin.vocabulary.names import NAMED_EXPRESSIONS, OwnPresets

_GROUPS = {
    "Brows": ("brow",),
    "Eyes": ("eye",),
    "Cheeks and nose": ("cheek", "nose"),
    "Mouth": ("mouth",),
    "Jaw": ("jaw",),
}
"""What the names of a group's shapes begin with."""


def document_of_page(studio: Studio) -> dict[str, Any]:
    """Return the model and all that is open."""
    card = studio.transfer.card
    return {
        "model": {"name": card.name, "version": card.version, "device": studio.transfer.device},
        "layers": card.says_motion,
        "neutral": NEUTRAL in card.controls,
        "expressions": _expressions(card, studio.own),
        "shapes": [
            {
                "group": group,
                "names": [n for n in ARKIT_SHAPES if n in card.controls and n.startswith(begins)],
            }
            for group, begins in _GROUPS.items()
            if any(name.startswith(begins) for name in card.controls)
        ],
        "take": None if studio.take.now is None else studio.take.now.document(),
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


_TITLES = {"Basic": "basic", "Compound": "compound", "More": "other", "Eyes, gaze, speech": "part"}


def _of_group(group: str) -> list[str]:
    return [name for name, one in NAMED_EXPRESSIONS.items() if one.group == group]


def _expressions(card: ModelCard, own: OwnPresets) -> list[dict[str, str]]:
    groups: dict[str, Iterable[str]] = {
        "Own": own,
        **{title: _of_group(group) for title, group in _TITLES.items()},
    }
    return [
        {"name": name, "group": group}
        for group, names in groups.items()
        for name in names
        if card.can_show(ExpressionMix({name: 1.0}, own=own))
    ]
