"""The pool of pictures that networks are trained on: drawn by processes, held in memory.

Every process has a rank, which its shards are called by, and random numbers of its own, which
follow from the rank and from how many shards it has written: a run that goes on draws other ones.
"""

import logging
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor

from reggan_plugin.frozen import frozen
from reggan_training.heads.head import HeadFamily, HeadMesh
from reggan_training.landmarks.part_networks import FRONT, PARTS, Square, face_frame, part_square
from reggan_training.landmarks.pictures import TEXTURES, HeadPicture, draw_head
from reggan_training.landmarks.points_on_mesh import (
    SHARE_OF_CHARACTER,
    SHARES,
    DensePoints,
    HeadSource,
)
from reggan_training.rendering.head_look import keep_textures
from reggan_training.training_run import multiplying_in_one_thread, write_arrays

WIDER: Final = 1.4
"""Side of the square that is kept, in sides of the one that a network looks at."""
KEPT_PX: Final = {"face": 96, "eye": 96, "brow": 80, "mouth": 128, FRONT: 224}
"""Pixels of the square that is kept, by kind of part."""

_MOST_PICTURES: Final = 30_000
"""In memory, and one shard beyond; a picture takes 480 KB."""
FRONT_SHARES: Final = "front_shares"
"""Array of a shard: `HeadPicture.shares` of the face's square."""
SIDES_OF: Final = {
    "face": ("face",),
    "eye": ("eye_right", "eye_left"),
    "brow": ("brow_right", "brow_left"),
    "mouth": ("mouth",),
}
"""Arrays of a shard, by the kind of network that looks at them."""
POOL, TEST_POOL = "pool", "pool_test"
"""Folders of a run: pictures to train on, and pictures of held-out heads."""
_SHARD = 150
_SEED, _HEADS, _HELD_OUT_HEADS = 77, 5, 9
"""Of the pictures, and of the identities of both pools."""
_STATES, _LOOKS = 4, 2
"""Of each head: a geometry in three looks takes a third of the time for a picture."""
_TEST_STATES, _TEST_LOOKS = 2, 1
_END_S = 10.0
Row = dict[str, np.ndarray]
"""Of a shard."""
DrawRows = Callable[[HeadMesh, DensePoints, np.random.Generator, bool], list[Row]]
"""Rows of a head; the last argument says whether it is held out. Pickled, so no closure."""
_log = logging.getLogger(__name__)


