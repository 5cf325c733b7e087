"""The expression that the panels ask for: by name and shapes, by a rig's shape keys, by a take."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from ..bridge.command_line import option
from ..bridge.cues import Cue, cue_from_name, cues_from_runs, shares_at, sorted_cues
from ..bridge.errors import BridgeError
from ..bridge.expression_blend import (
    MAX_INTENSITY,
    MOST_SLIDERS,
    PanelRequest,
    blend_from_shares,
    fit_arguments,
    shares_from_blend,
    write_curve,
)
from ..bridge.preset_file import preset_names
from ..bridge.shape_keys import KeyWeight, driving_table
from ..bridge.vocabulary import SHAPE_NAMES, name_from_identifier
from ..shape_settings import NOTHING, key_names
from .animated_values import values_by_frame, visited
from .files_from_images import file_stem
from .settings_for_runtime import absolute_path, presets_file

NO_EXPRESSION = "NONE"
_INTENSITY, _EXPRESSION = "reggan.intensity", "reggan.expression"
_SHARES = tuple(f"reggan.blend_shares[{place}]" for place in range(MOST_SLIDERS))
_MOVES = 1e-3
"""Change of a shape key's value that can be seen."""
_MOST_NAMED = 12


def driving_object(scene: bpy.types.Scene) -> Any:
    """Return the object whose shape keys count.

    Raises:
        BridgeError: there is none, or none of its keys moves a face shape.
    """
    found = scene.reggan.driving_object
    if found is None or found.data.shape_keys is None:
        raise BridgeError("No object drives the face. Choose a mesh with shape keys as Object.")
    if not any(row.shape for row in driving_rows(found)):
        raise BridgeError(
            f"No shape key of {found.name} has a known name, such as jawOpen. Choose another "
            "object, or say in the table which face shapes its keys move."
        )
    return found


def driving_rows(driving: Any) -> list[KeyWeight]:
    """Return the object's own table; where it has none, what the names of its keys say."""
    table = getattr(driving, "reggan_driving", None)
    if table is not None and table.rows:
        return [
            KeyWeight(shape="" if r.shape == NOTHING else r.shape, key=r.key, weight=r.weight)
            for r in table.rows
        ]
    return driving_table(key_names(driving))


def keys_without_shape(driving: Any) -> list[str]:
    """Return the shape keys of an object that move no face shape."""
    moving = {row.key for row in driving_rows(driving) if row.shape}
    return [name for name in key_names(driving) if name not in moving]


def weights_of_keys(driving: Any) -> dict[str, float]:
    """Weights of face shapes, 0 to 1.5, by the shape keys of an object as they stand."""
    weights: dict[str, float] = {}
    blocks = driving.data.shape_keys.key_blocks
    for row in driving_rows(driving):
        block = blocks.get(row.key)
        if row.shape and block is not None and not block.mute:
            value = min(max(block.value * row.weight, 0.0), MAX_INTENSITY)
            weights[row.shape] = max(value, weights.get(row.shape, 0.0))
    return weights


def _keys_over_time(scene: bpy.types.Scene, frames: Sequence[int], folder: Path) -> PanelRequest:
    """Return the same at every frame, times the intensity there; the scene goes there and back."""
    driving, weights = driving_object(scene), {}
    unknown: dict[str, list[float]] = {name: [] for name in keys_without_shape(driving)}
    blocks = driving.data.shape_keys.key_blocks
    for number in visited(scene, frames):
        intensity = scene.reggan.intensity
        keys = weights_of_keys(driving)
        weights[number] = {name: intensity * weight for name, weight in keys.items()}
        for name, values in unknown.items():
            values.append(blocks[name].value)
    moving = tuple(name for name, values in unknown.items() if max(values) - min(values) > _MOVES)
    if moving and not any(any(of_frame.values()) for of_frame in weights.values()):
        raise BridgeError(
            f"{driving.name} moves {_listed(moving)}, which move nothing in the picture: no line "
            "of the table says which face shapes they are. Choose a Face Shape for them there."
        )
    dropped = _account_of_dropped(driving, moving)
    asked = PanelRequest(name=file_stem(driving.name), dropped=dropped)
    return _with_curve(asked, weights, folder)


