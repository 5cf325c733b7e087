"""The node group "RegGAN mix" in the compositors of Blender 4.2 to 4.5 and of 5.x.

Blender 5 has a scene's compositor in a node group of its own with a Group Output, and the maths
of the shader nodes; before, `Scene.node_tree` ends in a Composite node.
"""

from typing import Any

import bpy

from .sequence_images import show_all_frames

GROUP_NAME = "RegGAN mix"
_IS_5 = bpy.app.version >= (5, 0, 0)
_MASK_PASS = "reggan"
"""What Blender makes of the EXR channel reggan.mask; of multi-layer files it makes nothing."""
_STEP_X, _STEP_Y = 260, 340


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


def add_mix(scene: Any, original: Any, result: Any) -> bool:
    """Put both sequences and the group into the scene's compositor.

    An output that is linked already is left alone.

    Returns:
        Whether the scene's output now comes from the group.
    """
    tree = _tree_of(scene)
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
    if output.is_linked:
        return False
    tree.links.new(mix.outputs[0], output)
    return True


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
    node = (active or found or [None])[0]
    if node is None:
        node = tree.nodes.new(kind)
    return node.inputs[0]


def _image_node(tree: Any, image: Any, label: str, location: tuple[float, float]) -> Any:
    node = tree.nodes.new("CompositorNodeImage")
    node.image, node.label, node.location = image, label, location
    show_all_frames(node, image)
    return node
