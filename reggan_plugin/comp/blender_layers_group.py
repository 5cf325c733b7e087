"""Runs in Blender 4.2 to 5.x, never here: a node group that puts a result together from layers.

`reggan-plugin comp --for blender` writes this text with the paths of a shot above it. Run it in
Blender's Text Editor, or with `blender shot.blend --python FILE`. Intensity and mask stay live on
the group; a group of that name that is there already is taken as it is.
"""

import importlib
from typing import Any

GROUP_NAME = "RegGAN layers"
SHOT: dict[str, Any] = {}
_STEP_X, _STEP_Y = 220, 320
_INPUTS = (
    ("Source", "NodeSocketColor"),
    ("Source Alpha", "NodeSocketFloat"),
    ("Map", "NodeSocketVector"),
    ("Still Map", "NodeSocketVector"),
    ("Gain", "NodeSocketColor"),
    ("Paint", "NodeSocketColor"),
    ("Paint Alpha", "NodeSocketFloat"),
    ("Intensity", "NodeSocketFloat"),
    ("Mask", "NodeSocketFloat"),
)


class Nodes:
    """Adds nodes to a tree from left to right, under the names that this Blender has for them."""

    def __init__(self, tree: Any) -> None:
        self._tree, self._column = tree, 0

    def add(self, *kinds: str) -> Any:
        """Return the first of these kinds that this tree takes."""
        for kind in kinds:
            try:
                node = self._tree.nodes.new(kind)
            except RuntimeError:  # another version's name
                continue
            self._column += 1
            node.location = (_STEP_X * self._column, 0)
            return node
        raise RuntimeError(f"This Blender has none of the nodes {', '.join(kinds)}.")

    def link(self, output: Any, target: Any) -> None:
        """Connect two sockets."""
        self._tree.links.new(output, target)

    def mix(self, factor: Any, first: Any, second: Any, blend: str = "MIX") -> Any:
        """Return the output of a mix of two colours; a factor that is a number stands fast."""
        node = self.add("ShaderNodeMix", "CompositorNodeMixRGB")
        if node.bl_idname == "ShaderNodeMix":
            node.data_type = "RGBA"
        node.blend_type = blend
        own = [socket for socket in node.inputs if socket.enabled]
        for source, socket in zip((factor, first, second), own, strict=False):
            if isinstance(source, float):
                socket.default_value = source
            else:
                self.link(source, socket)
        return next(socket for socket in node.outputs if socket.enabled)

    def product(self, first: Any, second: Any) -> Any:
        """Return the output of a multiplication of two numbers, kept in 0 to 1."""
        node = self.add("ShaderNodeMath", "CompositorNodeMath")
        node.operation, node.use_clamp = "MULTIPLY", True
        self.link(first, node.inputs[0])
        self.link(second, node.inputs[1])
        return node.outputs[0]

    def is_above_zero(self, value: Any) -> Any:
        """Return the output of 1 where a number is above 0, and 0 elsewhere."""
        node = self.add("ShaderNodeMath", "CompositorNodeMath")
        node.operation = "GREATER_THAN"
        self.link(value, node.inputs[0])
        node.inputs[1].default_value = 0.0
        return node.outputs[0]

    def alpha(self, colour: Any, *, to_straight: bool) -> Any:
        """Return the output of a conversion between straight and premultiplied colour."""
        node = self.add("CompositorNodePremulKey")
        if hasattr(node, "mapping"):
            node.mapping = "PREMUL_TO_STRAIGHT" if to_straight else "STRAIGHT_TO_PREMUL"
        else:
            node.inputs["Type"].default_value = "To Straight" if to_straight else "To Premultiplied"
        self.link(colour, node.inputs["Image"])
        return node.outputs[0]

    def light(self, colour: Any) -> Any:
        """Return the output of a conversion from sRGB-encoded values to linear light."""
        node = self.add("CompositorNodeConvertColorSpace")
        node.from_color_space, node.to_color_space = "sRGB", "Linear Rec.709"
        self.link(colour, node.inputs[0])
        return node.outputs[0]

    def moved(self, colour: Any, stmap: Any) -> Any:
        """Return the output of a Map UV node with the filter that comes closest to the
        runtime's.
        """
        node = self.add("CompositorNodeMapUV")
        if hasattr(node, "filter_type"):
            node.filter_type = "ANISOTROPIC"
        else:
            # Bicubic is a B-spline, which blurs even where nothing moves
            _choose(node.inputs["Interpolation"], ("Bilinear",))
        self.link(colour, node.inputs["Image"])
        self.link(stmap, node.inputs["UV"])
        return node.outputs["Image"]

    def power(self, colour: Any, exponent: Any) -> Any:
        """Return the output of each channel to a power."""
        node = self.add("ShaderNodeGamma", "CompositorNodeGamma")
        self.link(colour, node.inputs[0])
        self.link(exponent, node.inputs[1])
        return node.outputs[0]

    def with_alpha(self, colour: Any, alpha: Any) -> Any:
        """Return the output of a colour with another alpha."""
        node = self.add("CompositorNodeSetAlpha")
        if hasattr(node, "mode"):
            node.mode = "REPLACE_ALPHA"
        else:
            _choose(node.inputs["Type"], ("Replace Alpha",))
        self.link(colour, node.inputs["Image"])
        self.link(alpha, node.inputs["Alpha"])
        return node.outputs[0]


