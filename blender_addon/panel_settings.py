"""Settings of the panels: one group on every scene, `scene.reggan`.

Of these the intensity, the expression and the shares of a blend can be animated; paths are kept as
they are typed, `//` included.
"""

from pathlib import Path

import bpy

from .bridge.errors import BridgeError
from .bridge.expression_blend import (
    MAX_INTENSITY,
    MOST_SLIDERS,
    blend_from_shares,
    shares_from_blend,
)
from .bridge.preset_file import completions, preset_names
from .bridge.shape_keys import driving_table
from .bridge.vocabulary import ALL_EXPRESSIONS, EXPRESSION_NAMES, menu_of_expressions
from .job_display import redraw_views
from .shape_settings import fill, has_shape_keys, key_names
from .unanimated_properties import (
    BoolProperty,
    EnumProperty,
    FileProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

_LEAST = 6e-4
"""Shares that differ by less are written alike."""


def shares_of_blend(settings: bpy.types.PropertyGroup) -> dict[str, float]:
    """Share of each expression in Blend, by name; none while that is empty or half typed."""
    try:
        return dict(shares_from_blend(settings.blend, has_presets=bool(settings.presets)))
    except BridgeError:
        return {}


def _set_sliders(settings: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    """Let the sliders show what was typed as Blend."""
    typed = list(shares_of_blend(settings).values())[:MOST_SLIDERS]
    shares = typed + [0.0] * (MOST_SLIDERS - len(typed))
    if any(abs(a - b) > _LEAST for a, b in zip(shares, settings.blend_shares, strict=True)):
        settings.blend_shares = shares


def _write_blend(settings: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    """Write the values of moved sliders into Blend."""
    shares = shares_of_blend(settings)
    moved = {**shares, **dict(zip(shares, settings.blend_shares, strict=False))}
    if any(abs(moved[name] - share) > _LEAST for name, share in shares.items()):
        settings.blend = blend_from_shares(moved)


def _on_load(*_: object) -> None:
    """Set the sliders of a file in which they stood in Blend alone."""
    for scene in bpy.data.scenes:
        if scene.reggan.blend and not any(scene.reggan.blend_shares):
            _set_sliders(scene.reggan, bpy.context)


def _blends(
    settings: bpy.types.PropertyGroup, _context: bpy.types.Context, typed: str
) -> list[str]:
    """Return what Blend may become, as it is typed."""
    presets = preset_names(Path(bpy.path.abspath(settings.presets))) if settings.presets else ()
    return completions(typed, (*presets, *ALL_EXPRESSIONS))


def _fill_table(settings: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    """Fill the table of an object that is chosen for the first time."""
    driving = settings.driving_object
    is_own = driving is not None and driving.library is None and driving.override_library is None
    if is_own and driving.data.shape_keys is not None and not driving.reggan_driving.rows:
        fill(driving.reggan_driving, driving_table(key_names(driving)))


class RegganSettings(bpy.types.PropertyGroup):
    """Settings of the RegGAN panels; nothing here is read by Blender itself."""

    # Expression (all jobs)
    driven_by: EnumProperty(
        name="Driven By",
        description="What says how the face changes",
        items=[
            ("PANEL", "Panel", "The expression and the face shapes of these panels", 0),
            ("CUES", "Cues", "Timeline markers named after expressions: happy, sad:0.6", 3),
            ("OBJECT", "Shape Keys", "The shape keys of an object, frame by frame", 1),
            ("TAKE", "Take", "A recorded performance from a file", 2),
        ],
    )
    expression: bpy.props.EnumProperty(
        name="Expression",
        description="The expression that the face is given. It replaces what the face shows. It "
        "can be animated",
        items=[("NONE", "None", "No expression: the face shapes alone"), *menu_of_expressions()],
        default="happy",
    )
    blend_over: IntProperty(
        name="Blend Over",
        description="Frames in which one cue, or keyed expression, passes into the next; 0 cuts",
        default=8,
        min=0,
        soft_max=50,
        max=10_000,
    )
    blend: StringProperty(
        name="Blend",
        description="Several expressions in place of one, such as happy:0.6+surprised:0.3. "
        "Leave it empty for the expression above. Presets can be named, too",
        search=_blends,
        search_options={"SUGGESTION"},
        update=_set_sliders,
    )
    blend_shares: bpy.props.FloatVectorProperty(
        name="Share",
        description="How much of this expression the blend has. It can be animated",
        size=MOST_SLIDERS,
        min=0.0,
        max=MAX_INTENSITY,
        update=_write_blend,
    )
    adds: BoolProperty(
        name="Add",
        description="Lay the expression over what the face shows, instead of replacing it",
    )
    presets: FileProperty(
        name="Presets", description="A file of your own expressions (.toml), which Blend may name"
    )
    driving_object: PointerProperty(
        name="Object",
        description="The mesh whose shape keys are taken. The table says what each moves",
        type=bpy.types.Object,
        poll=has_shape_keys,
        update=_fill_table,
    )
    take: FileProperty(
        name="Take",
        description="Live Link Face CSV, iFacialMocap or Face Cap text, Audio2Face JSON, glTF, "
        "VRMA, or CSV with a heading such as frame,jawOpen. USD needs an environment as Runtime",
    )
    take_offset: StringProperty(
        name="Offset",
        description="The frame of the take's first row, or the take's timecode at the shot's "
        "first frame. Leave it empty to begin with the shot",
    )
    intensity: bpy.props.FloatProperty(
        name="Intensity",
        description="How much of the expression: 0 changes nothing, 1 is the full expression. "
        "It can be animated: each frame takes the value that it has there",
        default=1.0,
        min=0.0,
        max=MAX_INTENSITY,
    )
    model: FileProperty(
        name="Model",
        description="A model file (.onnx), or the name of "
        "one. Leave it empty for the model that comes with the extension",
    )

    # Face (frames and images)
    face: EnumProperty(
        name="Face",
        description="Which of the faces in the picture is changed",
        items=[
            ("LARGEST", "Largest", "The largest face"),
            ("ALL", "All", "Every face that is found"),
            ("INDEX", "By Number", "One face by its number, 0 being the largest"),
        ],
        default="LARGEST",
    )
    face_index: IntProperty(
        name="Number",
        description="The number of the face: 0 is the largest, or the first of the rig's heads",
        min=0,
    )

    goes_on_from_result: BoolProperty(
        name="Go On from Result",
        description="Change the result that is shown once more. Otherwise every change begins "
        "with the picture or map that the result was made of",
    )

    # Frames
    frames_source: EnumProperty(
        name="Frames",
        description="Which rendered frames are changed",
        items=[
            ("SCENE", "Scene", "What this scene renders to, in its frame range"),
            ("SEQUENCE", "Sequence", "A rendered sequence that you choose"),
        ],
        default="SCENE",
    )
    all_cameras: BoolProperty(
        name="All Cameras",
        description="Render and change the shot of every camera of the scene that is not hidden "
        "in renders, each in a folder of its own",
    )
    each_layer: BoolProperty(
        name="Each View Layer",
        description="Render and change every view layer by itself, each in a folder of its own",
    )
    frames_path: FileProperty(
        name="Sequence",
        description="One frame of the sequence, its folder, or a pattern such as "
        "//render/shot.####.exr",
    )
    makes_several: BoolProperty(
        name="Several",
        description="Change the frames into each expression that is chosen here, in folders of "
        "their own. Otherwise into what the top of the tab asks for",
    )
    expressions: EnumProperty(
        name="Expressions",
        description="Expressions that the frames are given. Shift-click for several",
        items=[
            (name, name.capitalize(), f"Frames with the face {name}") for name in EXPRESSION_NAMES
        ],
        default={"happy", "sad"},
        options={"ENUM_FLAG"},
    )
    output_path: FileProperty(
        name="Output",
        description="Folder for the changed frames, which keep their names. "
        "Leave it empty for a new folder beside the rendered ones",
        subtype="DIR_PATH",
    )
    existing: EnumProperty(
        name="Existing",
        description="What becomes of changed frames that are in the output folder already",
        items=[
            ("RESUME", "Keep Finished", "Keep those made in this way, write the others"),
            ("OVERWRITE", "Replace", "Write all of them anew"),
            ("REFUSE", "Stop", "Write nothing if there is one"),
        ],
        default="RESUME",
    )
    with_mask: BoolProperty(
        name="Mask Layer",
        description="Add the mask of the change to EXR frames, as the layer reggan.mask, for use "
        "in the compositor. Of frames that were multi-layer before, Blender does not show it",
    )
    original_image: PointerProperty(
        name="Original", description="The frames that were changed last", type=bpy.types.Image
    )
    result_image: PointerProperty(
        name="Result", description="The changed frames of the last run", type=bpy.types.Image
    )

    # Head known from the rig
    use_rig_tracks: BoolProperty(
        name="Head from Rig",
        description="Take the place of the face from the rig, as tracked below, and look for none",
    )
    shows_points: BoolProperty(
        name="Show Points",
        description="Draw eyes, mouth and the tracked landmarks over pictures of the shot and in "
        "the camera's view. In the Image Editor eyes and mouth can be dragged",
        default=True,
        update=lambda _settings, context: redraw_views(context),
    )
    rig_tracks: FileProperty(
        name="Tracks",
        description="The file with the place of the head in every frame, written by Track Head",
    )
    tracks_compared: BoolProperty(
        name="Tracks Compared",
        description="The tracked face was compared with the one that a rendered frame shows",
        options={"HIDDEN"},
    )
    tracks_account: StringProperty(
        name="Account of Tracks",
        description="What came of tracking the head: by what it was found, and which frames will "
        "not change",
    )


classes = (RegganSettings,)
settings = ((bpy.types.Scene, "reggan", PointerProperty(type=RegganSettings)),)
handlers = ((bpy.app.handlers.load_post, _on_load),)
