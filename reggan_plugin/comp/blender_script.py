"""The Python script that builds the composition in Blender's compositor."""

import pprint
from importlib import resources
from typing import Any

from reggan_plugin.comp.shot_and_layers import CompShot, Footage

_RUN = "Written by reggan-plugin, whose tests run it in Blender 4.2 to 5.2."
_EMPTY = "SHOT: dict[str, Any] = {}\n"


def blender_script(shot: CompShot, still_map: Footage) -> str:
    """Return the text of a .py file for Blender 4.2 to 5.x.

    Args:
        shot: with its layers.
        still_map: an STMap of the shot's size that moves nothing.
    """
    text = (
        resources.files("reggan_plugin.comp").joinpath("blender_layers_group.py").read_text("utf-8")
    )
    assert _EMPTY in text, "the script has a place for the shot"
    files = {"source": shot.source, **shot.layers, "still": still_map}
    document: dict[str, Any] = {
        "files": {name: shot.path_of(one, "Blender") for name, one in files.items()},
        "first": shot.first,
        "last": shot.last,
        "is_sequence": shot.source.padding > 0,
        "is_linear": shot.is_linear,
        "is_premultiplied": shot.is_premultiplied,
    }
    shown = pprint.pformat(document, sort_dicts=False)
    return f"# {_RUN}\n" + text.replace(_EMPTY, f"SHOT: dict[str, Any] = {shown}\n")
