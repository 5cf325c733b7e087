"""A head that the page shows: from the front, as the model sees it, and its base colour map."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from reggan_plugin.errors import MissingExtraError, UsageError
from reggan_plugin.files.frame import Frame
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.plan import Existing, default_output_file
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.ui.open_files import OpenShot
from reggan_plugin.ui.open_frame import OpenFrame
from reggan_plugin.ui.picture_sizes_and_memory import LONGEST_MAP_PX
from reggan_plugin.ui.saved_file import SavedFile, save_folder
from reggan_plugin.vocabulary.expression import ExpressionMix

if TYPE_CHECKING:  # the room of texture maps needs the extra [textures]
    from reggan_plugin.textures.map_change import PreparedFace

_WITH_MAP_INSIDE = (".glb", ".vrm")


@frozen(eq=False)
class OpenHead:
    """A head in memory.

    Attributes:
        face: looked at once; its map as it is shown.
        view: its picture from the front.
        map_picture: the map as the page shows it.
    """

    face: "PreparedFace"
    view: OpenFrame
    map_picture: OpenFrame


def changed_map(face: "PreparedFace", mix: ExpressionMix) -> Frame:
    """Return the one map that a face wears, with an expression."""
    ((number, tile),) = face.texture.tiles.items()
    return tile.frame(face.change(mix).tiles.get(number))


def open_head(transfer: ExpressionTransfer, shot: OpenShot) -> OpenHead:
    """Read a head, find its face and the map that it wears.

    Raises:
        MissingExtraError: packages that heads need are not installed.
        UsageError: the map is a set of tiles.
        RegganError: as `PreparedFace`.
    """
    try:
        from reggan_plugin.textures.map_change import PreparedFace
        from reggan_plugin.textures.texture_request import Look
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f'{shot.source.name} is a head, which needs {error.name}: pip install ".[textures]".'
        ) from error
    with tempfile.TemporaryDirectory(prefix="reggan-head-") as scratch:
        face = PreparedFace(shot.source, Look(texture=shot.texture), transfer, Path(scratch))
    if len(face.texture.tiles) > 1:
        raise UsageError(
            f"{shot.source.name} wears a set of {len(face.texture.tiles)} maps; the page shows "
            "one. Change them by reggan-plugin texture."
        )
    (tile,) = face.texture.tiles.values()
    height, width = tile.shape
    small = face.reduced(LONGEST_MAP_PX)
    (shown,) = small.texture.tiles.values()
    said = f"Its map has {width}×{height} texels."
    view, crop = face.front_view
    picture = Frame(pixels=view.colour, alpha=view.coverage, original=tile.original)
    notes = tuple(str(notice) for notice in face.notices)
    return OpenHead(
        face=small,
        view=OpenFrame(
            path=shot.source, frame=picture, crops=(crop,), factor=1, kind="view", notes=notes
        ),
        map_picture=OpenFrame(
            path=shot.source,
            frame=shown.frame(),
            crops=(crop,),
            factor=1,
            kind="map",
            notes=(said, *notes),
        ),
    )


def gives_mesh(shot: OpenShot) -> bool:
    """Tell whether the head's file holds its map, so that it can be saved with another one."""
    return shot.source.suffix.lower() in _WITH_MAP_INSIDE


def saves_map(shot: OpenShot, number: int) -> bool:
    """Tell whether the map is saved of a picture of the head: of the map, or where no mesh is
    given.
    """
    return number > shot.first or not gives_mesh(shot)


def saved_head(
    transfer: ExpressionTransfer, shot: OpenShot, mix: ExpressionMix, *, wants_map: bool
) -> SavedFile:
    """Return the head with its changed map, or the map, byte for byte what `texture` writes.

    Raises:
        RegganError: as `run_request`.
    """
    from reggan_plugin.textures.texture_job import run_request
    from reggan_plugin.textures.texture_request import Look, TextureRequest

    source, label = shot.source, mix.label or "unchanged"

    with save_folder() as scratch:
        folder = Path(scratch)
        request = TextureRequest(
            mesh=source,
            look=Look(texture=shot.texture),
            mixes={label: mix},
            out_folder=folder if wants_map else None,
            out_mesh=None if wants_map else folder / default_output_file(source, label).name,
            existing=Existing.REFUSE,
        )
        path = run_request(request, lambda: transfer).written[0]
        return SavedFile(name=path.name, content=path.read_bytes())
