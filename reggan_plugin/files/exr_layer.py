"""Which channels of an EXR hold the picture."""

from collections.abc import Sequence
from dataclasses import dataclass

from reggan_plugin.errors import MissingChannelsError, UnsupportedFormatError
from reggan_plugin.files.exr_container import Channel, Part

_ADVICE = (
    "Write the picture as R, G, B (root layer), as the only layer <name>.R, <name>.G, <name>.B, "
    "or as Blender's <view layer>.Combined."
)


@dataclass(frozen=True, kw_only=True)
class Layer:
    """The channels of a picture: three colours or one luminance, and perhaps alpha."""

    part_index: int
    prefix: str
    colours: tuple[str, ...]
    alpha: str | None


def find_layer(parts: Sequence[Part]) -> Layer:
    """The root R, G, B of the first part that has it; else a layer; else the luminance Y.

    Raises:
        MissingChannelsError: there is no picture, or several layers and none is the picture.
        UnsupportedFormatError: the picture is deep, luminance-chroma, sub-sampled or mip-mapped.
    """
    layers = [layer for index in range(len(parts)) for layer in _layers_of(parts, index)]
    flat = [layer for layer in layers if not parts[layer.part_index].is_deep]
    if not flat and layers:
        raise UnsupportedFormatError("is a deep EXR. Flatten it.")
    root = [layer for layer in flat if not layer.prefix]
    coloured = [layer for layer in flat if len(layer.colours) == 3]
    combined = [layer for layer in coloured if layer.prefix.lower().endswith("combined.")]
    choice = (
        [layer for layer in root if layer in coloured]
        or combined
        or (coloured if len(coloured) == 1 else [])
        or ([] if coloured else root)
    )
    if not choice:
        found = ", ".join(_labelled(part, channel) for part in parts for channel in part.channels)
        raise MissingChannelsError(f"holds no picture among its channels {found}. {_ADVICE}")
    _refuse_unwritable(parts[choice[0].part_index], choice[0])
    return choice[0]


def _layers_of(parts: Sequence[Part], index: int) -> list[Layer]:
    """All layers of a part that could be a picture."""
    channels = {
        channel.name: channel for channel in parts[index].channels if channel.pixel_type != "uint"
    }
    prefixes = list(dict.fromkeys(name[: name.rfind(".") + 1] for name in channels))
    layers = []
    for prefix in prefixes:
        alpha = f"{prefix}A" if f"{prefix}A" in channels else None
        colours = tuple(f"{prefix}{colour}" for colour in "RGB")
        if not channels.keys() >= set(colours):
            colours = (f"{prefix}Y",)
        if channels.keys() >= set(colours):
            layers.append(Layer(part_index=index, prefix=prefix, colours=colours, alpha=alpha))
    return layers


def _refuse_unwritable(part: Part, layer: Layer) -> None:
    names = {channel.name for channel in part.channels}
    if len(layer.colours) == 1 and names & {f"{layer.prefix}RY", f"{layer.prefix}BY"}:
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


def _labelled(part: Part, channel: Channel) -> str:
    return f"{part.name}:{channel.name}" if part.name else channel.name
