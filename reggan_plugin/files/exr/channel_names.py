"""Which channels of an EXR hold the picture, and which our change adds to it: `reggan.mask`, ..."""

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import OpenEXR

from reggan_plugin.array_types import Float, Plane, Shaped
from reggan_plugin.errors import MissingChannelsError, UnsupportedFormatError
from reggan_plugin.files.exr.container import Channel, ExrPart
from reggan_plugin.files.exr.writing_settings import RenderPass
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.pass_rules import PassRule

_MOST_NAMES, _LONGEST_NAME = 100, 200
"""Of channels in a sentence."""
_PICTURE_NAMES = {"beauty", "c", "ci", "color", "combined", "final", "image", "rgb", "rgba"}
"""Words of which renderers and Nuke make the name of the part with the picture, in lower case."""
_ADVICE = (
    "Write the picture as R, G, B (root layer), as the only layer <name>.R, <name>.G, <name>.B, "
    "or as Blender's <view layer>.Combined; or name its layer, part or view."
)


@frozen
class Layer:
    """The channels of a picture: three colours or one luminance, and perhaps alpha.

    Attributes:
        part_index: where it lies.
        prefix: what its channels' names begin with, dot and view included; empty for the root.
        view: the eye that sees it; empty in a file of one view.
        colours: names of its channels.
        alpha: name of its alpha, if there is one.
    """

    part_index: int
    prefix: str
    view: str
    colours: tuple[str, ...]
    alpha: str | None

    @property
    def name(self) -> str:
        """The layer without its view; empty for the root."""
        path = self.prefix[:-1]
        return path.removesuffix(self.view).removesuffix(".") if self.view else path


def find_layer(parts: Sequence[ExrPart], wanted: str | None = None) -> Layer:
    """Return the root R, G, B of the first part that has it, those called `rgba`, `beauty` and the
    like before others; else a layer; else the luminance Y.

    Of several views it is the first one's. `wanted` names a layer, a part or a view instead.

    Raises:
        MissingChannelsError: there is no picture, or several layers and none is the picture.
        UnsupportedFormatError: the picture is deep, luminance-chroma, sub-sampled or mip-mapped,
            or its part is of an unknown type or compression.
    """
    layers = [layer for index in range(len(parts)) for layer in _layers_of(parts[index], index)]
    if wanted is not None:
        layers = _named(parts, layers, wanted)
    flat = [layer for layer in layers if parts[layer.part_index].is_flat]
    if not flat and layers:
        raise UnsupportedFormatError(_not_flat(parts[layers[0].part_index]))
    hero = next((layer.view for layer in flat if layer.view), "")
    choice = _picture_among(parts, [layer for layer in flat if layer.view in ("", hero)])
    if choice is None:
        found = listed(
            labelled(part, channel) + (" (whole numbers)" if channel.pixel_type == "uint" else "")
            for part in parts
            for channel in part.channels
        )
        raise MissingChannelsError(f"holds no picture among its channels {found}. {_ADVICE}")
    refuse_unwritable(parts[choice.part_index], choice)
    return choice


def other_views(parts: Sequence[ExrPart], layer: Layer) -> list[str]:
    """Return the views that show the same picture as `layer` to another eye."""
    views = [own.view for index, part in enumerate(parts) for own in _layers_of(part, index)]
    return [view for view in dict.fromkeys(views) if view not in ("", layer.view)]


def _picture_among(parts: Sequence[ExrPart], layers: list[Layer]) -> Layer | None:
    coloured = [layer for layer in layers if len(layer.colours) == 3]
    combined = [layer for layer in coloured if layer.name.lower().endswith("combined")]
    choice = (
        sorted(_roots(coloured), key=lambda root: not _is_called_picture(parts[root.part_index]))
        or combined
        or (coloured if len(coloured) == 1 else [])
        or ([] if coloured else _roots(layers))
    )
    return choice[0] if choice else None


def _roots(layers: Iterable[Layer]) -> list[Layer]:
    """Return those whose channels have plain names."""
    return [layer for layer in layers if not layer.name]


def _is_called_picture(part: ExrPart) -> bool:
    """Tell whether a part's name, but for its view, is what renderers call the picture."""
    words = {*re.split(r"[ ._-]+", part.name.lower())} - {part.view.lower()}
    return bool(words - {"color"}) and words <= _PICTURE_NAMES  # of albedo, if it says no more


def parts_like(parts: Sequence[ExrPart], picture: Layer) -> list[str]:
    """Return names of other parts that could be the picture as well, by their channels and if no
    name tells.
    """
    own = parts[picture.part_index]
    if picture.prefix or _is_called_picture(own):
        return []
    roots = (_roots(_layers_of(part, index)) for index, part in enumerate(parts))
    like = [parts[root.part_index] for each in roots for root in each if len(root.colours) == 3]
    return [
        part.name
        for part in like
        if part is not own and part.is_flat and part.view in ("", picture.view)
    ]


def _named(parts: Sequence[ExrPart], layers: list[Layer], wanted: str) -> list[Layer]:
    """Return the one layer of that name, in that part, or those of that view."""
    own = [layer for layer in layers if wanted in (layer.prefix[:-1], layer.name)]
    of_part = [layer for layer in layers if wanted == parts[layer.part_index].name]
    found = own or of_part or [layer for layer in layers if wanted == layer.view]
    if not found:
        names = [layer.prefix[:-1] or parts[layer.part_index].name for layer in layers]
        raise MissingChannelsError(
            f"has no layer, part or view {wanted!r}; its pictures are "
            f"{', '.join(name or 'the root' for name in names) or 'none'}.",
            kind="no-such-exr-picture" if any(names) else "exr-picture-has-no-name",
            picture=wanted,
        )
    return found


