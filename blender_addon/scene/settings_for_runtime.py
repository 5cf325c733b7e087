"""A scene's settings in the words of the bridge: absolute paths, names and numbers, no Blender."""

import os
from pathlib import Path
from typing import Any

import bpy

from ..bridge.command_line import FaceSettings, option, refuse_native_code
from ..bridge.errors import BridgeError
from ..bridge.vocabulary import EXPRESSION_NAMES
from ..preferences import preferences_of

_MOST_NAME = 60
_FRAMES = "Frames are changed with"


def face_settings(settings: Any, image: Any = None) -> FaceSettings:
    """Return the face, and its place by the rig.

    Args:
        settings: of the scene.
        image: whose face it is, where that may be no frame of the shot that was tracked.

    Raises:
        BridgeError: the rig's tracks were asked for and are not there.
    """
    choice = str(settings.face_index) if settings.face == "INDEX" else settings.face.lower()
    is_of_shot = image is None or image.type == "RENDER_RESULT" or image.source == "SEQUENCE"
    if not (settings.use_rig_tracks and is_of_shot):
        return FaceSettings(choice=choice)
    if not settings.rig_tracks:
        raise BridgeError(
            "The face is to come from the rig, but no head was tracked yet. Press Track Head, or "
            "switch Head from Rig off."
        )
    tracks = absolute_path(settings.rig_tracks, "Tracks")
    if not tracks.is_file():
        raise BridgeError(
            f"There are no tracks at {tracks}. Press Track Head again, or switch Head from Rig off."
        )
    return FaceSettings(choice=choice, tracks=tracks)


def model_arguments(context: bpy.types.Context) -> list[str]:
    """Return the options that choose the scene's model and rig, and the preferences' device.

    Raises:
        BridgeError: the model is named as a file that is not there, or that is no .onnx.
    """
    model = context.scene.reggan.model.strip()
    refuse_native_code(model)
    if "/" in model or "\\" in model or model.lower().endswith(".onnx"):
        path = absolute_path(model, "Model")
        if not path.is_file():
            raise BridgeError(
                f"There is no model at {path}. Choose an .onnx file as Model, or leave it empty "
                "for the model that comes with the extension."
            )
        model = str(path)
    return [
        *option("--model", model or None),
        *option("--device", preferences_of(context).device),
        *option("--rig", _rig_of(context.scene)),
    ]


def chosen_expressions(settings: Any, panel: str) -> list[str]:
    """Return the expressions that are chosen in place of the one at the top of the tab.

    Raises:
        BridgeError: none is; `panel` has the list.
    """
    names = [name for name in EXPRESSION_NAMES if name in settings.expressions]
    if not names:
        raise BridgeError(f"No expression is chosen. Choose one or several under {panel}.")
    return names


def character_file(settings: Any) -> Path:
    """Return where the scene's character is written to.

    Raises:
        BridgeError: no file is named and no mesh is chosen; see `absolute_path`, too.
    """
    if not settings.file and settings.mesh is None:
        raise BridgeError(
            "This Character's Rig is used, but no Face Mesh and no File are chosen. Choose one of "
            "them there, or switch Use in Results off."
        )
    text = settings.file or f"//{_stem(settings.mesh.name)}.glb"
    return absolute_path(text, "File").with_suffix(".glb")


def what_moves_frames(settings: Any, not_own: str = "") -> str:
    """Return the sentence that tells which of the two heads the change is made with, and why.

    Args:
        settings: of This Character's Rig.
        not_own: why it is not the head's own.
    """
    if settings.uses:
        try:
            name = character_file(settings).name
        except BridgeError:  # a job says what is wrong with it
            name = "This Character's Rig"
        return f"{_FRAMES} the head's own shapes and teeth ({name})."
    why = f": {not_own.rstrip('.')}" if not_own else ""
    return f"{_FRAMES} RegGAN's own head, laid on these points{why}."


def said_of_tracks(scene: bpy.types.Scene) -> str:
    """Return what came of tracking the head, with the one of the two heads that is used now."""
    now = what_moves_frames(scene.reggan_character)
    return "\n".join(
        now if line.startswith(_FRAMES) and not line.startswith(now.rstrip(".")) else line
        for line in scene.reggan.tracks_account.splitlines()
    )


def _stem(character: str) -> str:
    """Return a name that every system takes."""
    kept = "".join(c if c.isalnum() else "-" for c in character)[:_MOST_NAME].strip("-")
    return kept or "character"


def _rig_of(scene: bpy.types.Scene) -> Path | None:
    settings = scene.reggan_character
    if not settings.uses:
        return None
    path = character_file(settings)
    if not path.is_file():
        raise BridgeError(
            f"There is no character at {path}. Press Write Character, or switch Use in Results off."
        )
    return path


def presets_file(scene: bpy.types.Scene) -> Path | None:
    """Return the file of presets; None if none is chosen.

    Raises:
        BridgeError: see `absolute_path`.
    """
    presets = scene.reggan.presets
    return absolute_path(presets, "Presets") if presets else None


def absolute_path(text: str, field: str) -> Path:
    """Return a path as typed into `field`, whose `//` is the folder of the .blend.

    Raises:
        BridgeError: the .blend has no folder yet, or the path begins nowhere.
    """
    if text.startswith("//") and not bpy.data.filepath:
        raise BridgeError(
            f"{field} is {text}, beside the .blend, but this file was never saved. Save it, or "
            "choose an absolute path."
        )
    path = Path(bpy.path.abspath(text))
    if not path.is_absolute():
        raise BridgeError(
            f"{field} is {text}, which begins in no folder. Begin it with // for the folder of the "
            ".blend, or choose an absolute path."
        )
    return Path(os.path.normpath(path))  # resolve() would turn drive letters into servers
