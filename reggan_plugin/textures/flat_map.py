"""A map whose face lies unfolded from the front is changed as a picture is."""

import numpy as np
from jaxtyping import Float

from reggan_plugin.errors import FaceNotFoundError, UsageError
from reggan_plugin.expressions import ExpressionMix
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import Frame
from reggan_plugin.textures.texture_files import TextureFiles
from reggan_plugin.transfer import ExpressionTransfer


def changed_flat_map(
    transfer: ExpressionTransfer,
    files: TextureFiles,
    frame: Frame,
    choice: FaceChoice,
    mix: ExpressionMix,
) -> Float[np.ndarray, "height width 3"]:
    """The map's pixels with the expression, as stored; untouched ones keep their bits.

    Raises:
        UsageError: the map has several tiles.
        FaceNotFoundError: the locator finds no face on it.
    """
    if files.is_udim:
        raise UsageError(
            f"--flat changes one picture, and {files.name} stands for {len(files.paths)}. Name the "
            f"tile with the face, such as {next(iter(files.paths.values())).name}."
        )
    (path,) = files.paths.values()
    crops = transfer.find_faces(frame, choice, (path.name,))
    if not crops:
        raise FaceNotFoundError(
            f"{path} shows no unfolded face. Say where it is with --face-box, from the brows to "
            "below the chin, or give the mesh with --mesh."
        )
    return transfer.render(frame, mix, crops[:1])
