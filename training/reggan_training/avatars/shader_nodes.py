"""A few words to write Blender's shader trees in."""

from collections.abc import Sequence
from typing import Any

import bpy


class ShaderTree:
    """A material's tree while it is written."""

    def __init__(self, name: str, number: int) -> None:
        """An empty material whose pixels carry `number` in the material pass."""
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.material.pass_index = number
        self.nodes = self.material.node_tree.nodes
        self.nodes.clear()
        self.output = self.nodes.new("ShaderNodeOutputMaterial")

    def node(self, kind: str, inputs: dict[str | int, Any] | None = None, **settings: Any) -> Any:
        """A node with its settings and inputs; an input is a value or another node's socket."""
        node = self.nodes.new(kind)
        for name, value in settings.items():
            setattr(node, name, value)
        for key, value in (inputs or {}).items():
            self.connect(node.inputs[key], value)
        return node

    def connect(self, socket: Any, value: Any) -> None:
        """Give a socket a value, or link another's output to it."""
        if isinstance(value, bpy.types.NodeSocket):
            self.material.node_tree.links.new(value, socket)
        elif isinstance(value, Sequence) and len(value) == 3 and socket.type == "RGBA":
            socket.default_value = (*value, 1.0)
        else:
            socket.default_value = value

    def image(self, image: Any, vector: Any = None) -> Any:
        """The colour of an image at the mesh's uv."""
        inputs: dict[str | int, Any] = {} if vector is None else {"Vector": vector}
        return self.node("ShaderNodeTexImage", inputs, image=image, extension="REPEAT")

    def math(self, operation: str, *values: Any, clamp: bool = False) -> Any:
        """The result of an operation on numbers."""
        node = self.node("ShaderNodeMath", dict(enumerate(values)), operation=operation)
        node.use_clamp = clamp
        return node.outputs[0]

    def mix_colours(self, factor: Any, first: Any, second: Any, blend: str = "MIX") -> Any:
        """Two colours mixed by a factor."""
        node = self.node("ShaderNodeMix", data_type="RGBA", blend_type=blend)
        for socket, value in (
            (node.inputs[0], factor),
            (node.inputs[6], first),
            (node.inputs[7], second),
        ):
            self.connect(socket, value)
        return node.outputs[2]

    def finish(self, shader: Any) -> Any:
        """The material, showing this shader."""
        self.connect(self.output.inputs["Surface"], shader.outputs[0])
        return self.material
