"""Colour spaces by name, through OpenColorIO: those of `$OCIO`, else of its built-in ACES config.

OpenColorIO is imported when a space is first asked for by name, never before.
"""

import hashlib
import os
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from reggan_plugin.array_types import Pixels
from reggan_plugin.errors import SourceError, UsageError
from reggan_plugin.file_safety import is_regular
from reggan_plugin.frozen import frozen
from reggan_plugin.limits import MOST_TABLE_BYTES
from reggan_plugin.missing_package import needs_extra

_BUILT_IN = "ocio://default"
_LINEAR = "Linear Rec.709 (sRGB)"
"""As the built-in configs call scene-linear light with the primaries of Rec. 709."""
_SCENE_ENCODINGS = ("scene-linear", "log")
_CLOSE_NAMES = 4
_GREYS = np.repeat(np.array([[[0.05], [0.18], [0.6]]], np.float32), 3, axis=2)
_MOST_LOSS = 0.25
"""Of a grey, as a share of it, on the way to a space and back."""


@frozen
class OcioColourSpace:
    """A colour space of the OpenColorIO config in force.

    Attributes:
        name: as the config spells it.
        is_scene_referred: proportional to light after decoding, so that an exposure applies;
            else it is for a display.
        fingerprint: SHA-256 of what OpenColorIO does to a pixel on the way in and out.
    """

    name: str
    is_scene_referred: bool
    fingerprint: str

    def linear_from_own(self, own: Pixels) -> Pixels:
        """Straight RGB of this space as scene-linear Rec. 709, unclamped; a new array."""
        return _applied(_processors(_config_name(), self.name)[0], own)

    def own_from_linear(self, linear: Pixels) -> Pixels:
        """Undo `linear_from_own`, as exactly as the space allows; a new array."""
        return _applied(_processors(_config_name(), self.name)[1], linear)


def colour_space_from_name(name: str) -> OcioColourSpace:
    """Return the colour space, alias or role of that name.

    Raises:
        MissingExtraError: OpenColorIO is not installed.
        SourceError: `$OCIO` names no config that can be read, or one without a way to Rec. 709
            that comes back.
        UsageError: there is no such space, or its numbers are no colours.
    """
    config = _config(_config_name())
    space = config.getColorSpace(name)
    if space is None:
        raise UsageError(_unknown(name, config))
    if space.isData():
        raise UsageError(
            f"The colour space {space.getName()} holds data, no colours. Name the space in which "
            "the frames were rendered, such as ACEScg."
        )
    ways = "".join(
        processor.getCacheID() for processor in _processors(_config_name(), space.getName())
    )
    encoding = space.getEncoding()
    reference = space.getReferenceSpaceType()
    is_scene = reference == _ocio().REFERENCE_SPACE_SCENE and (
        encoding in _SCENE_ENCODINGS
        or (not encoding and config.isColorSpaceLinear(space.getName(), reference))
    )
    return OcioColourSpace(
        name=space.getName(),
        is_scene_referred=is_scene,
        fingerprint=hashlib.sha256(ways.encode()).hexdigest(),
    )


@cache
def _processors(config_name: str, name: str) -> tuple[Any, Any]:
    """Return the way to linear Rec. 709 and the way back, without OpenColorIO's approximations."""
    ocio, config = _ocio(), _config(config_name)
    built_in = ocio.Config.CreateFromFile(_BUILT_IN)
    _refuse_odd_tables(config_name, config)
    try:
        forth, back = (
            way.getOptimizedCPUProcessor(ocio.OPTIMIZATION_LOSSLESS)
            for way in (
                ocio.Config.GetProcessorFromConfigs(config, name, built_in, _LINEAR),
                ocio.Config.GetProcessorFromConfigs(built_in, _LINEAR, config, name),
            )
        )
    except _faults(ocio) as error:
        has_role = config.hasRole(ocio.ROLE_INTERCHANGE_SCENE)
        remedy = "Mend the space" if has_role else "Give it the role aces_interchange"
        raise SourceError(
            f"The OpenColorIO config {config_name} has no way from {name} to linear Rec. 709 "
            f"and back: {str(error).strip()} {remedy}, or unset OCIO to use the built-in ACES "
            "config."
        ) from error
    again = _applied(forth, _applied(back, _GREYS))
    if not np.allclose(again, _GREYS, rtol=_MOST_LOSS, atol=0):
        pairs = zip(_GREYS[0, :, 0], again[0, :, 0], strict=True)
        values = ", ".join(f"{grey:g} becomes {value:.3g}" for grey, value in pairs)
        raise SourceError(
            f"In the OpenColorIO config {config_name} the way from linear Rec. 709 to {name} and "
            f"back does not keep greys: {values}. Mend the space and its tables, or name another."
        )
    return forth, back


