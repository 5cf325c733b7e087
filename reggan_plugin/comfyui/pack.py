"""What ComfyUI loads: the nodes, their names in its menu, and the files for its front end."""

from pathlib import Path
from typing import Any, Final

from reggan_plugin.comfyui import host
from reggan_plugin.comfyui.expression_nodes import (
    BlendExpressions,
    ExpressionFromPicture,
    ExpressionNode,
    FaceShapes,
    TakeNode,
)
from reggan_plugin.comfyui.picture_nodes import (
    ChangeExpression,
    ExpressionEditor,
    FindFaces,
    SaveExrWithLayers,
)
from reggan_plugin.comfyui.preview import PREVIEWS

_NODES: Final[dict[str, tuple[type[Any], str]]] = {
    "RegganExpression": (ExpressionNode, "Expression"),
    "RegganFaceShapes": (FaceShapes, "Face Shapes"),
    "RegganBlendExpressions": (BlendExpressions, "Blend Expressions"),
    "RegganTake": (TakeNode, "Take"),
    "RegganExpressionFromPicture": (ExpressionFromPicture, "Expression from Picture"),
    "RegganExpressionEditor": (ExpressionEditor, "Expression Editor"),
    "RegganChangeExpression": (ChangeExpression, "Change Expression"),
    "RegganFindFaces": (FindFaces, "Find Faces"),
    "RegganSaveExrWithLayers": (SaveExrWithLayers, "Save EXR with Layers"),
}

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS", "WEB_DIRECTORY"]

NODE_CLASS_MAPPINGS = {name: node for name, (node, _) in _NODES.items()}
NODE_DISPLAY_NAME_MAPPINGS = {name: shown for name, (_, shown) in _NODES.items()}
WEB_DIRECTORY = str(Path(__file__).with_name("web"))

host.add_routes(
    {
        "/reggan/words": PREVIEWS.words,
        "/reggan/places": PREVIEWS.places,
        "/reggan/picture": PREVIEWS.picture,
        "/reggan/thumbnail": PREVIEWS.thumbnail,
    }
)
