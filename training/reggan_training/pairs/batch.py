"""What batches of every kind share: how they are unpacked, and how they look in a mirror."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Self

import torch
from torch import Tensor

from reggan_plugin.vocabulary.face_shapes import CONTROLS, mirrored_name

MIRROR_OF_CONTROL: tuple[int, ...] = tuple(CONTROLS.index(mirrored_name(n)) for n in CONTROLS)
"""Entry of the mirrored control vector that each entry goes to."""
_PICTURES = ("source", "target", "picture")
_LABELS = ("part", "kind")
_POINTING = ("motion", "place")
"""Planes of x and y."""
_PROJECTION = "projection"
_AHEAD = ((1.0, -1.0, -1.0), (-1.0, 1.0, 1.0))
"""Signs of a projection seen in a mirror."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Tensors by name: planes [batch, channels, height, width], vectors [batch, values]."""

    @classmethod
    def from_compact(cls, rows: Mapping[str, Tensor]) -> Self:
        """Restore what was packed: pictures as bytes, planes in few bits."""

        def unpacked(name: str, values: Tensor) -> Tensor:
            if name in _LABELS:
                return values.long()
            return values.float() / 255 if name in _PICTURES else values.float()

        return cls(**{name: unpacked(name, values) for name, values in rows.items()})

    def mirrored(self, rows: Tensor) -> Self:
        """The same batch, those of `rows` (bool) seen in a mirror."""
        turned = {}
        for name in (field.name for field in fields(self)):
            values = getattr(self, name)
            chosen = rows.view(-1, *[1] * (values.ndim - 1))
            turned[name] = torch.where(chosen, _in_mirror(name, values), values)
        return replace(self, **turned)


def _in_mirror(name: str, values: Tensor) -> Tensor:
    if name == _PROJECTION:
        return values * torch.tensor(_AHEAD, device=values.device)
    if values.ndim == 2:
        return values[:, list(MIRROR_OF_CONTROL[: values.shape[1]])]
    if name in _POINTING:
        return values.flip(3) * torch.tensor([[[-1.0]], [[1.0]]], device=values.device)
    return values.flip(3)


def bytes_from_picture(picture: Tensor) -> Tensor:
    """Values in [0, 1] as bytes."""
    return (picture * 255 + 0.5).clamp(0, 255).to(torch.uint8)
