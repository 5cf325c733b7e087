"""The node group "RegGAN mix", in a scene of its own, in Blender 4.2 to 4.5 and 5.x.

Blender 5 has a scene's compositor in a node group of its own with a Group Output, and the maths
of the shader nodes; before, `Scene.node_tree` ends in a Composite node.
"""

import re
from pathlib import Path
from typing import Any

import bpy

from ..job_display import Explained, Undoable
from ..scene.camera_view import full_size
from ..scene.files_from_images import numbered, path_of_image
from ..scene.sequence_images import numbers_of, show_all_frames, stored_path

GROUP_NAME = "RegGAN mix"
_IS_5 = bpy.app.version >= (5, 0, 0)
_MASK_PASS = "reggan"
"""What Blender makes of the EXR channel reggan.mask; of multi-layer files it makes nothing."""
_STEP_X, _STEP_Y = 260, 340
_SOURCE, _FOLDER = "reggan_mix_of", "reggan_mix_folder"
"""Custom properties of the scene that mixes: the artist's scene, and where it renders to."""
_FORMATS = {".exr": "OPEN_EXR", ".tif": "TIFF", ".tiff": "TIFF", ".jpg": "JPEG", ".jpeg": "JPEG"}


def mix_group() -> Any:
    """Return the node group; one that is there is taken as it is, with what an artist made of
    it.
    """
    group = bpy.data.node_groups.get(GROUP_NAME)
    if group is not None and group.bl_idname == "CompositorNodeTree":
        return group
    group = bpy.data.node_groups.new(GROUP_NAME, "CompositorNodeTree")
    for name, kind, about in (
        ("Original", "NodeSocketColor", "The rendered frames"),
        ("Result", "NodeSocketColor", "The frames with the changed expression"),
        ("Mask", "NodeSocketFloat", "Where the result is taken: 0 keeps the original"),
        ("Amount", "NodeSocketFloat", "How much of the result is taken, everywhere"),
    ):
        socket = group.interface.new_socket(name, in_out="INPUT", socket_type=kind)
        socket.description = about
        if kind == "NodeSocketFloat":
            socket.subtype, socket.min_value, socket.max_value = "FACTOR", 0.0, 1.0
            socket.default_value = 1.0
    group.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    _fill(group)
    return group


def mix_scene(scene: Any, original: Any, result: Any) -> Any:
    """Return a scene of its own in whose compositor both sequences are mixed.

    It renders into a folder of its own, so that the originals stay as they are; so does the
    artist's scene. Of the same scene it is made once: later its sequences are exchanged.

    Args:
        scene: the artist's, or the one that was made of it.
        original: the image of the rendered frames.
        result: the image of the changed ones.
    """
    source = scene.get(_SOURCE) or scene
    mine = next((one for one in bpy.data.scenes if one.get(_SOURCE) == source), None)
    if mine is None:
        mine = bpy.data.scenes.new(f"{source.name} {GROUP_NAME}")
        mine[_SOURCE] = source
    _like_the_frames(mine, source, original, result)
    _add_mix(mine, original, result)
    mine.reggan.original_image, mine.reggan.result_image = original, result
    return mine


def _like_the_frames(mine: Any, source: Any, original: Any, result: Any) -> None:
    """Render as large, as long and into such files as the frames are."""
    render, path = mine.render, path_of_image(result)
    render.resolution_x, render.resolution_y = (
        original.size if min(original.size) > 0 else full_size(source.render)
    )
    render.resolution_percentage = 100
    render.fps, render.fps_base = source.render.fps, source.render.fps_base
    render.use_compositing, render.use_sequencer = True, False
    mine.frame_start, mine.frame_end = numbers_of(original) or (
        source.frame_start,
        source.frame_end,
    )
    mine.frame_set(min(max(source.frame_current, mine.frame_start), mine.frame_end))
    is_exr = path.suffix.lower() == ".exr"
    _set_format(render.image_settings, path.suffix.lower(), has_float=is_exr or original.is_float)
    mine.display_settings.display_device = source.display_settings.display_device
    if is_exr:  # else the view transform is in the frames already
        for name in ("view_transform", "look", "exposure", "gamma"):
            setattr(mine.view_settings, name, getattr(source.view_settings, name))
    else:
        mine.view_settings.view_transform = "Standard"
    render.filepath = stored_path(_own_folder(mine, path) / _pattern(path))


def _set_format(settings: Any, suffix: str, *, has_float: bool) -> None:
    if hasattr(settings, "media_type"):  # Blender 5
        settings.media_type = "IMAGE"
    settings.file_format = _FORMATS.get(suffix, "PNG")
    if settings.file_format == "OPEN_EXR":
        settings.color_mode, settings.color_depth, settings.exr_codec = "RGBA", "32", "ZIP"
    elif settings.file_format in ("PNG", "TIFF"):
        settings.color_mode, settings.color_depth = "RGBA", "16" if has_float else "8"


