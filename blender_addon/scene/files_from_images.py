"""Images of Blender as files that the runtime reads.

What is on disk goes as it is, with its format, depth, layers and metadata. What is only in Blender
(painted, generated, rendered, or of a format that the runtime does not read) is written to a work
folder: 8 bits as PNG, floats as 32-bit EXR, without loss. The image itself is never saved.
"""

import os
import re
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import bpy

from ..bridge.errors import BridgeError
from ..bridge.frame_sequence import sequence_from_path, shown_number

_READ = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr")
_ENDINGS = (*_READ, ".webp", ".tga", ".bmp", ".hdr", ".dds", ".psd", ".jp2", ".dpx", ".cin", ".rgb")
_FIRST_BYTES = {
    b"\x89PNG": ".png",
    b"\xff\xd8": ".jpg",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
    b"v/1\x01": ".exr",
}
_LINEAR = "Linear Rec.709"
_SAVES_COPIES = "save_copy" in bpy.types.Image.bl_rna.functions["save"].parameters
"""Not in Blender 4.2, where `save` makes the file the image's own."""


class NothingRenderedError(BridgeError):
    """The render result is empty."""


@dataclass(frozen=True, kw_only=True)
class ImageFile:
    """An image on disk, and the way in which Blender should show its result.

    Attributes:
        path: the file; of tiles, a pattern with `<UDIM>`.
        name: for files made of it, without an ending.
        colour_space, alpha_mode: as Blender names them; None where the file says.
        image: the name of the image in Blender.
        has_scene_view: whether Blender shows it through the scene's view transform.
        tiles: their numbers; none for a single image.
        frame: the number of a frame of a shot.
    """

    path: Path
    name: str
    image: str
    colour_space: str | None
    alpha_mode: str | None
    has_scene_view: bool = False
    tiles: tuple[int, ...] = ()
    frame: int | None = None


def file_of_image(image: bpy.types.Image, folder: Path, space: Any = None) -> ImageFile:
    """Return a file with what an image shows now.

    Args:
        image: stays as it is.
        folder: for what is not on disk.
        space: an editor, which says which frame it shows of a sequence that is in it; of another
            sequence the scene's frame is meant.

    Raises:
        BridgeError: it has no picture, or its file is missing.
    """
    if image.source == "MOVIE":
        raise BridgeError(
            f"{image.name} is a movie. Render it to single frames, and use Change Frames."
        )
    if image.type == "RENDER_RESULT":
        return _file_of_render(image, folder)
    if image.source == "TILED":
        return _files_of_tiles(image, folder)
    if image.source in ("GENERATED", "VIEWER") or image.is_dirty:
        return _file_of_pixels(image, folder)
    if image.packed_file is not None:
        suffix = _suffix_of_content(image.packed_file)
        if suffix is None:
            return _file_of_pixels(image, folder)
        path = folder / f"{_stem(image)}{suffix}"
        path.write_bytes(image.packed_file.data)
        return _described(image, path)
    path = _own_path(image, space)
    if path.suffix.lower() not in _READ:
        return _file_of_pixels(image, folder)
    if image.source == "SEQUENCE":  # the image is called after its first frame
        number = shown_number(path)
        return replace(_described(image, path), name=file_stem(path.stem), frame=number)
    return _described(image, path)


def file_stem(name: str) -> str:
    """Return a name of Blender's as a part of file names: letters of every script stay."""
    return re.sub(r"[^\w .()-]+", "_", name).strip(" .") or "unnamed"


def numbered(path: Path, ending: str) -> Iterator[Path]:
    """Yield a path, then the same with _2, _3, … before its ending, without end."""
    yield path
    stem = path.name.removesuffix(ending)
    yield from (path.with_name(f"{stem}_{number}{ending}") for number in count(2))


def _stem(image: bpy.types.Image) -> str:
    """Return the image's name without its ending, tile and Blender's number."""
    name = re.sub(r"\.\d{3}$", "", image.name)
    if Path(name).suffix.lower() in _ENDINGS:
        name = Path(name).stem
    name = re.sub(r"[._ -]?(<UDIM>|1\d{3})$", "", name) if image.source == "TILED" else name
    return file_stem(name)


def _suffix_of_content(packed: bpy.types.PackedFile) -> str | None:
    """By its first bytes: painting and packing can change the format."""
    content = packed.data
    return next(
        (suffix for first, suffix in _FIRST_BYTES.items() if content.startswith(first)), None
    )


def _described(image: bpy.types.Image, path: Path, tiles: tuple[int, ...] = ()) -> ImageFile:
    return ImageFile(
        path=path,
        name=_stem(image),
        image=image.name,
        colour_space=image.colorspace_settings.name,
        alpha_mode=image.alpha_mode,
        has_scene_view=image.use_view_as_render,
        tiles=tiles,
    )


def path_of_image(image: bpy.types.Image) -> Path:
    """Return where the file of an image is, or the first of its files."""
    return Path(os.path.normpath(bpy.path.abspath(image.filepath, library=image.library)))


