"""A Nuke script that puts a result together from layers, with live intensity and mask.

A script is a list of nodes: each takes its inputs from a stack, input 0 from its top, and is put
on top itself; `set` names what is on top, `push` puts it there again.
Source: Nuke's Reference Guide (Read, STMap, Expression, Keymix, Merge, Copy) and Python Developer
Guide, learn.foundry.com.
"""

from collections.abc import Sequence

from reggan_plugin.comp.shot_and_layers import NOT_RUN, CompShot, Footage

_INTENSITY = "RegGAN.intensity"
_EVALUATED = '[]{}$"\\;%#'
"""In a file's name: TCL, which a Read evaluates behind all escapes, and numbers of frames."""
_DECODE = "{0}<=0.04045 ? {0}/12.92 : pow(({0}+0.055)/1.055, 2.4)"
"""IEC 61966-2-1, so that no colour management of the host has a say."""


def nuke_script(shot: CompShot) -> str:
    """Return the text of a .nk file."""
    script = _Script()
    _begin(script, shot)
    source = "Source"
    if shot.is_premultiplied:
        source = script.add("Unpremult", ["Source"], name="Straight")
    plate = source if shot.is_linear else _decode(script, source, "PlateLight")
    moved = _move(script, source)
    light = moved if shot.is_linear else _decode(script, moved, "MovedLight")
    painted = _paint(script, _light(script, light))
    script.add("Copy", [painted, "Source"], from0="rgba.alpha", to0="rgba.alpha", name="WithAlpha")
    script.add("Constant", channels="rgba", color=1, name="Mask")
    script.add(
        "Keymix",
        [plate, "WithAlpha", "Mask"],
        channels="rgb",
        maskChannel="rgba.alpha",
        name="Masked",
    )
    if shot.is_premultiplied:  # colour without alpha, such as a glow, stays
        result = {f"expr{i}": _quoted(f"Ba==0 ? B{c} : A{c}*Ba") for i, c in enumerate("rgb")}
        script.add("MergeExpression", ["Source", "Masked"], **result, name="Result")
    else:
        script.add("NoOp", ["Masked"], name="Result")
    return script.text()


class _Script:
    """Lines of a script; every node is named on the stack as soon as it is there."""

    def __init__(self) -> None:
        self._lines = [f"# {NOT_RUN}", "version 13.2 v1"]

    def add(self, kind: str, sources: Sequence[str] = (), /, **knobs: object) -> str:
        """Add a node with these inputs, input 0 first; return its name."""
        self._lines += [f"push ${source}" for source in reversed(sources)]
        self._lines += [f"{kind} {{", f" inputs {len(sources)}"]
        self._lines += [f" {knob} {value}" for knob, value in knobs.items()]
        self._lines.append("}")
        name = str(knobs.get("name", ""))
        if name:
            self._lines.append(f"set {name} [stack 0]")
        return name

    def text(self) -> str:
        return "\n".join(self._lines) + "\n"


def _begin(script: _Script, shot: CompShot) -> None:
    """Add the format, the live intensity, and what is read from disk."""
    height, width = shot.display_px
    script.add(
        "Root",
        first_frame=shot.first,
        last_frame=shot.last,
        format=f'"{width} {height} 0 0 {width} {height} 1 "',
    )
    script.add("StickyNote", label=_quoted(NOT_RUN))
    script.add("NoOp", addUserKnob="{7 intensity l Intensity R 0 1.2}", intensity=1, name="RegGAN")
    _read(script, shot, shot.source, "Source")
    for name in ("stmap", "gain", "paint"):
        _read(script, shot, shot.layers[name], name)


def _move(script: _Script, source: str) -> str:
    """Sample the source where the map says, by the intensity's share of the way."""
    script.add(
        "Expression",
        ["stmap"],
        expr0=_quoted(_scaled("(x+0.5)/width", "r")),
        expr1=_quoted(_scaled("(y+0.5)/height", "g")),
        name="ScaledMap",
    )
    return script.add(
        "STMap", [source, "ScaledMap"], channels="rgb", uv="rgb", filter="Simon", name="Moved"
    )


def _light(script: _Script, source: str) -> str:
    """Multiply by the gain to the power of the intensity."""
    powers = {f"expr{i}": _quoted(f"pow({c}, {_INTENSITY})") for i, c in enumerate("rgb")}
    script.add("Expression", ["gain"], **powers, name="ScaledGain")
    return script.add(
        "Merge2",
        [source, "ScaledGain"],
        operation="multiply",
        Achannels="rgb",
        Bchannels="rgb",
        output="rgb",
        name="Lit",
    )


def _paint(script: _Script, source: str) -> str:
    """Lay the paint over, up to an intensity of 1."""
    return script.add(
        "Keymix",
        [source, "paint", "paint"],
        channels="rgb",
        maskChannel="rgba.alpha",
        mix=f'{{{{"clamp({_INTENSITY}, 0, 1)"}}}}',
        name="Painted",
    )


def _read(script: _Script, shot: CompShot, footage: Footage, name: str) -> None:
    shot.path_of(footage, "Nuke", _EVALUATED)
    script.add(
        "Read",
        file=_quoted(footage.path(f"%0{footage.padding}d" if footage.padding else "")),
        first=shot.first,
        last=shot.last,
        origfirst=shot.first,
        origlast=shot.last,
        raw="true",
        name=name,
    )


def _decode(script: _Script, source: str, name: str) -> str:
    light = {f"expr{i}": _quoted(_DECODE.format(c)) for i, c in enumerate("rgb")}
    return script.add("Expression", [source], **light, name=name)


def _scaled(still: str, channel: str) -> str:
    return f"{still} + {_INTENSITY}*({channel} - {still})"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("[", "\\[")
    return f'"{escaped}"'