def _own_folder(mine: Any, result: Path) -> Path:
    """Return a folder beside that of the results in which nobody else has files."""
    own = mine.get(_FOLDER)
    base = result.parent.with_name(f"{result.parent.name}_mix")
    folder = next(one for one in numbered(base, "") if str(one) == own or not one.exists())
    mine[_FOLDER] = str(folder)
    return folder


def _pattern(path: Path) -> str:
    """Return a frame's name with # for its number, as Blender writes it."""
    return re.sub(r"\d+(?=\D*$)", lambda number: "#" * len(number[0]), path.stem)


def _add_mix(scene: Any, original: Any, result: Any) -> None:
    """Put both sequences and the group before the output, or exchange the sequences there."""
    tree = _tree_of(scene)
    nodes = {node.label: node for node in tree.nodes if node.label in ("Original", "Result")}
    if len(nodes) == 2:
        for label, image in (("Original", original), ("Result", result)):
            nodes[label].image = image
            show_all_frames(nodes[label], image)
        return
    output = _output_of(tree)
    left = min((node.location.x for node in tree.nodes), default=0.0) - 3 * _STEP_X
    mix = tree.nodes.new("CompositorNodeGroup")
    mix.node_tree, mix.label, mix.width = mix_group(), GROUP_NAME, 180
    mix.location = (left + 1.5 * _STEP_X, 0)
    before = _image_node(tree, original, "Original", (left, _STEP_Y))
    after = _image_node(tree, result, "Result", (left, 0))
    tree.links.new(before.outputs[0], mix.inputs["Original"])
    tree.links.new(after.outputs[0], mix.inputs["Result"])
    mask = after.outputs.get(_MASK_PASS)
    if mask is not None:
        tree.links.new(mask, mix.inputs["Mask"])
    tree.links.new(mix.outputs[0], output)


def _fill(group: Any) -> None:
    """Original + mask × amount × (result − original)."""
    nodes, links = group.nodes, group.links
    begin, end = nodes.new("NodeGroupInput"), nodes.new("NodeGroupOutput")
    product = nodes.new("ShaderNodeMath" if _IS_5 else "CompositorNodeMath")
    product.operation = "MULTIPLY"
    mix = nodes.new("ShaderNodeMix" if _IS_5 else "CompositorNodeMixRGB")
    if _IS_5:
        mix.data_type = "RGBA"
    factor, first, second = (s for s in mix.inputs if s.enabled)
    blended = next(socket for socket in mix.outputs if socket.enabled)
    for column, node in enumerate((begin, product, mix, end)):
        node.location = (_STEP_X * column, 0)
    links.new(begin.outputs["Mask"], product.inputs[0])
    links.new(begin.outputs["Amount"], product.inputs[1])
    links.new(product.outputs[0], factor)
    links.new(begin.outputs["Original"], first)
    links.new(begin.outputs["Result"], second)
    links.new(blended, end.inputs["Image"])


def _tree_of(scene: Any) -> Any:
    """Return the scene's compositor; a new one is empty, without Blender's render of the 3D
    scene.
    """
    if _IS_5:
        if scene.compositing_node_group is None:
            tree = bpy.data.node_groups.new("Compositor", "CompositorNodeTree")
            scene.compositing_node_group = tree
        return scene.compositing_node_group
    is_new = scene.node_tree is None
    scene.use_nodes = True
    if is_new:
        scene.node_tree.nodes.clear()
    return scene.node_tree


def _output_of(tree: Any) -> Any:
    """Return the socket that becomes the scene's picture."""
    kind = "NodeGroupOutput" if _IS_5 else "CompositorNodeComposite"
    if _IS_5 and not any(
        item.in_out == "OUTPUT" for item in tree.interface.items_tree if item.item_type == "SOCKET"
    ):
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    found = [node for node in tree.nodes if node.bl_idname == kind]
    active = [node for node in found if getattr(node, "is_active_output", True)]
    return next(iter(active or found or [tree.nodes.new(kind)])).inputs[0]


def _image_node(tree: Any, image: Any, label: str, location: tuple[float, float]) -> Any:
    node = tree.nodes.new("CompositorNodeImage")
    node.image, node.label, node.location = image, label, location
    show_all_frames(node, image)
    return node


class AddCompositorGroup(Undoable, Explained, bpy.types.Operator):
    """Mix the original and the changed frames in the compositor of a new scene.

    It renders into a folder of its own; your scene and its frames stay as they are.
    """

    bl_idname = "reggan.add_compositor_group"
    bl_label = "Add to Compositor"

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:
        settings = context.scene.reggan
        has_both = settings.original_image is not None and settings.result_image is not None
        return "" if has_both else "Change some frames first"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make the scene, and show it."""
        before, settings = context.scene.name, context.scene.reggan
        scene = mix_scene(context.scene, settings.original_image, settings.result_image)
        if context.window is not None:
            context.window.scene = scene
        self.report(
            {"INFO"},
            f"{scene.name} mixes them and renders to {scene.render.filepath}. The menu of "
            f"scenes, at the top right, leads back to {before}",
        )
        return {"FINISHED"}


classes = (AddCompositorGroup,)
