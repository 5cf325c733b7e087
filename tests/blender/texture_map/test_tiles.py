"""Sets of UDIM tiles: as files, packed, and painted."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ...textures.conftest import MadeHead

bpy = pytest.importorskip("bpy")

from blender_addon.scene.images_from_files import become_tiled  # noqa: E402

from .worn_head import object_of, press  # noqa: E402

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]


@pytest.mark.usefixtures("has_textures")
@pytest.mark.parametrize("packed", [False, True], ids=["files", "packed"])
def test_tiles_go_through_files(made_head: MadeHead, tmp_path: Path, packed: bool) -> None:
    """One half of the face on tile 1001, the other on 1002; 1011 stays as it is."""
    half, middle = len(made_head.uv) // 2, made_head.picture.shape[1] // 2
    uv = made_head.uv * [2, 1]
    uv[:half, 0] = np.minimum(uv[:half, 0], 1 - 1e-4)
    tiles = {1001: made_head.picture[:, :middle], 1002: made_head.picture[:, middle:]}
    tiles[1011] = np.full((8, 8, 3), 9, np.uint8)
    for number, part in tiles.items():
        Image.fromarray(part).save(tmp_path / f"Haut é.{number}.png")
    image = bpy.data.images.load(str(tmp_path / "Haut é.1001.png"))
    become_tiled(image, tmp_path / "Haut é.<UDIM>.png", tuple(tiles))
    if packed:
        image.pack()
        image.filepath = "//Haut é.<UDIM>.png"
    object_of(made_head, image, uv=uv)
    folder = tmp_path / "saved"
    folder.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "head.blend"))
    (new,) = press()
    assert new.source == "TILED"
    assert new.filepath == "//reggan/Haut é_happy.<UDIM>.png"
    assert [tile.number for tile in new.tiles] == [1001, 1002, 1011]
    assert [tuple(tile.size) for tile in new.tiles] == [(256, 512), (256, 512), (8, 8)]
    for number, part in tiles.items():
        result = np.asarray(Image.open(folder / f"reggan/Haut é_happy.{number}.png"))
        assert (result != part).any() == (number != 1011)
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(folder / "head.blend"))
    again = bpy.data.images["Haut é_happy.<UDIM>.png"]
    assert tuple(again.tiles[1].size) == (256, 512)


@pytest.mark.usefixtures("has_textures")
def test_tiles_of_an_unsaved_file_are_packed(tmp_path: Path) -> None:
    """Intensity 0 on a flat map: the files are the same ones."""
    contents = {}
    for number in (1001, 1003):
        Image.new("RGB", (16, 8), (number % 256, 2, 3)).save(tmp_path / f"a.{number}.png")
        contents[number] = (tmp_path / f"a.{number}.png").read_bytes()
    image = bpy.data.images.load(str(tmp_path / "a.1001.png"))
    become_tiled(image, tmp_path / "a.<UDIM>.png", tuple(contents))
    settings = bpy.context.scene.reggan_texture
    settings.layout, settings.image, bpy.context.scene.reggan.intensity = "FLAT", image, 0.0
    (new,) = press()
    packed = {file.tile_number: file for file in new.packed_files}
    assert {number: bytes(file.packed_file.data) for number, file in packed.items()} == contents
    assert packed[1003].filepath == "//a_happy.1003.png"


@pytest.mark.skipif(bpy.app.version < (4, 3, 0), reason="4.2 asks that they be saved first")
def test_painted_tiles_are_written_and_stay_painted(tmp_path: Path) -> None:
    from blender_addon.scene.files_from_images import file_of_image

    image = bpy.data.images.new("ge malt", 8, 8, tiled=True)
    image.tiles.new(tile_number=1002)
    for index, colour in enumerate([(1, 0, 0, 1), (0, 1, 0, 1)]):
        image.tiles.active_index = index
        with bpy.context.temp_override(edit_image=image):
            bpy.ops.image.tile_fill(color=colour, width=8, height=8, float=False, alpha=True)
    image.pixels[1] = 1.0  # paint that is not saved
    image.update()
    written = file_of_image(image, tmp_path)
    assert written.path == tmp_path / "ge malt.<UDIM>.png"
    first, second = (Image.open(tmp_path / f"ge malt.{n}.png") for n in (1001, 1002))
    assert first.getpixel((0, 7))[:3] == (255, 255, 0)
    assert second.getpixel((3, 3))[:3] == (0, 255, 0)
    assert (image.is_dirty, image.filepath, image.source) == (True, "", "TILED")
