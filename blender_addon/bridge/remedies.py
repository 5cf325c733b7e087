"""Remedies for errors and notices of the runtime, in the words of the panels, by kind.

A remedy may name the fields of what it is for: `{view}`. A kind has none where the sentence itself
says all that there is to do, and where no panel has what would help.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .command_line import in_blender_s_axes
from .own_environment import EXTRAS

_FROM_RIG = "Head from Rig says where it is."
_DEVICE = (
    "Choose another Device in the add-on's preferences (Edit > Preferences > Add-ons > RegGAN); "
    "Run Doctor there says which work."
)
_EXISTING = "Existing: Keep Finished, Existing: Replace, or another Output."
_TRACK_AGAIN = "Run Head from Rig again."
REMEDIES: Mapping[str, str] = {
    # the kinds of whole classes
    "unknown-model": "The field Model takes the name of an installed model, or a file.",
    "output-exists": _EXISTING,
    "face-not-found": _FROM_RIG,
    "device-memory": "Close other programs that use the GPU.",
    "missing-extra": "Press Make Environment in the add-on's preferences: it has that.",
    # models
    **dict.fromkeys(
        (
            *("device-unavailable", "unknown-device", "device-cannot-load", "gpu-fails"),
            *("no-rtx-card", "no-engine", "no-engine-can-be-built"),
            *("engine-to-build", "engine-too-large"),
        ),
        _DEVICE,
    ),
    # where the face is
    "face-in-frame": _FROM_RIG,
    "face-in-no-frame": _FROM_RIG,
    "face-in-no-tracked-frame": _FROM_RIG,
    "face-not-in-tracks": "The field Face chooses.",
    "face-number": "The field Face chooses.",
    "faces-of-shot": "The field Face chooses.",
    "speaks": "With Add the expression is laid over the speech.",
    "unseen-in-box": "Point the panel to the head, or draw the box from brows to below the chin.",
    "other-faces": "The field Face chooses.",
    "frame-not-in-tracks": _TRACK_AGAIN,
    "tracks-of-other-size": "In the Output properties set Resolution and % to the size of the "
    "frames, and press Track Head; or render the frames anew.",
    "tracks": _TRACK_AGAIN,
    "unusual-landmarks": "Move them with Place Points.",
    "unsmoothed": "Head from Rig follows it through the whole shot.",
    # files
    "range-of-no-numbers": "That is the frame range.",
    "range-outside": "That is the frame range.",
    "pictures-in-folders": "Choose one of them.",
    "exr-layers-need-lossless": "Render the sequence with a lossless codec, such as ZIP.",
    # texture maps
    "face-on-mesh": "Say which way it looks (Front), or which bone is its head (Head and Bone "
    "under Head from Rig).",
    "face-on-flat-map": "Choose a map on which the face lies unfolded, or On the Head.",
    "no-such-head-bone": "Choose one of them as Bone under Head from Rig.",
    "mesh-reference": "The field Image names a map that lies elsewhere.",
    "map-is-not-named": "The field Image names the map.",
    "map-without-material": "The field Material names the material. Or say which way it looks "
    "(Front), or which bone is its head (Head and Bone under Head from Rig).",
    "no-colour-map": "Switch Take Any Image on if this is one.",
    "not-the-map-of-the-mesh": "The field Material names the material; Take Any Image takes the "
    "map as it is.",
    "no-texel-changes": "Choose another material.",
    # jobs
    "out-of-memory": _FROM_RIG,
    "outputs-exist": _EXISTING,
    "outputs-changed": "Existing: Replace, or another Output.",
    "outputs-without-record": "Existing: Replace, or another Output.",
    "curve-of-no-numbers": "Give one Expression and Intensity without animation.",
    "frames-failed": "After mending, Existing: Keep Finished renders only what is missing.",
}


def with_names_for_paths(message: str, folders: Iterable[Path]) -> str:
    """Return a message in which files of work folders stand by their names alone.

    Such files are called after the object or image that they hold.

    Args:
        message: of the runtime.
        folders: of jobs.
    """
    for folder in folders:
        if str(folder) not in message:
            continue
        files = sorted(folder.rglob("*"), key=lambda path: -len(str(path)))
        for path in files:
            message = message.replace(str(path), path.stem)
        message = message.replace(f"{folder}/", "").replace(f"{folder}\\", "")
    return message


def with_remedy(said: Mapping[str, Any], instead: Mapping[str, str] | None = None) -> str:
    """Return a message of the runtime, and what to do about it here.

    Args:
        said: an event or an entry of a summary, with `message`, `kind` and `fields`.
        instead: remedies that fit the button that was pressed better than the table's.
    """
    message = str(said.get("message") or "")
    if said.get("kind") in ("face-on-mesh", "map-without-material"):
        message = in_blender_s_axes(message)
    if said.get("kind") == "missing-extra":
        found, _, typed = message.partition(" Install it")
        if not any(f"[{extra}]" in typed for extra in EXTRAS):
            return message
        message = found
    remedies = [words for words in _remedies(said, {**REMEDIES, **(instead or {})}) if words]
    end = "" if message.endswith(".") or not remedies else "."
    return " ".join([message + end, *remedies])


def _remedies(said: Mapping[str, Any], by_kind: Mapping[str, str]) -> list[str]:
    fields = said.get("fields") or {}
    inner = [
        remedy
        for value in fields.values()
        if isinstance(value, Mapping)
        for remedy in _remedies(value, by_kind)
    ]
    try:
        own = by_kind.get(str(said.get("kind")), "").format_map(fields)
    except KeyError:  # of another version
        own = ""
    return [*inner, own]