def kept_parts(picture: HeadPicture) -> dict[str, np.ndarray]:
    """Cut the parts of a picture that go into a shard.

    Returns:
        `points`, the landmarks in pixels of the picture; each of `network.PARTS` [side, side, 3],
        and as `PART_to` [2, 3] the map from the picture's pixels to its own; the face's square with
        more pixels as `front`, and its `front_shares` [side, side, 3].
    """
    frame = face_frame(picture.points)
    row: dict[str, np.ndarray] = {"points": picture.points.astype(np.float32)}
    for name in PARTS:
        square = part_square(name, picture.points, frame)
        side = KEPT_PX[name.split("_")[0]]
        matrix = square.wider(WIDER).to_pixels(side)
        shrinks = square.side_px > side
        row[name] = cv2.warpAffine(
            picture.pixels,
            matrix,
            (side, side),
            flags=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        row[f"{name}_to"] = matrix.astype(np.float32)
        if name == "face":
            row |= _kept_front(picture, square)
    return row


def _kept_front(picture: HeadPicture, face: Square) -> dict[str, np.ndarray]:
    """Cut the face's square as the network of what lies in front sees it, and its truth."""
    side = KEPT_PX[FRONT]
    square = face.wider(WIDER)
    deviation = 0.35 * square.side_px / side  # so that thin frames do not fall between pixels
    kept = {}
    for name, image in ((FRONT, picture.pixels), (FRONT_SHARES, picture.shares)):
        kept[name] = cv2.warpAffine(
            cv2.GaussianBlur(image, (0, 0), deviation),
            square.to_pixels(side),
            (side, side),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
    return kept


def arrays_of(kinds: Iterable[str]) -> list[str]:
    """Arrays that the networks of these kinds are shown."""
    names = ["points"]
    for kind in kinds:
        if kind == FRONT:
            names += [FRONT, FRONT_SHARES]
            continue
        for name in SIDES_OF[kind]:
            names += [name, f"{name}_to"]
    return names


class PicturePool:
    """Shards of pictures in memory.

    Args:
        folder: of the shards; may come later.
        names: of the arrays that are read.
    """

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        self._folder, self._names = folder, tuple(names)
        self._read: set[Path] = set()
        self._arrays: dict[str, list[Tensor]] = {name: [] for name in self._names}
        self._starts: list[int] = []
        self.count = 0

    def refresh(self) -> None:
        """Read the shards that are new."""
        for path in sorted(self._folder.glob("*.npz")):
            if path in self._read or self.count >= _MOST_PICTURES:
                continue
            with np.load(path) as shard:
                self._add({name: shard[name] for name in self._names})
            self._read.add(path)

    def _add(self, shard: dict[str, np.ndarray]) -> None:
        for name, array in shard.items():
            self._arrays[name].append(torch.from_numpy(array))
        self._starts.append(self.count)
        self.count += len(shard[self._names[0]])

    def rows(self, name: str, index: Tensor) -> Tensor:
        """Rows of an array, from all shards.

        Args:
            name: of the array.
            index: numbers of pictures, below `count`.
        """
        starts = torch.tensor(self._starts)
        shard = torch.searchsorted(starts, index, right=True) - 1
        own = index - starts[shard]
        arrays = self._arrays[name]
        return torch.stack([arrays[int(s)][int(k)] for s, k in zip(shard, own, strict=True)])


def landmark_rows(
    head: HeadMesh, found: DensePoints, random: np.random.Generator, is_held_out: bool
) -> list[Row]:
    """Pictures of a head, as the landmark networks are shown them."""
    states, looks = (_TEST_STATES, _TEST_LOOKS) if is_held_out else (_STATES, _LOOKS)
    drawn = draw_head(head, found, random, states=states, looks=looks)
    return [kept_parts(picture) for picture in drawn]


@frozen
class PoolRun:
    """What a run is.

    Attributes:
        folder: gets `pool/`, `pool_test/`, checkpoints, and the log.
        open_families: opens families of heads; is pickled.
        length_s: seconds of training, counted from when the first rows are there.
        drawing_s: seconds of drawing, counted from the start; 0 trains on what was drawn before.
        processes: that draw.
        without: families that are not drawn to train on.
        first: rows to wait for.
        test_pictures: rows of held-out heads.
        seed: of the first weights, and of what is drawn.
        init_from: file of contract 3 whose weights are the first ones; None for random ones.
        only: kinds of landmark networks that are trained; empty for all.
    """

    folder: Path
    open_families: Callable[[], list[HeadFamily]]
    length_s: float
    drawing_s: float
    processes: int = 1
    without: tuple[str, ...] = ()
    first: int = 1000
    test_pictures: int = 300
    seed: int = 1
    init_from: Path | None = None
    only: tuple[str, ...] = ()


class DrawingProcesses:
    """Processes that draw, as long as the context is open.

    Args:
        run: whose time to draw begins now; none are begun where it has none.
        draw: what is drawn of a head.
    """

    def __init__(self, run: PoolRun, draw: DrawRows) -> None:
        context = multiprocessing.get_context("spawn")
        until, count = time.time() + run.drawing_s, run.processes if run.drawing_s > 0 else 0
        self._processes: list[BaseProcess] = [
            context.Process(target=_draw, args=(run, draw, until, rank), daemon=True)
            for rank in range(count)
        ]
        self._told: set[BaseProcess] = set()

    def __enter__(self) -> "DrawingProcesses":
        with multiplying_in_one_thread():
            for process in self._processes:
                process.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.join(_END_S)

    def draw_on(self) -> bool:
        """Tell whether one of them still draws; logs once of each that was ended or failed."""
        for process in self._processes:
            if process.exitcode and process not in self._told:
                self._told.add(process)
                _log.warning(
                    "A process that draws pictures ended with %d; the others go on.",
                    process.exitcode,
                )
        return any(process.is_alive() for process in self._processes)


def _draw(run: PoolRun, draw: DrawRows, until: float, rank: int) -> None:
    """Draw until the time is over, or the trainer has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the trainer ends its processes
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    keep_textures(TEXTURES)
    trainer = multiprocessing.parent_process()

    def goes_on() -> bool:
        return time.time() < until and (trainer is None or trainer.is_alive())

    families = {family.name: family for family in run.open_families()}
    if rank == 0:
        draw_test_shards(families, run, draw, goes_on)
    draw_shards(families, run, draw, goes_on, rank=rank)


def draw_shards(
    families: Mapping[str, HeadFamily],
    run: PoolRun,
    draw: DrawRows,
    goes_on: Callable[[], bool],
    *,
    rank: int,
) -> None:
    """Draw heads to train on, behind the shards of this rank that are there.

    Args:
        families: by name, with `points_on_mesh.MEAN_FAMILY`.
        run: whose `POOL` is drawn; the folder is created if it is not there.
        draw: what is drawn of a head.
        goes_on: asked before each head.
        rank: of this process.
    """
    names = [name for name in families if name not in run.without]
    shares = {name: SHARES.get(name, SHARE_OF_CHARACTER) for name in names}
    source = HeadSource(families, shares, _HEADS, held_out=False)
    shards = _Shards(run.folder / POOL, rank)
    random = np.random.default_rng([_SEED - 1 + run.seed, rank, shards.number, 0])
    for head, found in source.heads(random):
        if not goes_on():
            break
        for row in draw(head, found, random, False):
            shards.add(row)
        shards.write_if_full()
    shards.write()


def draw_test_shards(
    families: Mapping[str, HeadFamily], run: PoolRun, draw: DrawRows, goes_on: Callable[[], bool]
) -> None:
    """Draw held-out heads into a run's `TEST_POOL`, until there are as many rows as it says.

    A user's own head is never held out, and none of these.
    """
    folder = run.folder / TEST_POOL
    shards = _Shards(folder, rank=0)
    drawn = sum(rows_in(path) for path in folder.glob("*.npz"))
    if drawn >= run.test_pictures:
        return
    shares = {name: share for name, share in SHARES.items() if name in families}
    source = HeadSource(families, shares, _HELD_OUT_HEADS, held_out=True)
    random = np.random.default_rng([_SEED, 0, shards.number, 1])
    for head, found in source.heads(random):
        if drawn >= run.test_pictures or not goes_on():
            break
        for row in draw(head, found, random, True):
            shards.add(row)
            drawn += 1
        shards.write_if_full()
    shards.write()


def rows_in(shard: Path) -> int:
    """Count the rows in a shard."""
    with np.load(shard) as arrays:
        return len(arrays[arrays.files[0]])


class _Shards:
    """Shards of one process, which it writes one after the other."""

    def __init__(self, folder: Path, rank: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._rank = folder, rank
        self.number = len(list(folder.glob(f"{rank}-*.npz")))
        self._rows: list[Row] = []

    def add(self, row: Row) -> None:
        self._rows.append(row)

    def write_if_full(self) -> None:
        if len(self._rows) >= _SHARD:
            self.write()

    def write(self) -> None:
        """Write what was added since, if anything was."""
        if not self._rows:
            return
        arrays = {name: np.stack([row[name] for row in self._rows]) for name in self._rows[0]}
        path = self._folder / f"{self._rank}-{self.number:05d}.npz"
        write_arrays(path, arrays, is_compressed=False)
        self._rows, self.number = [], self.number + 1