def _refuse_odd_tables(config_name: str, config: Any) -> None:
    """Refuse a config that names a device, a pipe or a huge file: OpenColorIO would read it all.

    Raises:
        SourceError: it does.
    """
    ocio, context = _ocio(), config.getCurrentContext()
    held: dict[str, int] = {}
    if config.getConfigIOProxy() is not None:  # an archive (`.ocioz`) holds tables itself
        with zipfile.ZipFile(config_name) as archive:
            held = {entry.filename: entry.file_size for entry in archive.infolist()}
    names = config.getColorSpaceNames(ocio.SEARCH_REFERENCE_SPACE_ALL, ocio.COLORSPACE_ALL)
    spaces = [config.getColorSpace(name) for name in names]
    views = [config.getViewTransform(name) for name in config.getViewTransformNames()]
    to_space, to_view = ocio.ColorSpaceDirection, ocio.ViewTransformDirection
    ways = [one.getTransform(way) for one in spaces for way in to_space.__members__.values()]
    ways += [one.getTransform(way) for one in views for way in to_view.__members__.values()]
    while ways:
        one = ways.pop()
        if isinstance(one, ocio.GroupTransform):
            ways += list(one)
        if not isinstance(one, ocio.FileTransform):
            continue
        try:
            table = Path(context.resolveFileLocation(one.getSrc()))
        except ocio.ExceptionMissingFile:  # told where it is needed
            continue
        size = held.get(table.as_posix())
        if size is None and table.exists() and is_regular(table):
            size = table.stat().st_size
        if size is None or size > MOST_TABLE_BYTES:
            raise SourceError(
                f"The OpenColorIO config {config_name} names {table}, which is no file of up to "
                f"{MOST_TABLE_BYTES >> 20} MiB. Mend the config, or unset OCIO to use the built-in "
                "one."
            )


def _applied(processor: Any, image: Pixels) -> Pixels:
    result = np.array(image, dtype=np.float32, order="C")
    if result.size:
        processor.applyRGB(result)
    return result


@cache
def _config(name: str) -> Any:
    ocio, path = _ocio(), Path(name)
    if path.exists() and not is_regular(path):
        raise SourceError(
            f"The OpenColorIO config {name} (from $OCIO) is no ordinary file. Set OCIO to a "
            "config, or unset it to use the built-in one."
        )
    try:
        return ocio.Config.CreateFromFile(name)
    except _faults(ocio) as error:
        raise SourceError(
            f"The OpenColorIO config {name} (from $OCIO) cannot be read: "
            f"{str(error).strip().removesuffix('.')}. Set OCIO to a config, or unset it to use the "
            "built-in one."
        ) from error


def _config_name() -> str:
    return os.environ.get("OCIO") or _BUILT_IN


def _unknown(name: str, config: Any) -> str:
    from difflib import get_close_matches  # few mistype

    spaces = list(config.getColorSpaces())
    names = [alias for space in spaces for alias in (space.getName(), *space.getAliases())]
    lowered = {known.lower(): known for known in names}
    close = get_close_matches(name.lower(), lowered, n=_CLOSE_NAMES, cutoff=0.5)
    like = [lowered[one] for one in close] or [space.getName() for space in spaces]
    return (
        f"There is no colour space {name!r} in the OpenColorIO config {_config_name()}; "
        f"{'close to it' if close else 'it has'}: {', '.join(like)}. Name one of its spaces, or "
        "set OCIO to the show's config."
    )


def _faults(ocio: Any) -> tuple[type[Exception], ...]:
    """Return what OpenColorIO raises; its messages quote files that may be no UTF-8."""
    return ocio.Exception, ocio.ExceptionMissingFile, UnicodeDecodeError


def _ocio() -> Any:
    with needs_extra("A colour space by name", "ocio"):
        import PyOpenColorIO
    return PyOpenColorIO
