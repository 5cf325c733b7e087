"""How takes are fitted to the face of a scene: `scene.reggan_fit`, kept with the .blend."""

import bpy
from bpy.props import CollectionProperty, EnumProperty, FloatProperty, PointerProperty

from .bridge.vocabulary import FIT_WORDS, SHAPE_NAMES, words_of_shape

_STILL: set[str] = set()


class FitRow(bpy.types.PropertyGroup):
    """A line: these shapes are so much stronger."""

    shape: EnumProperty(
        name="Face Shape",
        description="What of the take is changed",
        items=[
            *((word, word.capitalize(), f"All shapes of: {word}") for word in FIT_WORDS),
            *((name, words_of_shape(name), f"ARKit's {name}") for name in SHAPE_NAMES),
        ],
        options=_STILL,
    )
    gain: FloatProperty(
        name="Gain",
        description="Multiplies the weight of the take",
        default=1.0,
        min=0.0,
        soft_max=2.0,
        max=5.0,
        options=_STILL,
    )
    offset: FloatProperty(
        name="Offset",
        description="Is added to the weight after the gain",
        min=-1.0,
        soft_min=-0.5,
        soft_max=0.5,
        max=1.0,
        options=_STILL,
    )


class TakeFit(bpy.types.PropertyGroup):
    """The lines of a scene."""

    rows: CollectionProperty(type=FitRow)
    asymmetry: FloatProperty(
        name="Asymmetry",
        description="How much of the difference between left and right a take keeps: 0.5 is half",
        default=1.0,
        min=0.0,
        max=1.0,
        options=_STILL,
    )


classes = (FitRow, TakeFit)


def attach() -> None:
    """Give every scene its lines."""
    bpy.types.Scene.reggan_fit = PointerProperty(type=TakeFit)


def detach() -> None:
    """Take them away again; a .blend that holds some keeps them."""
    del bpy.types.Scene.reggan_fit