def _account_of_dropped(driving: Any, names: Sequence[str]) -> str:
    if not names:
        return ""
    verb = "moves" if len(names) == 1 else "move"
    return (
        f"{_listed(names)} of {driving.name} {verb} nothing in the picture. The table under "
        "Driven By says which face shapes they are."
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more shape keys" if more > 0 else "")


def still_expression(context: bpy.types.Context) -> PanelRequest:
    """Expression of a single picture or a map: the values of the scene's current frame.

    Raises:
        BridgeError: nothing is asked for, or a blend or a file cannot be read.
    """
    scene = context.scene
    if scene.reggan.driven_by == "TAKE":
        raise BridgeError(
            "A take drives frames, not a single picture. Choose Panel under Driven By, or Change "
            "Frames."
        )
    if scene.reggan.driven_by == "CUES":
        return _cue_at_frame(scene)
    if scene.reggan.driven_by == "OBJECT":
        driving = driving_object(scene)
        blocks = driving.data.shape_keys.key_blocks
        moving = [name for name in keys_without_shape(driving) if abs(blocks[name].value) > _MOVES]
        return PanelRequest(
            shapes=weights_of_keys(driving),
            intensity=scene.reggan.intensity,
            name=file_stem(driving.name),
            dropped=_account_of_dropped(driving, moving),
        )
    return _of_panel(scene)


def expression_over_time(
    context: bpy.types.Context, frames: Sequence[int], folder: Path
) -> PanelRequest:
    """Expression of frames; a curve is written where any of it is animated.

    Args:
        context: of the button.
        frames: their numbers; none of a picture without one.
        folder: for the curve.

    Raises:
        BridgeError: as `still_expression`; or more than 1.5 of something is asked for.
    """
    scene = context.scene
    if scene.reggan.driven_by == "TAKE":
        return _of_take(scene)
    if not frames:
        return still_expression(context)
    if scene.reggan.driven_by == "OBJECT":
        return _keys_over_time(scene, frames, folder)
    asked = _cues_and_shapes(scene) if scene.reggan.driven_by == "CUES" else _of_panel(scene)
    animated = _animated(scene, frames)
    is_one = scene.reggan.driven_by == "PANEL" and (
        bool(scene.reggan.blend.strip()) or _EXPRESSION not in animated
    )
    if is_one and not animated:
        return asked
    shares = _shares_over_time(scene, asked, animated, frames)
    if not is_one and not asked.name and len({n for of in shares.values() for n in of}) > 1:
        asked = replace(asked, name="expressions")
    return _with_curve(asked, _weights_of_panel(asked, shares, animated, frames), folder)


def named_over_time(
    context: bpy.types.Context, name: str, frames: Sequence[int], folder: Path
) -> PanelRequest:
    """Return one named expression, with the panel's intensity and face shapes, over time.

    Raises:
        BridgeError: as `expression_over_time`.
    """
    scene = context.scene
    asked = replace(_of_sliders(scene), blend=name)
    animated = {
        path: values
        for path, values in _animated(scene, frames).items()
        if path not in (_EXPRESSION, *_SHARES)
    }
    if not animated:
        return asked
    shares = {frame: {name: 1.0} for frame in frames}
    return _with_curve(asked, _weights_of_panel(asked, shares, animated, frames), folder)


def _animated(scene: bpy.types.Scene, frames: Sequence[int]) -> dict[str, dict[int, Any]]:
    """Values of what is animated of the panel, by path and frame."""
    paths = (_INTENSITY, *(f"reggan_shapes.{name}" for name in SHAPE_NAMES), *_SHARES)
    limits = dict.fromkeys(paths, (0.0, MAX_INTENSITY)) | {_EXPRESSION: (0.0, 1e6)}
    return values_by_frame(scene, limits, frames)


def _of_panel(scene: bpy.types.Scene) -> PanelRequest:
    settings = scene.reggan
    blend = settings.blend.strip()
    if not blend and settings.expression != NO_EXPRESSION:
        blend = name_from_identifier(settings.expression)
    presets = presets_file(scene)
    if blend:
        shares_from_blend(blend, has_presets=presets is not None)
    moved, asked = _animated(scene, [scene.frame_current]), _of_sliders(scene)
    if settings.blend.strip() and any(path in moved for path in _SHARES):
        still = PanelRequest(blend=blend, presets=presets)
        (shares,) = _shares_over_time(scene, still, moved, [scene.frame_current]).values()
        blend = blend_from_shares(shares)
    if not blend and not asked.shapes and not moved:
        raise BridgeError(
            "Nothing is asked of the face: Expression is None, and all shapes are 0. Choose an "
            "expression, or move a slider."
        )
    return replace(asked, blend=blend, presets=presets)


def _of_sliders(scene: bpy.types.Scene) -> PanelRequest:
    """Return what is asked for beside expressions."""
    settings, shapes = scene.reggan, shapes_of_panel(scene)
    return PanelRequest(shapes=shapes, intensity=settings.intensity, adds=settings.adds)


def shapes_of_panel(scene: bpy.types.Scene) -> dict[str, float]:
    """Return the weights of the sliders of face shapes, those above 0."""
    weights = {name: getattr(scene.reggan_shapes, name) for name in SHAPE_NAMES}
    return {name: weight for name, weight in weights.items() if weight}


def cues_of(scene: bpy.types.Scene) -> tuple[list[Cue], list[str]]:
    """Return the cues of the scene's markers, and the names of markers that are none.

    Markers that switch cameras may have any name.
    """
    presets = presets_file(scene)
    own = () if presets is None else preset_names(presets)
    cues, others = [], []
    for marker in scene.timeline_markers:
        cue = cue_from_name(marker.frame, marker.name, own)
        if cue is not None:
            cues.append(cue)
        elif marker.camera is None:
            others.append(marker.name)
    return sorted_cues(cues), others


def _cues_and_shapes(scene: bpy.types.Scene) -> PanelRequest:
    """Return what the panel asks for beside the cues."""
    cues, others = cues_of(scene)
    if not cues:
        found = f" ({', '.join(others)} name none)" if others else ""
        raise BridgeError(
            f"No marker of the timeline is a cue{found}. Name a marker after an expression, such "
            "as happy or sad:0.6, or press Add Cue."
        )
    return replace(
        _of_sliders(scene),
        presets=presets_file(scene),
        name="cues",
        dropped=f"No cue, as no expression has that name: {', '.join(others)}." if others else "",
    )


def _cue_at_frame(scene: bpy.types.Scene) -> PanelRequest:
    asked, (cues, _) = _cues_and_shapes(scene), cues_of(scene)
    shares = shares_at(cues, scene.frame_current, scene.reggan.blend_over)
    blend = blend_from_shares({name: share for name, share in shares.items() if share > 0})
    if not blend and not asked.shapes:
        raise BridgeError(
            f"No cue asks for an expression at frame {scene.frame_current}. Go to another frame, "
            "or add a cue."
        )
    return replace(asked, blend=blend, name="", dropped="")


def _shares_over_time(
    scene: bpy.types.Scene,
    asked: PanelRequest,
    animated: Mapping[str, Mapping[int, Any]],
    frames: Sequence[int],
) -> dict[int, dict[str, float]]:
    """Return the shares of expressions by frame."""
    over = scene.reggan.blend_over
    if scene.reggan.driven_by == "CUES":
        cues, _ = cues_of(scene)
        return {frame: shares_at(cues, frame, over) for frame in frames}
    if not scene.reggan.blend.strip() and _EXPRESSION in animated:
        names = {frame: _name_of_item(scene, v) for frame, v in animated[_EXPRESSION].items()}
        runs = cues_from_runs(names)
        return {frame: shares_at(runs, frame, over) for frame in frames}
    has_presets = asked.presets is not None
    still = shares_from_blend(asked.blend, has_presets=has_presets) if asked.blend else {}
    if not scene.reggan.blend.strip():
        return {frame: dict(still) for frame in frames}
    keyed = {
        name: animated[path] for name, path in zip(still, _SHARES, strict=False) if path in animated
    }
    return {
        frame: {
            name: keyed[name][frame] if name in keyed else share for name, share in still.items()
        }
        for frame in frames
    }


def _name_of_item(scene: bpy.types.Scene, value: Any) -> str:
    """Return the name of an entry of the menu, by its number or identifier; empty for none."""
    if not isinstance(value, str):
        items = scene.reggan.bl_rna.properties["expression"].enum_items
        value = next((item.identifier for item in items if item.value == round(value)), "")
    return "" if value in ("", NO_EXPRESSION) else name_from_identifier(value)


def _weights_of_panel(
    asked: PanelRequest,
    shares: Mapping[int, Mapping[str, float]],
    animated: Mapping[str, Mapping[int, Any]],
    frames: Sequence[int],
) -> dict[int, dict[str, float]]:
    moved = [name for name in SHAPE_NAMES if f"reggan_shapes.{name}" in animated]
    weights = {}
    for frame in frames:
        intensity = animated.get(_INTENSITY, {}).get(frame, asked.intensity)
        shapes = dict(asked.shapes)
        shapes |= {name: animated[f"reggan_shapes.{name}"][frame] for name in moved}
        weights[frame] = {name: w * intensity for name, w in {**shares[frame], **shapes}.items()}
    return weights


def _with_curve(
    asked: PanelRequest, weights: Mapping[int, Mapping[str, float]], folder: Path
) -> PanelRequest:
    curve = folder / "expression.csv"
    write_curve(curve, weights)
    return replace(asked, curve=curve)


def take_file(scene: bpy.types.Scene) -> Path:
    """Return the file of the chosen take.

    Raises:
        BridgeError: none is chosen, it is gone, or it is no take but a picture.
    """
    settings = scene.reggan
    if not settings.take:
        raise BridgeError("No take is chosen. Choose a recorded performance as Take.")
    path = absolute_path(settings.take, "Take")
    if not path.is_file():
        raise BridgeError(f"There is no take at {path}. Choose the file again as Take.")
    if path.suffix.lower() in (*bpy.path.extensions_image, *bpy.path.extensions_movie):
        raise BridgeError(
            f"{path.name} is a picture or a video. Choose a recorded performance as Take; of a "
            "video Take from Video… makes one."
        )
    return path


def fit_of_take(scene: bpy.types.Scene) -> list[str]:
    """Return the options that fit the scene's takes to its face."""
    fit = scene.reggan_fit
    return fit_arguments(
        [(row.shape, round(row.gain, 3), round(row.offset, 3)) for row in fit.rows],
        round(fit.asymmetry, 3),
    )


def _of_take(scene: bpy.types.Scene) -> PanelRequest:
    settings, path = scene.reggan, take_file(scene)
    fps = scene.render.fps / scene.render.fps_base
    offset = option("--curves-offset", settings.take_offset.strip() or None)
    options = ["--curves-fps", f"{fps:g}", *offset, *fit_of_take(scene)]
    return PanelRequest(take=path, take_options=options, intensity=settings.intensity)
