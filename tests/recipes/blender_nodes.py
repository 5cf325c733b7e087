"""As much of Blender's compositor as the script for it uses, in the manners of 4.x and 5.x.

Written after the Python API reference of 4.5 and 5.0. It runs the script and follows its links; it
says nothing of what Blender's own nodes do to a pixel. `tests/blender` asks Blender itself.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np

from ..layered_shots import warped
from .programs import read

_FOUR = {"MixRGB", "Math", "Gamma", "PremulKey", "ConvertColorSpace", "MapUV", "SetAlpha"}
_FIVE = {"PremulKey", "ConvertColorSpace", "MapUV", "SetAlpha"}
_SHADERS = {"ShaderNodeMix", "ShaderNodeMath", "ShaderNodeGamma"}
_ALWAYS = {"CompositorNodeImage", "CompositorNodeGroup", "NodeGroupInput", "NodeGroupOutput"}
_SOCKETS = {
    "MixRGB": (["Fac", "Image", "Image_001"], ["Image"]),
    "ShaderNodeMix": (["Factor", "A", "B"], ["Result"]),
    "Math": (["Value", "Value_001"], ["Value"]),
    "Gamma": (["Image", "Gamma"], ["Image"]),
    "PremulKey": (["Image", "Type"], ["Image"]),
    "ConvertColorSpace": (["Image"], ["Image"]),
    "MapUV": (["Image", "UV", "Interpolation"], ["Image"]),
    "SetAlpha": (["Image", "Alpha", "Type"], ["Image"]),
    "Image": ([], ["Image", "Alpha"]),
}
_MENUS = {"Type", "Interpolation"}


class Socket:
    def __init__(self, node: "Node", name: str) -> None:
        self.node, self.name, self.enabled, self.source = node, name, True, None
        self.default_value: Any = 1.0


class Sockets(list):  # type: ignore[type-arg]
    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return next(socket for socket in self if socket.name == key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        return any(socket.name == key for socket in self)


class Node:
    def __init__(self, kind: str, is_5: bool) -> None:
        self.bl_idname, self.location = kind, SimpleNamespace(x=0.0, y=0.0)
        short = kind.removeprefix("CompositorNode").replace("ShaderNodeMath", "Math")
        inputs, outputs = _SOCKETS.get(short.replace("ShaderNodeGamma", "Gamma"), ([], []))
        names = [name for name in inputs if is_5 or name not in _MENUS]
        self.inputs = Sockets(Socket(self, name) for name in names)
        self.outputs = Sockets(Socket(self, name) for name in outputs)
        if not is_5:
            old = {"PremulKey": "mapping", "MapUV": "filter_type", "SetAlpha": "mode"}
            if short in old:
                setattr(self, old[short], "")
        self.node_tree: Any = None
        self.image: Any = None


class Tree:
    def __init__(self, is_5: bool) -> None:
        self.nodes, self.links = NodeList(self), self
        self.interface, self.is_5 = self, is_5
        self.sockets: dict[str, list[str]] = {"INPUT": [], "OUTPUT": []}

    def new_socket(self, name: str, in_out: str, socket_type: str) -> Any:
        self.sockets[in_out].append(name)
        return SimpleNamespace(name=name)

    def new(self, output: Socket, target: Socket) -> None:
        assert output is not None
        target.source = output  # type: ignore[assignment]


class NodeList(list):  # type: ignore[type-arg]
    def __init__(self, tree: Tree) -> None:
        super().__init__()
        self._tree = tree

    def new(self, kind: str) -> Node:
        own = _FIVE if self._tree.is_5 else _FOUR
        known = _ALWAYS | {f"CompositorNode{name}" for name in own}
        if kind not in known | (_SHADERS if self._tree.is_5 else set()):
            raise RuntimeError(f"Error: Node type {kind} undefined")
        node = Node(kind, self._tree.is_5)
        if kind == "NodeGroupInput":
            node.outputs += [Socket(node, name) for name in self._tree.sockets["INPUT"]]
        if kind == "NodeGroupOutput":
            node.inputs += [Socket(node, name) for name in self._tree.sockets["OUTPUT"]]
        self.append(node)
        return node


class GroupNode(Node):
    pass


def fake_bpy(is_5: bool) -> Any:
    """A module with an empty scene."""
    groups: dict[str, Tree] = {}

    def new_group(name: str, kind: str) -> Tree:
        assert kind == "CompositorNodeTree"
        groups[name] = Tree(is_5)
        return groups[name]

    def load(path: str, check_existing: bool) -> Any:
        settings = SimpleNamespace(name="sRGB")
        return SimpleNamespace(path=path, source="", alpha_mode="", colorspace_settings=settings)

    data = SimpleNamespace(
        node_groups=SimpleNamespace(new=new_group, get=groups.get),
        images=SimpleNamespace(load=load),
    )
    scene = SimpleNamespace(compositing_node_group=None, node_tree=Tree(is_5), use_nodes=False)
    app = SimpleNamespace(version=(5, 0, 0) if is_5 else (4, 5, 0))
    return SimpleNamespace(data=data, context=SimpleNamespace(scene=scene), app=app)


class LinkedInputs(Sockets):
    """Of a group node: a socket for every name that is asked for."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._node = node

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str) and key not in self:
            self.append(Socket(self._node, key))
        return super().__getitem__(key)


