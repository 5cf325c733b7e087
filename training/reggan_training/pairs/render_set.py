"""A folder of rasterised heads, one file an identity: resumable, the same from the same seed."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np

from reggan_training.heads.head import HeadFamily
from reggan_training.heads.worn.dress import dress
from reggan_training.pairs.head_file import write_head
from reggan_training.pairs.rasterising import rasterise_head
from reggan_training.pairs.states import sample_states

HEAD_SUFFIX = ".head.npz"


def render_heads(
    family: HeadFamily,
    identities: Sequence[str],
    named: Mapping[str, Mapping[str, float]],
    folder: Path,
    *,
    views: int = 1,
    seed: int = 0,
) -> Iterator[Path]:
    """Rasterise identities that the folder does not hold yet; yields the files written.

    Args:
        family: where the heads come from.
        identities: names of the family's heads.
        named: named expressions as ARKit weights; see `sample_states`.
        folder: gets FAMILY/IDENTITY-vVIEW.head.npz.
        views: cameras before each head, each with states of its own.
        seed: of states and cameras; a head's do not depend on what else is rendered.
    """
    target = folder / family.name
    target.mkdir(parents=True, exist_ok=True)
    for view, identity in product(range(views), identities):
        path = target / f"{identity}-v{view}{HEAD_SUFFIX}"
        if not path.exists():
            random = np.random.default_rng(seed_of(family.name, identity, view, seed))
            head = dress(family.head(identity), random)
            states = sample_states(random, head.controls, named)
            write_head(rasterise_head(head, states, random), path)
            yield path


def seed_of(family: str, identity: str, view: int, seed: int) -> int:
    """The seed of what is drawn for one head before one camera."""
    text = f"{family}/{identity}/{view}/{seed}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "little")
