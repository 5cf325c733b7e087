"""A composition for Blackmagic Fusion (also DaVinci Resolve's Fusion page) from layers.

The map is read by a Custom Tool: `getr1d(x, y)` is the red of image 1 at a place in parts of its
width and height from the lower left. The way from a map without change is added to the tool's own
x and y, so that it does not matter where in a pixel these lie.
Source: DaVinci Resolve's reference manual, "Custom Tool" under Miscellaneous Nodes.
"""

from collections.abc import Sequence

from reggan_plugin.comp.shot_and_layers import NOT_RUN, CompShot, Footage

_FORMATS = {
    ".exr": "OpenEXRFormat",
    ".png": "PNGFormat",
    ".jpg": "JpegFormat",
    ".jpeg": "JpegFormat",
    ".tif": "TiffFormat",
    ".tiff": "TiffFormat",
}
_FLOAT32 = 4
_CHANNELS = ("Red", "Green", "Blue", "Alpha")
_DECODE = "if({0}<=0.04045, {0}/12.92, pow(({0}+0.055)/1.055, 2.4))"


def fusion_composition(shot: CompShot, still_map: Footage) -> str:
    """Return the text of a .comp file.

    Args:
        shot: with its layers.
        still_map: an STMap of the shot's size that moves nothing.
    """
    tools = [_loader(shot, shot.source, "Source")]
    tools += [_loader(shot, shot.layers[name], name.title()) for name in shot.layers]
    tools.append(_loader(shot, still_map, "Still", is_still=True))
    place = "x+n1*(r2-r3), y+n1*(g2-g3)"
    straight = [f"getr1d({place})", f"getg1d({place})", f"getb1d({place})"]
    over_alpha = f"/max(geta1d({place}), 0.000001)" if shot.is_premultiplied else ""
    moved = [f"{value}{over_alpha}" for value in straight]
    tools.append(_custom("Moved", ("Source", "Stmap", "Still"), moved, "a1"))
    light = [c if shot.is_linear else _DECODE.format(c) for c in ("r1", "g1", "b1")]
    cover = "min(n1,1)*a3"
    lit = [
        f"{value}*pow({c}2,n1)*(1-{cover})+{c}3*{cover}"
        for value, c in zip(light, "rgb", strict=True)
    ]
    tools.append(_custom("RegGAN", ("Moved", "Gain", "Paint"), lit, "a1"))
    result = [f"{c}1*a1" if shot.is_premultiplied else f"{c}1" for c in "rgb"]
    plate = [c if shot.is_linear else _DECODE.format(c) for c in ("r2", "g2", "b2")]
    tools.append(
        "\t\tMask = Background {\n\t\t\tInputs = {\n"
        f"\t\t\t\tWidth = Input {{ Value = {shot.display_px[1]}, }},\n"
        f"\t\t\t\tHeight = Input {{ Value = {shot.display_px[0]}, }},\n"
        + "".join(f"\t\t\t\tTopLeft{c} = Input {{ Value = 1, }},\n" for c in _CHANNELS)
        + "\t\t\t},\n\t\t},"
    )
    mixed = [f"{p}+a3*({r}-({p}))" for p, r in zip(plate, result, strict=True)]
    if shot.is_premultiplied:  # colour without alpha, such as a glow, stays
        mixed = [f"if(a2==0, {c}2, {value})" for c, value in zip("rgb", mixed, strict=True)]
    tools.append(_custom("Result", ("RegGAN", "Source", "Mask"), mixed, "a2"))
    body = "\n".join(tools)
    return (
        f"-- {NOT_RUN}\n"
        f"Composition {{\n\tCurrentTime = {shot.first},\n"
        f"\tRenderRange = {{ {shot.first}, {shot.last} }},\n"
        f"\tGlobalRange = {{ {shot.first}, {shot.last} }},\n"
        f"\tTools = ordered() {{\n{body}\n\t}},\n}}\n"
    )


def _custom(name: str, images: Sequence[str], colours: Sequence[str], alpha: str) -> str:
    """Return a Custom Tool: images by number, and an expression for each channel."""
    lines = [
        f'\t\t\t\tImage{number} = Input {{ SourceOp = "{image}", Source = "Output", }},'
        for number, image in enumerate(images, start=1)
    ]
    lines += [
        f'\t\t\t\t{channel}Expression = Input {{ Value = "{text}", }},'
        for channel, text in zip(_CHANNELS, (*colours, alpha), strict=True)
    ]
    intensity = "Value = 1, "
    if name != "RegGAN":
        intensity += 'Expression = "RegGAN.NumberIn1", '
    lines.append(f"\t\t\t\tNumberIn1 = Input {{ {intensity}}},")
    lines.append('\t\t\t\tNameforNumber1 = Input { Value = "Intensity", },')
    body = "\n".join(lines)
    return f"\t\t{name} = Custom {{\n\t\t\tInputs = {{\n{body}\n\t\t\t}},\n\t\t}},"


def _loader(shot: CompShot, footage: Footage, name: str, *, is_still: bool = False) -> str:
    path = shot.path_of(footage, "Fusion")
    kind = _FORMATS.get(path[path.rfind(".") :].lower(), "OpenEXRFormat")
    length = shot.last - shot.first + 1
    count = 1 if is_still else length
    clip = {
        "ID": '"Clip1"',
        "Filename": _quoted(path),
        "FormatID": f'"{kind}"',
        "StartFrame": -1 if is_still or not footage.padding else shot.first,
        "Length": count,
        "LengthSetManually": "true",
        "TrimIn": 0,
        "TrimOut": count - 1,
        "ExtendFirst": 0,
        "ExtendLast": length - count,
        "Loop": 0,
        "AspectMode": 0,
        "Depth": _FLOAT32,
        "TimeCode": 0,
        "GlobalStart": shot.first,
        "GlobalEnd": shot.first + count - 1,
    }
    body = "\n".join(f"\t\t\t\t\t{key} = {value}," for key, value in clip.items())
    return (
        f"\t\t{name} = Loader {{\n"
        f"\t\t\tClips = {{\n\t\t\t\tClip {{\n{body}\n\t\t\t\t}}\n\t\t\t}},\n"
        "\t\t\tInputs = {\n\t\t\t\tPostMultiplyByAlpha = Input { Value = 0, },\n\t\t\t},\n\t\t},"
    )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
