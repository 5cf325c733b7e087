"""A set of pictures of heads, made by several processes: resumable, the same from the same seed."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from itertools import product
from pathlib import Path

import torch

from reggan_plugin.jobs.interruption import stop_on_signals
from reggan_training.data.new_set import check_resumable, remove_unfinished, write_manifest
from reggan_training.heads.head import HeadFamily
from reggan_training.pairs.head_pictures import HeadPictureSettings, picture_head

Task = tuple[str, str, int]
"""A head before a camera: family, identity, view."""
OpenFamilies = Callable[[], Sequence[HeadFamily]]
_MANIFEST_EVERY = 20
_families: dict[str, HeadFamily] = {}
"""Those of this process, opened once."""


def picture_heads(
    open_families: OpenFamilies,
    tasks: Sequence[Task],
    settings: HeadPictureSettings,
    root: Path,
    *,
    processes: int,
    report: Callable[[str], None],
) -> None:
    """Picture the heads that a set lacks.

    Args:
        open_families: called once in each process.
        tasks: heads and cameras; more of them extend a set.
        settings: those of the set that is there, if there is one.
        root: folder of the set.
        processes: one core each.
        report: told what is done.

    Raises:
        OutputExistsError: the folder holds something else, or a set of other settings.
        Interrupted: a signal came; what is finished stays.
    """
    about = {"pictures": {**asdict(settings), "styles": list(settings.styles)}}
    check_resumable(root, about)
    root.mkdir(parents=True, exist_ok=True)
    remove_unfinished(root)
    write_manifest(root, about, {"torch": torch.__version__})
    work = partial(_picture, settings=settings, root=root)
    try:
        with stop_on_signals() as request, _mapped(open_families, processes) as mapped:
            for done, names in enumerate(mapped(work, tasks), 1):
                request.raise_if_made()
                if names:
                    report(f"{done}/{len(tasks)} {names[0]}")
                if done % _MANIFEST_EVERY == 0:
                    write_manifest(root, about, {"torch": torch.__version__})
    finally:
        remove_unfinished(root)
        write_manifest(root, about, {"torch": torch.__version__})


def tasks_of(families: Sequence[HeadFamily], identities: int, views: int, seed: int) -> list[Task]:
    """Heads of each family before so many cameras; VALID's few before four times as many."""
    return [
        (family.name, identity, view)
        for family in families
        for view, identity in product(
            range(views * (4 if family.name == "valid" else 1)), family.identities(identities, seed)
        )
    ]


_Mapped = Callable[[Callable[[Task], list[str]], Sequence[Task]], Iterator[list[str]]]


@contextmanager
def _mapped(open_families: OpenFamilies, processes: int) -> Iterator[_Mapped]:
    """A `map` over processes, in any order, or in this one."""
    if processes == 1:
        _families.update({family.name: family for family in open_families()})
        yield map
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, _begin, (open_families,)) as pool:
        yield pool.imap_unordered


def _begin(open_families: OpenFamilies) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its processes
    torch.set_num_threads(1)
    _families.update({family.name: family for family in open_families()})


def _picture(task: Task, settings: HeadPictureSettings, root: Path) -> list[str]:
    family, identity, view = task
    return picture_head(_families[family], identity, view, settings, root)
