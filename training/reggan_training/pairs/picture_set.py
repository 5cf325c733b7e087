"""A set of pictures of heads, made by several processes: resumable, the same from the same seed."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from itertools import product
from pathlib import Path

import torch

from reggan_plugin.errors import OutputError
from reggan_plugin.jobs.interruption import StopRequest, stop_on_signals
from reggan_training.data.new_set import check_resumable, remove_unfinished, write_manifest
from reggan_training.heads.head import HeadFamily
from reggan_training.pairs.head_pictures import SHADED, HeadPictureSettings, Renderer, picture_head

Task = tuple[str, str, int]
"""A head before a camera: family, identity, view."""
OpenFamilies = Callable[[], Sequence[HeadFamily]]
_MANIFEST_EVERY = 20
_POLL_S = 0.2
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
    renderer: Renderer = SHADED,
) -> None:
    """Picture the heads that a set lacks.

    Args:
        open_families: called once in each process.
        tasks: heads and cameras; more of them extend a set.
        settings: those of the set that is there, if there is one.
        root: folder of the set.
        processes: one core each.
        report: told what is done, and which expressions a head cannot show.
        renderer: that makes the pictures.

    Raises:
        OutputExistsError: the folder holds something else, or a set of other settings.
        OutputError: a process was killed; what is finished stays.
        Interrupted: a signal came; what is finished stays.
    """
    about = {renderer.name: {**asdict(settings), "styles": list(settings.styles)}}
    check_resumable(root, about)
    root.mkdir(parents=True, exist_ok=True)
    remove_unfinished(root)
    software = {name: version(name) for name in renderer.packages}
    write_manifest(root, about, software)
    work = partial(_picture, settings=settings, root=root, renderer=renderer)
    try:
        with stop_on_signals() as request:
            lines = _worked_off(work, tasks, open_families, processes, request)
            for done, line in enumerate(lines, 1):
                if line:
                    report(f"{done}/{len(tasks)} {line}")
                if done % _MANIFEST_EVERY == 0:
                    write_manifest(root, about, software)
    finally:
        remove_unfinished(root)
        write_manifest(root, about, software)


def tasks_of(families: Sequence[HeadFamily], identities: int, views: int, seed: int) -> list[Task]:
    """Heads of each family before so many cameras; VALID's few before four times as many."""
    return [
        (family.name, identity, view)
        for family in families
        for view, identity in product(
            range(views * (4 if family.name == "valid" else 1)), family.identities(identities, seed)
        )
    ]


def _worked_off(
    work: Callable[[Task], str],
    tasks: Sequence[Task],
    open_families: OpenFamilies,
    processes: int,
    request: StopRequest,
) -> Iterator[str]:
    """Yield the result of every task, in this process, or in any order from several.

    Raises:
        OutputError: a process was killed.
        Interrupted: a signal came.
    """
    if processes == 1:
        _families.update({family.name: family for family in open_families()})
        for task in tasks:
            yield work(task)
            request.raise_if_made()
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, context, _begin, (open_families,))
    try:
        waiting = {pool.submit(work, task) for task in tasks}
        while waiting:
            finished, waiting = wait(waiting, _POLL_S, FIRST_COMPLETED)
            request.raise_if_made()
            yield from (one.result() for one in finished)
    except BrokenProcessPool as error:
        raise OutputError(
            "A process that makes pictures was ended, perhaps for want of memory. What is "
            "finished stays: run it again, with fewer processes.",
            kind="picture-process-ended",
        ) from error
    finally:
        for process in multiprocessing.active_children():
            process.kill()  # one that is stopped, too
        pool.shutdown(cancel_futures=True)


def _begin(open_families: OpenFamilies) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its processes
    torch.set_num_threads(1)
    _families.update({family.name: family for family in open_families()})


def _picture(task: Task, settings: HeadPictureSettings, root: Path, renderer: Renderer) -> str:
    family, identity, view = task
    return picture_head(_families[family], identity, view, settings, root, renderer=renderer)
