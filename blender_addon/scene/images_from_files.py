"""Files that the runtime made, as new images of Blender.

Beside a saved .blend file they go into its folder `reggan` and are referred to by relative paths;
in a file that was never saved they are packed. A result takes the place of the former one of the
same image and expression; nothing else that exists is replaced.
"""

import os
import shutil
from pathlib import Path
from typing import Any

import bpy

from ..bridge.errors import BridgeError
from .files_from_images import ImageFile, numbered, path_of_image, tile_path
from .image_origins import former_result, is_made, mark_result, mark_sheet, take_place_of

FOLDER = "reggan"
_LONGEST_PATH = 1023
"""Of a packed file in a .blend, in bytes."""


def new_image(made: Path, like: ImageFile, label: str) -> bpy.types.Image:
    """Return a new image of a file, or of the tiles of a pattern with `<UDIM>`.

    It takes the place of the former result of the same image, frame and expression.

    Args:
        made: in a work folder, out of which it is moved.
        like: what it was made of, in whose colour space, alpha mode and view it is shown.
        label: the expression.

    Raises:
        BridgeError: it is not there, or cannot be moved.
    """
    source = bpy.data.images.get(like.image)
    former = former_result(source, label, like.frame)
    path = _own_path(former) or _free_path(made, like, label, former)
    _move(made, path, like.tiles)
    image = bpy.data.images.load(str(tile_path(path, like.tiles[0]) if like.tiles else path))
    image.use_fake_user = True  # saving drops what nothing uses
    if like.tiles:
        become_tiled(image, path, like.tiles)
    if like.colour_space is not None:
        image.colorspace_settings.name = like.colour_space
    if like.alpha_mode is not None:
        image.alpha_mode = like.alpha_mode
    image.use_view_as_render = like.has_scene_view
    take_place_of(former, image, path.name)
    mark_result(image, source, label, like.frame)
    if bpy.data.filepath:
        image.filepath = f"//{FOLDER}/{path.name}"
    else:
        pack_as(image, path.name)
    return image


def pack_as(image: bpy.types.Image, name: str) -> None:
    """Take an image's files into the .blend; Unpack would put them beside it under that name."""
    image.pack()
    image.filepath_raw = f"//{name}"
    for packed in image.packed_files:
        packed.filepath = " " * _LONGEST_PATH  # else what the memory held before is saved with it
        packed.filepath = f"//{name.replace('<UDIM>', str(packed.tile_number))}"


def whereabouts(image: bpy.types.Image) -> str:
    """Return the place where a new image is kept, in words."""
    packed = "packed into this .blend, which was never saved"
    return packed if image.packed_files else f"saved as {image.filepath}"


def _own_path(former: Any) -> Path | None:
    """Path of a former result in this file's folder of results; None if it is not there."""
    if former is None or former.packed_files or not bpy.data.filepath:
        return None
    path = path_of_image(former)
    return path if path.parent == _folder() else None


def _folder() -> Path:
    return Path(os.path.normpath(bpy.path.abspath(f"//{FOLDER}")))


def _free_path(made: Path, like: ImageFile, label: str, former: Any) -> Path:
    folder = _folder() if bpy.data.filepath else made.parent
    ending = (".<UDIM>" if like.tiles else "") + made.suffix
    taken = {image.name for image in bpy.data.images if image != former}

    def is_free(path: Path) -> bool:
        files = [tile_path(path, tile) for tile in like.tiles] or [path]
        return path.name not in taken and not any(file.exists() for file in files)

    return next(filter(is_free, numbered(folder / f"{like.name}_{label}{ending}", ending)))


def _move(made: Path, path: Path, tiles: tuple[int, ...]) -> None:
    pairs = [(tile_path(made, tile), tile_path(path, tile)) for tile in tiles] or [(made, path)]
    try:
        path.parent.mkdir(exist_ok=True)
        for source, target in pairs:
            shutil.move(source, target)
    except OSError as error:
        raise BridgeError(
            f"The result cannot be brought to {path.parent}: {error.strerror or error}. Make "
            "room, or save the .blend file in a folder that you may write to, and run it again."
        ) from error


def become_tiled(image: bpy.types.Image, pattern: Path, tiles: tuple[int, ...]) -> None:
    """Let an image of one file be that of a set.

    Args:
        image: the image.
        pattern: with `<UDIM>`.
        tiles: their numbers; one of them is 1001.
    """
    image.source = "TILED"
    image.filepath = str(pattern)
    for number in set(tiles) - {tile.number for tile in image.tiles}:
        image.tiles.new(tile_number=number)
    for tile in [tile for tile in image.tiles if tile.number not in tiles]:
        image.tiles.remove(tile)


def packed_sheet(
    path: Path, name: str, source: Any, cells: str = "", *, has_scene_view: bool = False
) -> Any:
    """Return a sheet inside the .blend, as there is nothing to keep of it on disk.

    Args:
        path: its file.
        name: of the image.
        source: the image that it was made of; None if it was made of a frame on disk.
        cells: which face is where, as `cells_text` writes it.
        has_scene_view: show it through the scene's view transform, as its source is.

    Raises:
        BridgeError: the file is not there.
    """
    try:
        sheet = bpy.data.images.load(str(path))
    except RuntimeError as error:
        raise BridgeError("No sheet was drawn. Run Doctor in the add-on's preferences.") from error
    sheet.use_view_as_render = has_scene_view
    pack_as(sheet, f"{name}.png")
    former = bpy.data.images.get(name)
    take_place_of(former if is_made(former) else None, sheet, name)
    mark_sheet(sheet, source, cells)
    return sheet
