"""The files of a base colour map: one, a UDIM set, or an image inside a glTF file."""

import re
import urllib.parse
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from reggan_plugin.errors import (
    EmptySourceError,
    MeshError,
    TextureError,
    UnsupportedFormatError,
    UsageError,
)
from reggan_plugin.file_safety import write_atomically
from reggan_plugin.files.frame import DEFAULT_READING, Reading, copy_frame
from reggan_plugin.files.image_format import format_of
from reggan_plugin.frozen import frozen
from reggan_plugin.textures.files_named_by_mesh import read_file, refuse_outside
from reggan_plugin.textures.gltf.add_textures import MIME_TYPES
from reggan_plugin.textures.gltf.gltf_file import (
    GltfFile,
    bytes_of_data,
    image_path,
    is_data,
    safe_name,
)
from reggan_plugin.textures.maps.texture_map import (
    FIRST_UDIM,
    NO_TINT,
    MapTile,
    Samples,
    TextureMap,
    Tint,
    read_tile,
)

_UDIM = re.compile(r"<UDIM>|%\(UDIM\)d", re.IGNORECASE)
_NUMBER = r"(1[0-9]{3})"


@frozen
class TextureFiles:
    """The files of a map's tiles."""

    name: str
    paths: Mapping[int, Path]
    is_udim: bool = False
    is_gltf_image: bool = False

    def read(self, tint: Tint = NO_TINT, reading: Reading = DEFAULT_READING) -> TextureMap:
        """All tiles, as a map.

        Raises:
            UnreadableFrameError: a tile is no picture that can be read.
        """
        tiles = {
            number: read_tile(path, reading, is_gltf_image=self.is_gltf_image)
            for number, path in self.paths.items()
        }
        return TextureMap(tiles=tiles, is_udim=self.is_udim, tint=tint)

    def output(self, pattern: Path, number: int) -> Path:
        """Path of a tile's result."""
        name = _UDIM.sub(str(number), pattern.name) if self.is_udim else pattern.name
        return pattern.with_name(name)

    def outputs(self, pattern: Path) -> list[Path]:
        """Paths of the results of all tiles."""
        return [self.output(pattern, number) for number in self.paths]


def find_texture(text: str | Path) -> TextureFiles:
    """Return the files that a name or a pattern such as `face.<UDIM>.exr` stands for.

    Raises:
        EmptySourceError: there are none.
    """
    path = Path(text)
    if not _UDIM.search(path.name):
        if path.exists() and not path.is_file():
            raise EmptySourceError(f"{path} is no ordinary file. Give the map as a file.")
        if not path.is_file():
            raise EmptySourceError(
                f"{path}: there is no such texture. Check the path; a glTF file may bring its own.",
                kind="no-such-texture",
            )
        return TextureFiles(name=path.name, paths={FIRST_UDIM: path})
    before, after = (re.escape(part) for part in _UDIM.split(path.name, maxsplit=1))
    fits = re.compile(before + _NUMBER + after)
    folder = path.parent if path.parent.is_dir() else None
    found = sorted(folder.iterdir()) if folder else []
    tiles = {int(match[1]): file for file in found if (match := fits.fullmatch(file.name))}
    if not tiles:
        raise EmptySourceError(
            f"{path}: no tile fits. Check the name; tiles are numbered from {FIRST_UDIM}."
        )
    return TextureFiles(name=path.name, paths=tiles, is_udim=True)


def tiles_of_map(mesh: Path, path: Path) -> list[Path]:
    """Return the files that the name or pattern of a mesh's map stands for, as far as they are
    there.

    Raises:
        MeshError: one leads elsewhere; see `files_named_by_mesh`.
    """
    refuse_outside(mesh, path, path.name)
    tiles: list[Path] = []
    with suppress(EmptySourceError):
        tiles += find_texture(path).paths.values()
    for one in tiles:
        refuse_outside(mesh, one, one.name)
    return tiles


