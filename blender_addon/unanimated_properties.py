"""Properties of Blender's that are not animated, as most of the panels' are not."""

from functools import partial

import bpy

_STILL: set[str] = set()
_PATH = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else _STILL

BoolProperty = partial(bpy.props.BoolProperty, options=_STILL)
EnumProperty = partial(bpy.props.EnumProperty, options=_STILL)
FloatProperty = partial(bpy.props.FloatProperty, options=_STILL)
FloatVectorProperty = partial(bpy.props.FloatVectorProperty, options=_STILL)
IntProperty = partial(bpy.props.IntProperty, options=_STILL)
PointerProperty = partial(bpy.props.PointerProperty, options=_STILL)
StringProperty = partial(bpy.props.StringProperty, options=_STILL)
FileProperty = partial(bpy.props.StringProperty, subtype="FILE_PATH", options=_PATH)
