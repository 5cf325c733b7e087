"""Files that the runtime made, as new images of Blender.

Beside a saved .blend file they go into its folder `reggan` and are referred to by relative paths;
in a file that was never saved they are packed. Nothing that exists is replaced.
"""

import shutil
from pathlib import Path

import bpy

from ..bridge.errors import BridgeError
from .image_files import ImageFile, tile_path

FOLDER = "reggan"
_MOST = 10_000


def new_image(made: Path, name: str, like: ImageFile) -> bpy.types.Image:
    """A new image of a file, or of the tiles of a pattern with `<UDIM>`.

    Args:
        made: in a work folder, out of which it is moved.
        name: of the image, without an ending; a number is added if it is taken.
        like: what it was made of, in whose colour space and alpha mode it is shown.

    Raises:
        BridgeError: it is not there, or cannot be moved.
    """
    folder = Path(bpy.path.abspath(f"//{FOLDER}")) if bpy.data.filepath else made.parent
    path = _free_path(folder, name, made.name, like.tiles)
    _move(made, path, like.tiles)
    first = tile_path(path, like.tiles[0]) if like.tiles else path
    image = bpy.data.images.load(str(first))
    image.name = path.name
    image.use_fake_user = True  # saving drops what nothing uses
    if like.tiles:
        _become_tiled(image, path, like.tiles)
    if like.colour_space is not None:
        image.colorspace_settings.name = like.colour_space
    if like.alpha_mode is not None:
        image.alpha_mode = like.alpha_mode
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
        packed.filepath = f"//{name.replace('<UDIM>', str(packed.tile_number))}"


def whereabouts(image: bpy.types.Image) -> str:
    """Where a new image is kept, for people."""
    packed = "packed into this .blend, which was never saved"
    return packed if image.packed_files else f"saved as {image.filepath}"


def _free_path(folder: Path, name: str, made: str, tiles: tuple[int, ...]) -> Path:
    ending = (".<UDIM>" if tiles else "") + Path(made).suffix
    for number in range(1, _MOST):
        path = folder / f"{name}{f'_{number}' if number > 1 else ''}{ending}"
        files = [tile_path(path, tile) for tile in tiles] or [path]
        if path.name not in bpy.data.images and not any(file.exists() for file in files):
            return path
    raise BridgeError(f"{folder} is full of results named {name}. Move or remove some of them.")


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


def _become_tiled(image: bpy.types.Image, pattern: Path, tiles: tuple[int, ...]) -> None:
    image.source = "TILED"
    image.filepath = str(pattern)
    for number in set(tiles) - {tile.number for tile in image.tiles}:
        image.tiles.new(tile_number=number)
    for tile in [tile for tile in image.tiles if tile.number not in tiles]:
        image.tiles.remove(tile)
