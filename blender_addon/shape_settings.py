"""Weights of face shapes that are laid over the expression: `scene.reggan_shapes`."""

import bpy
from bpy.props import FloatProperty, PointerProperty

from .bridge.expression_blend import MAX_INTENSITY
from .bridge.vocabulary import SHAPE_NAMES, words_of_shape


class ShapeWeights(bpy.types.PropertyGroup):
    """One weight a face shape, each of which can be animated; their names are ARKit's."""

    __annotations__ = {
        name: FloatProperty(
            name=words_of_shape(name),
            description=f"How much of ARKit's {name} is laid over. It can be animated",
            min=0.0,
            max=MAX_INTENSITY,
            soft_max=1.0,
        )
        for name in SHAPE_NAMES
    }


classes = (ShapeWeights,)


def attach() -> None:
    """Give every scene its weights."""
    bpy.types.Scene.reggan_shapes = PointerProperty(type=ShapeWeights)


def detach() -> None:
    """Take them away again; a .blend that holds them keeps them."""
    del bpy.types.Scene.reggan_shapes