def evaluate(node: Any, intensity: float, mask: Any) -> np.ndarray:
    """The picture of a group node whose images are linked."""
    given = {name: node.inputs[name] for name in node.node_tree.sockets["INPUT"]}
    values = {name: _output(socket.source) for name, socket in given.items() if socket.source}
    values |= {"Intensity": np.float32(intensity), "Mask": mask}
    end = next(one for one in node.node_tree.nodes if one.bl_idname == "NodeGroupOutput")
    return np.asarray(_input(end.inputs["Image"], values))


def _input(socket: Socket, values: dict[str, Any]) -> Any:
    if socket.source is None:
        return socket.default_value
    source: Any = socket.source
    if source.node.bl_idname == "NodeGroupInput":
        return values[source.name]
    return _of_node(source.node, values)


def _output(socket: Any) -> Any:
    image = socket.node.image
    pixels = read(image.path)
    if image.colorspace_settings.name == "sRGB" and not image.path.endswith(".exr"):
        raise AssertionError("encoded values are to be read as they are")
    return pixels[..., 3] if socket.name == "Alpha" else pixels


def _of_node(node: Node, values: dict[str, Any]) -> Any:
    inputs = [_input(socket, values) for socket in node.inputs if socket.name not in _MENUS]
    name = node.bl_idname.replace("ShaderNode", "").replace("CompositorNode", "")
    match name:
        case "Mix" | "MixRGB":
            factor, first, second = inputs
            factor = np.clip(factor, 0, 1)
            factor = factor[..., None] if np.ndim(factor) else factor
            if node.blend_type == "MULTIPLY":  # type: ignore[attr-defined]
                second = first * second
            return first + factor * (second - first)
        case "Math":
            if node.operation == "GREATER_THAN":  # type: ignore[attr-defined]
                return (inputs[0] > inputs[1]).astype(np.float32)
            return np.clip(inputs[0] * inputs[1], 0, 1)
        case "Gamma":
            return np.power(inputs[0], inputs[1])
        case "MapUV":
            chosen = getattr(node, "filter_type", "") or node.inputs["Interpolation"].default_value
            assert chosen in ("ANISOTROPIC", "Bilinear")
            colour, uv = inputs
            return np.concatenate(
                [warped(colour[..., :3], uv) * uv[..., 2:3], colour[..., 3:]], axis=2
            )
        case "SetAlpha":
            colour = inputs[0].copy()
            colour[..., 3] = inputs[1]
            return colour
        case "PremulKey":
            way = getattr(node, "mapping", "") or node.inputs["Type"].default_value
            colour = inputs[0].copy()
            alpha = colour[..., 3:]
            straight = way in ("PREMUL_TO_STRAIGHT", "To Straight")
            colour[..., :3] *= 1 / np.where(alpha == 0, 1, alpha) if straight else alpha
            return colour
        case "ConvertColorSpace":
            from reggan_plugin.imaging.colour import linear_from_srgb

            return np.concatenate(
                [linear_from_srgb(inputs[0][..., :3]), inputs[0][..., 3:]], axis=2
            )
    raise AssertionError(name)