def _layers_of(part: ExrPart, index: int) -> list[Layer]:
    """All layers of a part that could be a picture."""
    channels = {
        channel.name: channel
        for channel in part.channels
        if channel.pixel_type in ("half", "float")
    }
    views = _views_of(part)
    prefixes = dict.fromkeys(name[: name.rfind(".") + 1] for name in channels)
    layers = []
    for prefix in (prefix for prefix in prefixes if not prefix.startswith(OWN_PREFIXES)):
        alpha = f"{prefix}A" if f"{prefix}A" in channels else None
        colours = tuple(f"{prefix}{colour}" for colour in "RGB")
        if not channels.keys() >= set(colours):
            colours = (f"{prefix}Y",)
        if channels.keys() >= set(colours):
            last = prefix.split(".")[-2] if prefix else ""
            view = part.view or (last if last in views else next(iter(views), ""))
            layers.append(
                Layer(part_index=index, prefix=prefix, view=view, colours=colours, alpha=alpha)
            )
    return layers


def _views_of(part: ExrPart) -> list[str]:
    """Return the views whose channels share this part, the one without a mark in its names
    first.
    """
    listed = part.attributes.get("multiView")
    views, position = [], 0
    while listed is not None and position + 4 <= len(listed.value):
        length = int.from_bytes(listed.value[position : position + 4], "little")
        views.append(listed.value[position + 4 : position + 4 + length].decode("utf-8", "replace"))
        position += 4 + length
    return views


def _not_flat(part: ExrPart) -> str:
    if part.kind.startswith("deep"):
        return "is a deep EXR. Flatten it."
    return f"holds its picture in a part of the unknown type {part.kind!r}. Write it as scanlines."


def refuse_unwritable(part: ExrPart, layer: Layer | None = None) -> None:
    """Refuse a part whose chunks cannot be decoded and encoded one by one.

    Raises:
        UnsupportedFormatError: it is of another kind, which the message names.
    """
    names = {channel.name for channel in part.channels}
    if layer and len(layer.colours) == 1 and names & {f"{layer.prefix}RY", f"{layer.prefix}BY"}:
        raise UnsupportedFormatError("is a luminance-chroma EXR. Write it as R, G, B.")
    subsampled = [channel.name for channel in part.channels if channel.sampling != (1, 1)]
    if subsampled:
        raise UnsupportedFormatError(
            f"has sub-sampled channels ({', '.join(subsampled)}). Write all at full resolution."
        )
    if part.is_tiled and part.tile_description[2] & 0xF:
        raise UnsupportedFormatError(
            "is a mip-mapped EXR, whose smaller levels would keep the old face. "
            "Give the texture before mip-mapping."
        )
    if part.compression >= OpenEXR.NUM_COMPRESSION_METHODS.value:
        raise UnsupportedFormatError(
            f"is compressed by method {part.compression}, which OpenEXR "
            f"{OpenEXR.OPENEXR_VERSION} does not know. Write it as ZIP, or update the package."
        )


def listed(names: Iterable[str]) -> str:
    """Return names for a sentence, the first of them if there are many."""
    each = [name[:_LONGEST_NAME] for name in names]
    more = f" and {len(each) - _MOST_NAMES:,} more" if len(each) > _MOST_NAMES else ""
    return ", ".join(each[:_MOST_NAMES]) + more


def labelled(part: ExrPart, channel: Channel) -> str:
    """Return the name of a channel, with that of its part if it has one."""
    return f"{part.name}:{channel.name}" if part.name else channel.name


OWN_PREFIXES = ("reggan.", "reggan_stmap.", "reggan_inverse.", "reggan_gain.", "reggan_paint.")
DELTA = "reggan.delta"

Samples = Shaped[np.ndarray, "height width channels"]


def settle(old: Samples, new: Samples) -> Float[np.ndarray, "height width channels"]:
    """Make `new` what `old` plus a float32 delta gives, and return that delta.

    In place, by less than a float32 can tell of the larger of the two: where a sample falls to a
    small part of what it was, `new - old` is no float32. Values that are not finite stay, by a
    delta of 0.
    """
    before = old.astype(np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        delta = np.asarray(new.astype(np.float32) - before, dtype=np.float32)
        rebuilt = (before + delta).astype(new.dtype)
    delta[~np.isfinite(before)] = 0
    np.copyto(new, rebuilt, where=np.isfinite(rebuilt) & (delta != 0))
    return delta


def set_layers(
    blocks: OpenEXR.File, layers: Mapping[str, Plane], delta: Mapping[str, Plane]
) -> None:
    """Put the layers among the channels of decoded blocks, in place of those of an earlier change.

    `layers` goes by the names of channels, `delta` by the last part of the changed channels'
    names: R, G, B or Y.
    """
    channels = blocks.parts[0].channels
    for name in [name for name in channels if name.startswith(OWN_PREFIXES)]:
        del channels[name]
    deltas = {f"{DELTA}.{colour}": values for colour, values in delta.items()}
    for name, values in (deltas | dict(layers)).items():
        channels[name] = OpenEXR.Channel(name, np.ascontiguousarray(values))


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
            is_ours = channel.name.startswith(OWN_PREFIXES)
            if not is_ours and _has_view(channel.name, picture.view, part):
                groups.setdefault(_path_of(channel.name, part, picture.view), []).append(channel)
        found += [_pass_of(index, path, each, cryptomattes) for path, each in groups.items()]
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
    """Tell whether a channel is seen by the picture's eye, as far as names tell: one that names no
    view is of the first.
    """
    views = _views_of(part)
    named = next(iter(channel.split(".")[-2:-1]), "")
    return not view or not views or view == (named if named in views else views[0])


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