def _own_path(image: bpy.types.Image, space: Any) -> Path:
    is_elsewhere = getattr(space, "image", None) != image
    if is_elsewhere and image.source == "SEQUENCE":
        named = image.filepath  # of no user Blender takes frame 0
    else:
        named = image.filepath_from_user(image_user=None if is_elsewhere else space.image_user)
    path = Path(os.path.normpath(bpy.path.abspath(named, library=image.library)))
    if is_elsewhere and image.source == "SEQUENCE" and path.is_file():
        sequence = sequence_from_path(path, bpy.path.extensions_image)
        path = sequence.nearest(bpy.context.scene.frame_current)
    if not path.is_file():
        raise BridgeError(
            f"The file of {image.name} is missing: {path}. Find it with File > External Data > "
            "Find Missing Files, or reload the image."
        )
    return path


def _file_of_pixels(image: bpy.types.Image, folder: Path) -> ImageFile:
    """Its buffer: bytes as they are stored, floats as light."""
    if not (image.size[0] and image.size[1]):
        raise BridgeError(
            f"{image.name} holds no picture that Blender can read. Render or reload it first; a "
            "multi-layer file that is packed must be unpacked."
        )
    if not image.is_float:
        path = folder / f"{_stem(image)}.png"
        _save_as_png(image, path)
        return _described(image, path)
    path = folder / f"{_stem(image)}.exr"
    _save_light(image, path)
    colour_space = image.colorspace_settings.name if image.colorspace_settings.is_data else _LINEAR
    return replace(_described(image, path), colour_space=colour_space, alpha_mode="PREMUL")


def _file_of_render(image: bpy.types.Image, folder: Path) -> ImageFile:
    """Return the render, before any view transform; with the frame's number, by which tracks go."""
    frame = bpy.context.scene.frame_current
    path = folder / f"Render.{frame:04d}.exr"
    try:
        _save_light(image, path)
    except RuntimeError as error:
        raise NothingRenderedError(
            "Nothing is rendered yet. Render the frame first (F12)."
        ) from error
    return ImageFile(
        path=path,
        name=f"Render_{frame:04d}",
        frame=frame,
        image=image.name,
        colour_space=None,
        alpha_mode=None,
        has_scene_view=True,
    )


def _save_as_png(image: bpy.types.Image, path: Path) -> None:
    if not _SAVES_COPIES:
        with _image_of_same_bytes(image) as copy:
            copy.filepath_raw, copy.file_format = str(path), "PNG"
            copy.save()
        return
    before = image.file_format
    try:
        image.file_format = "PNG"
        image.save(filepath=str(path), save_copy=True)
    except RuntimeError as error:
        raise BridgeError(f"{image.name} cannot be written: {error} Save it first.") from error
    finally:
        image.file_format = before


@contextmanager
def _image_of_same_bytes(image: bpy.types.Image) -> Iterator[bpy.types.Image]:
    copy = bpy.data.images.new(image.name, *image.size, alpha=True)
    try:
        copy.colorspace_settings.name = image.colorspace_settings.name  # clears it: before pixels
        values = array("f", bytes(4 * len(image.pixels)))
        image.pixels.foreach_get(values)
        copy.pixels.foreach_set(values)
        yield copy
    finally:
        bpy.data.images.remove(copy)


def _save_light(image: bpy.types.Image, path: Path) -> None:
    """Save as `save_render` does: `save` would encode the floats of an image that has no file."""
    scene = bpy.context.scene
    with _saving_as_exr(scene.render.image_settings):
        image.save_render(str(path), scene=scene)


@contextmanager
def _saving_as_exr(settings: Any) -> Iterator[None]:
    wanted = {
        "media_type": "IMAGE",  # Blender 5; the formats follow it
        "file_format": "OPEN_EXR",
        "color_mode": "RGBA",
        "color_depth": "32",
        "exr_codec": "ZIP",
    }
    wanted = {name: value for name, value in wanted.items() if hasattr(settings, name)}
    before = {name: getattr(settings, name) for name in wanted}
    try:
        for name, value in wanted.items():
            setattr(settings, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(settings, name, value)


def _files_of_tiles(image: bpy.types.Image, folder: Path) -> ImageFile:
    tiles = tuple(tile.number for tile in image.tiles)
    if image.is_dirty or not (image.filepath or image.packed_files):
        return _files_of_painted_tiles(image, folder, tiles)
    suffix = Path(image.filepath.replace("\\", "/")).suffix
    if image.packed_files:
        pattern = folder / f"{_stem(image)}.<UDIM>{suffix}"
        for packed in image.packed_files:
            tile_path(pattern, packed.tile_number).write_bytes(packed.packed_file.data)
    else:
        pattern = path_of_image(image)
    missing = [str(n) for n in tiles if not tile_path(pattern, n).is_file()]
    if missing:
        raise BridgeError(
            f"Tiles {', '.join(missing)} of {image.name} are missing at {pattern}. Find the files, "
            "or remove these tiles in the Image Editor."
        )
    return _described(image, pattern, tiles)


def _files_of_painted_tiles(
    image: bpy.types.Image, folder: Path, tiles: tuple[int, ...]
) -> ImageFile:
    """Through Blender's own saving, as only the first tile's pixels can be read."""
    if image.is_float or not _SAVES_COPIES:  # floats would be encoded on the way
        raise BridgeError(
            f"{image.name} is a set of tiles with changes that are not saved. Save it in the Image "
            "Editor (Image > Save) first."
        )
    pattern = folder / f"{_stem(image)}.<UDIM>.png"
    _save_as_png(image, pattern)
    return _described(image, pattern, tiles)


def tile_path(pattern: Path, number: int) -> Path:
    """Return the file of a tile."""
    return pattern.with_name(pattern.name.replace("<UDIM>", str(number)))