def further_map(
    path: Path, tiles: Collection[int] | None
) -> tuple[TextureFiles, Mapping[int, Path]]:
    """Return another map of the same texels, one picture, and all tiles that lie beside it.

    Args:
        path: of the picture.
        tiles: of the base colour; None if that is no set.

    Returns:
        The picture, as the tile that its name says, and the tiles from which its texels come: with
        it those of its set that the base colour has, too.

    Raises:
        EmptySourceError: as `find_texture`.
        UsageError: the base colour is a set, and the name says none of its tiles.
    """
    files = find_texture(path)
    if tiles is None:
        return files, files.paths
    said = reversed(list(re.finditer(rf"(?<!\d){_NUMBER}(?!\d)", path.name)))
    match = next((one for one in said if int(one[0]) in tiles), None)
    if match is None:
        raise UsageError(
            f"{path} is one picture, and the base colour is a set of tiles. Give the tiles of the "
            f"other map one by one, with their numbers in their names: {path.stem}."
            f"{min(tiles)}{path.suffix}."
        )
    whole = path.with_name(f"{path.name[: match.start()]}<UDIM>{path.name[match.end() :]}")
    beside = {number: one for number, one in find_texture(whole).paths.items() if number in tiles}
    return replace(files, paths={int(match[0]): path}), beside


def write_tiles(
    files: TextureFiles, texture: TextureMap, changed: Mapping[int, Samples], pattern: Path
) -> None:
    """Write every tile of a map; those that do not change are copied byte for byte.

    Raises:
        OutputError: a file cannot be written.
    """
    for number, source in files.paths.items():
        output = files.output(pattern, number)
        if number in changed:
            write_atomically(output, texture.tiles[number].encode(changed[number]))
        else:
            copy_frame(source, output)


def embedded_texture(gltf: GltfFile, image: int, folder: Path) -> TextureFiles:
    """Return an image of a glTF file as a file: its own, or a copy of its bytes in `folder`.

    Raises:
        TextureError: it is of a kind that is not read.
        OutputError: the copy cannot be written.
    """
    outside = image_path(gltf, image)
    if outside is not None:
        if not outside.is_file():
            raise EmptySourceError(f"{outside}: there is no such texture. Check the path.")
        return TextureFiles(name=outside.name, paths={FIRST_UDIM: outside}, is_gltf_image=True)
    content = image_bytes(gltf, image)
    found = format_of(content)
    if found is None or found.suffixes[0] not in MIME_TYPES:
        kind = gltf.document["images"][image].get("mimeType", "of unknown type")
        if kind in MIME_TYPES.values():
            raise TextureError(
                f"{gltf.path}: image {image} is called {kind}, but its data is bad: it does not "
                "begin as a PNG or JPEG does. Export the mesh again, or give the map beside it.",
                kind="map-is-not-named",
            )
        raise TextureError(
            f"{gltf.path}: image {image} is {kind}, which is not read. Give the map as PNG "
            "beside it, or convert it: npx gltf-transform png IN OUT",
            kind="map-is-not-named",
        )
    path = folder / f"{image_name(gltf, image)}{found.suffixes[0]}"
    write_atomically(path, content)
    return TextureFiles(name=path.name, paths={FIRST_UDIM: path}, is_gltf_image=True)


def image_bytes(gltf: GltfFile, image: int) -> bytes:
    """Return the content of an image of a glTF file.

    Raises:
        MeshError: it is not there, or its data URI is broken.
    """
    entry = gltf.document["images"][image]
    if "bufferView" in entry:
        return bytes(gltf.view(entry["bufferView"]))
    outside = image_path(gltf, image)
    if outside is not None:
        return read_file(outside)
    try:
        return bytes_of_data(entry["uri"])
    except ValueError as error:
        raise MeshError(
            f"{gltf.path}: image {image} is broken: {error}. Export it again."
        ) from error


def image_name(gltf: GltfFile, image: int) -> str:
    """Name of an image, fit for a file name."""
    return safe_name(gltf.document["images"][image].get("name", "")) or f"image_{image}"


def image_stems(gltf: GltfFile, image: int) -> tuple[str, ...]:
    """Return what an image is called: its own name, and that of its file without the ending."""
    uri = gltf.document["images"][image].get("uri", "data:")
    if is_data(uri):
        return (image_name(gltf, image),)
    return image_name(gltf, image), Path(urllib.parse.unquote(uri).replace("\\", "/")).stem


def encoded_bytes(tile: MapTile, colours: Samples, suffix: str) -> bytes:
    """Return the bytes that `write_tiles` writes, for an image that goes into a glTF file.

    Raises:
        UnsupportedFormatError: glTF takes no such pictures.
    """
    if suffix.lower() not in MIME_TYPES:
        raise UnsupportedFormatError(
            f"A glTF file takes PNG and JPEG, not {suffix}. Give the map as PNG.",
            kind="mesh-cannot-be-written",
        )
    return b"".join(tile.encode(colours))
