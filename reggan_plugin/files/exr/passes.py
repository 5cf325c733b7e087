"""The passes of a render beside its picture: which channels belong together, and what they hold."""

import re
from collections.abc import Iterator, Sequence

from reggan_plugin.files.exr.container import Channel, ExrPart
from reggan_plugin.files.exr.picture_layer import OWN_PREFIXES, Layer
from reggan_plugin.files.exr.writing_settings import RenderPass
from reggan_plugin.imaging.pass_rules import PassRule

_LAST_NAMES = ("r", "g", "b", "a", "x", "y", "z", "w", "u", "v", "red", "green", "blue", "alpha")
_ORDER = {name: index for index, name in enumerate("rgbxyzuvwa")}
_NAMES: tuple[tuple[PassRule, str], ...] = (
    ("nearest", r"u?crypto.*|index(ob|ma)|(object|material) index|.*_id|.*id_?pass"
     r"|(object|material|mat|obj|asset|instance|prim)?_?id"),
    ("normal", r"n|nn|ng|normals?|.*[ _]normals?|vraynormals?|bumpnormals?|world_?normals?"),
    ("depth", r"z|depth|.*[ _]depth|zdepth|vrayzdepth|mist|p|pos|position|pworld|worldposition"
     r"|world_?position|pref|uv|st"),
    ("motion", r"vector|motion|motion_?vectors?|mv|forward|backward|speed"),
    ("light", r".*[ _]?(dir|ind|direct|indirect)|diffuse|specular|sss|subsurface|transmission"
     r"|reflection|refraction|coat|sheen|volume|emit|emission|gi|combined.*|beauty|rgba|light.*"
     r"|lg_.*|raw_?.*lighting"),
    ("colour", r"albedo|.*[ _]albedo|base_?colou?r|.*colou?r|.*col|.*filter|ao"
     r"|ambient[ _]?occlusion|occlusion|shadow.*|env|environment|background|.*matte|.*mask"),
)  # fmt: skip
"""Names in lower case of Blender, Arnold, RenderMan, V-Ray and Redshift; the first that fits."""


def passes_of(parts: Sequence[ExrPart], picture: Layer) -> list[RenderPass]:
    """All passes of the picture's view, but the picture itself and layers of our own."""
    # a Cryptomatte's name; its ranks have two digits behind it
    name = re.compile(r"cryptomatte/[^/]+/name")
    cryptomattes = [
        part.text(key) for part in parts for key in part.attributes if name.fullmatch(key)
    ]
    own = {*picture.colours, *([picture.alpha] if picture.alpha else [])}
    found = []
    for index, part in enumerate(parts):
        if not part.is_flat or (picture.view and part.view not in ("", picture.view)):
            continue
        groups: dict[str, list[Channel]] = {}
        for channel in part.channels:
            if index == picture.part_index and channel.name in own:
                continue
            if not channel.name.startswith(OWN_PREFIXES):
                groups.setdefault(_path_of(channel.name, part, picture.view), []).append(channel)
        for path, channels in groups.items():
            is_ours = _has_view(channels[0].name, picture.view, part)
            if is_ours:
                found.append(_pass_of(index, path, channels, cryptomattes))
    return found


def _path_of(channel: str, part: ExrPart, view: str) -> str:
    prefix, _, last = channel.rpartition(".")
    if view:
        prefix = prefix.removesuffix(view).removesuffix(".")
    if last.lower() not in _LAST_NAMES:
        return channel  # a name with dots in it, of one channel
    plain = part.name.removesuffix(f"-{view}").removesuffix(f".{view}") if view else part.name
    is_depth = (
        last == "Z" and len(part.channels) > 1 and not any(one.name == "X" for one in part.channels)
    )
    return prefix or ("Z" if is_depth else plain) or channel


def _has_view(channel: str, view: str, part: ExrPart) -> bool:
    """Tell whether a channel is seen by the picture's eye, as far as names tell."""
    listed = part.attributes.get("multiView")
    if not view or listed is None:
        return True
    middle = channel.split(".")[-2:-1]
    others = [text for text in _texts(listed.value) if text != view]
    return not (middle and middle[0] in others)


def _texts(value: bytes) -> Iterator[str]:
    position = 0
    while position + 4 <= len(value):
        length = int.from_bytes(value[position : position + 4], "little")
        yield value[position + 4 : position + 4 + length].decode("utf-8", "replace")
        position += 4 + length


def _pass_of(
    index: int, path: str, channels: list[Channel], cryptomattes: Sequence[str]
) -> RenderPass:
    names = sorted((one.name for one in channels), key=_order)
    is_matte = any(re.fullmatch(re.escape(one) + r"\d*", path) for one in cryptomattes)
    if is_matte or any(one.pixel_type == "uint" for one in channels):
        rule: PassRule | None = "nearest"
    else:
        last = path.rpartition(".")[2].lower()
        rule = next((rule for rule, text in _NAMES if re.fullmatch(text, last)), None)
    alphas = [name for name in names if name.rpartition(".")[2].lower() in ("a", "alpha")]
    alpha = alphas[0] if alphas and rule in ("light", "colour", None) and len(names) > 1 else None
    return RenderPass(
        part_index=index,
        path=path,
        channels=tuple(name for name in names if name != alpha),
        alpha=alpha,
        rule=rule,
    )


def _order(name: str) -> int:
    last = name.rpartition(".")[2].lower()
    return _ORDER.get(last[:1], len(_ORDER))
