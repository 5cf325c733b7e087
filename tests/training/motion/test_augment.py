"""Bent portraits: what is known of them is bent along."""

import torch

from reggan_training.motion.augment import NO_KIND, bent
from reggan_training.pairs.portraits import Portraits
from reggan_training.pairs.truth import PixelKind

SIDE = 64


def portraits(count: int = 6) -> Portraits:
    """A plane whose places and picture are its coordinates, background around it."""
    line = (torch.arange(SIDE) + 0.5) / SIDE
    x, y = torch.meshgrid(line, line, indexing="xy")
    is_face = (x - 0.5).square() + (y - 0.5).square() < 0.16
    kind = torch.where(is_face, PixelKind.SKIN, PixelKind.BEHIND)
    place = torch.stack([4 * (x - 0.5), -4 * (y - 0.5)])
    picture = torch.stack([x, y, 0 * x])
    return Portraits(
        picture=picture.expand(count, -1, -1, -1),
        weights=torch.zeros(count, 51),
        place=place.expand(count, -1, -1, -1),
        kind=kind[None].expand(count, -1, -1, -1),
        projection=torch.tensor([[0.25, 0.0, 0.0], [0.0, -0.25, 0.0]]).expand(count, -1, -1),
    )


def test_places_go_with_the_picture_and_the_projection_says_how() -> None:
    made = bent(portraits(), torch.Generator().manual_seed(1))
    is_face = made.kind[:, 0] == PixelKind.SKIN
    x = made.picture[:, 0][is_face]
    assert (4 * (x - 0.5) - made.place[:, 0][is_face]).abs().max() < 1e-4
    line = (torch.arange(SIDE) + 0.5) / SIDE
    column, row = torch.meshgrid(line, line, indexing="xy")
    for k in range(len(made.picture)):
        inner = is_face[k]
        known = torch.cat([made.place[k][:, inner], torch.ones(1, int(inner.sum()))])
        where = torch.stack([column[inner], row[inner]])
        slope = torch.linalg.lstsq(known.T, where.T).solution.T[:, :2]
        assert (slope - made.projection[k, :, :2]).abs().max() < 0.03
    assert (made.projection - 0.25).abs().max() > 0.01


def test_the_rim_of_the_face_is_of_no_kind() -> None:
    made = bent(portraits(), torch.Generator().manual_seed(1))
    share = (made.kind == NO_KIND).float().mean()
    assert 0 < share < 0.1
    assert set(made.kind.unique().tolist()) == {NO_KIND, PixelKind.SKIN, PixelKind.BEHIND}
