"""Pictures that a study makes itself, from training runs and held-out identities. Needs torch."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from reggan_plugin.change.answer import finite
from reggan_plugin.change.picture_model import answer_from_picture
from reggan_plugin.change.pipeline import change_picture
from reggan_plugin.errors import EmptySourceError
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.data.identity_and_split import Identity, Split
from reggan_training.data.sets import load_sets
from reggan_training.papers.run_folder import model_from_run
from reggan_training.papers.study.pictures import Face, Picture

_HELD_OUT: tuple[Split, ...] = ("test",)


class RunPictures:
    """Results of runs for the neutral pictures of held-out identities (see `StudyPictures`).

    Every answer passes through the mask and composite of the product, so raters judge what a
    user would get.
    """

    def __init__(
        self, folder_by_method: Mapping[str, Path], data: Sequence[Path], limit: int
    ) -> None:
        """Load at most `limit` identities of the test split, and all models.

        Raises:
            SourceError: a run or a set cannot be read.
            EmptySourceError: no test identity has a neutral picture.
        """
        self.methods = tuple(folder_by_method)
        self._models = {name: model_from_run(folder) for name, folder in folder_by_method.items()}
        identities = load_sets(data, _HELD_OUT, limit=limit)
        self._identities = {one.name: one for one in identities if one.full_view(0) is not None}
        if not self._identities:
            raise EmptySourceError(
                f"{', '.join(str(root) for root in data)} holds no neutral picture of an identity "
                "of the test split (numbers that end in 9 or 0, and all but skin and photographs). "
                "Name a set that has some."
            )

    @cached_property
    def faces(self) -> tuple[Face, ...]:
        """Every identity with every expression but neutral."""
        names = sorted(self._identities)
        return tuple(Face(name, e) for name in names for e in sorted(EXPRESSION_NAMES[1:]))

    def read_original(self, face: Face) -> Picture:
        """Read the neutral picture."""
        identity = self._identities[face.identity]
        return identity.images[_neutral_view(identity)]

    def read_result(self, method: str, face: Face) -> Picture:
        """Read the neutral picture with the expression in full."""
        identity, model = self._identities[face.identity], self._models[method]
        view = _neutral_view(identity)
        crop = identity.place_crop(model.settings.side_px, view)
        before = identity.cut(view, crop)
        wanted = torch.zeros(1, len(EXPRESSION_NAMES))
        wanted[0, EXPRESSION_NAMES.index(face.expression)] = 1.0
        with torch.inference_mode():
            planes = torch.from_numpy(np.ascontiguousarray(before)).permute(2, 0, 1)[None]
            answers = model(planes.float(), wanted)
        after, mask = (one[0].permute(1, 2, 0).float().numpy() for one in answers)
        display = identity.images[view].astype(np.float32) / 255.0
        answer = finite(answer_from_picture(before.astype(np.float32), after, mask))
        result = change_picture(display, crop, answer).pixels
        return (np.clip(result, 0.0, 1.0) * 255 + 0.5).astype(np.uint8)


def _neutral_view(identity: Identity) -> int:
    view = identity.full_view(0)
    assert view is not None, "identities without a neutral picture are left out"
    return view