def _choose(socket: Any, names: tuple[str, ...]) -> None:
    """Set a menu to the first of these that it has."""
    for name in names:
        try:
            socket.default_value = name
        except TypeError:
            continue
        return


def layers_group(bpy: Any, shot: dict[str, Any]) -> Any:
    """Return the node group: mix(map(source) * gain, paint), as strong as asked, where the mask is
    1.
    """
    group = bpy.data.node_groups.get(GROUP_NAME)
    if group is not None:
        return group
    group = bpy.data.node_groups.new(GROUP_NAME, "CompositorNodeTree")
    for name, kind in _INPUTS:
        socket = group.interface.new_socket(name, in_out="INPUT", socket_type=kind)
        if name in ("Intensity", "Mask"):
            socket.subtype, socket.min_value, socket.max_value = "FACTOR", 0.0, 1.0
            socket.default_value = 1.0
    group.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    nodes = Nodes(group)
    begin = nodes.add("NodeGroupInput").outputs
    straight = begin["Source"]
    if shot["is_premultiplied"]:
        straight = nodes.alpha(straight, to_straight=True)
    stmap = nodes.mix(begin["Intensity"], begin["Still Map"], begin["Map"])
    moved, plate = nodes.moved(straight, stmap), begin["Source"]
    if not shot["is_linear"]:
        moved, plate = nodes.light(moved), nodes.light(plate)
    gain = nodes.power(begin["Gain"], begin["Intensity"])
    lit = nodes.mix(1.0, moved, gain, "MULTIPLY")
    cover = nodes.product(begin["Paint Alpha"], begin["Intensity"])
    result = nodes.with_alpha(nodes.mix(cover, lit, begin["Paint"]), begin["Source Alpha"])
    mask = begin["Mask"]
    if shot["is_premultiplied"]:  # colour without alpha, such as a glow, stays
        result = nodes.alpha(result, to_straight=False)
        mask = nodes.product(mask, nodes.is_above_zero(begin["Source Alpha"]))
    end = nodes.add("NodeGroupOutput")
    nodes.link(nodes.mix(mask, plate, result), end.inputs["Image"])
    return group


def load_image(bpy: Any, shot: dict[str, Any], name: str) -> Any:
    """Return a file or sequence as it is stored; layers, and encoded frames, are no colours to
    Blender.
    """
    image = bpy.data.images.load(shot["files"][name], check_existing=True)
    is_sequence = name != "still" and shot["is_sequence"]
    image.source = "SEQUENCE" if is_sequence else "FILE"
    is_premultiplied = name == "source" and shot["is_premultiplied"]
    # never as STRAIGHT: Blender 4.2 would multiply encoded values by alpha, later ones would not
    image.alpha_mode = "PREMUL" if is_premultiplied else "CHANNEL_PACKED"
    if name != "source" or not shot["is_linear"]:
        image.colorspace_settings.name = "Non-Color"
    return image


def add_layers(bpy: Any, shot: dict[str, Any]) -> Any:
    """Put the group and its images into the scene's compositor; return the group's node."""
    scene = bpy.context.scene
    if bpy.app.version >= (5, 0, 0):
        if scene.compositing_node_group is None:
            tree = bpy.data.node_groups.new("Compositor", "CompositorNodeTree")
            tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
            scene.compositing_node_group = tree
        tree = scene.compositing_node_group
    else:
        scene.use_nodes = True
        tree = scene.node_tree
    top = max((node.location.y for node in tree.nodes), default=0.0) + 6 * _STEP_Y
    mixed = tree.nodes.new("CompositorNodeGroup")
    mixed.node_tree, mixed.label, mixed.location = layers_group(bpy, shot), GROUP_NAME, (600, top)
    sockets = {"source": "Source", "stmap": "Map", "still": "Still Map"}
    sockets |= {"gain": "Gain", "paint": "Paint"}
    for row, (name, socket) in enumerate(sockets.items()):
        node = tree.nodes.new("CompositorNodeImage")
        node.image, node.label = load_image(bpy, shot, name), name
        node.location = (0, top - _STEP_Y * row)
        if shot["is_sequence"]:
            node.frame_start, node.frame_duration = shot["first"], shot["last"] - shot["first"] + 1
            node.frame_offset = shot["first"] - 1
        tree.links.new(node.outputs["Image"], mixed.inputs[socket])
        if name in ("source", "paint"):
            tree.links.new(node.outputs["Alpha"], mixed.inputs[f"{socket} Alpha"])
    return mixed


if __name__ == "__main__":
    add_layers(importlib.import_module("bpy"), SHOT)
