"""The inputs of `render`: files, folders, patterns and globs, or `--frames` as scripts have it."""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import click

from reggan_plugin.commands.options import grouped_option
from reggan_plugin.errors import UsageError
from reggan_plugin.files.change_layers import LayerFiles
from reggan_plugin.files.matte import Matte
from reggan_plugin.files.video import VideoFile
from reggan_plugin.jobs.movie import Movie
from reggan_plugin.jobs.plan import Existing, JobPlan, plan_job
from reggan_plugin.jobs.plan_sources import plan_sources
from reggan_plugin.jobs.sources import find_sources


class PlannedSource(NamedTuple):
    """What to read and write, and the video that the frames are in."""

    plan: JobPlan
    video: VideoFile | None = None

    def movie(self, codec: str | None) -> Movie | None:
        """The video to write, if the source is one."""
        if self.video is None or self.plan.whole is None:
            return None
        return Movie(video=self.video, out=self.plan.whole, codec=codec)


@dataclass(frozen=True, kw_only=True)
class AskedInputs:
    """What is to be worked on.

    Attributes:
        paths: as they were given.
        frame_range: part of every sequence; None for all.
        recursive: whether folders within the folders are taken, too.
        is_one_sequence: whether `--frames` named it: one sequence, of which a range may hold no
            frame, as farms ask for such chunks.
    """

    paths: tuple[str, ...]
    frame_range: str | None
    recursive: bool
    is_one_sequence: bool

    @property
    def name(self) -> str:
        """What a message calls all of them."""
        return self.paths[0] if len(self.paths) == 1 else f"{self.paths[0]} ..."

    def at(self, paths: tuple[str, ...]) -> "AskedInputs":
        """The same of other paths."""
        return replace(self, paths=paths)

    def plan(
        self,
        out: Path | None,
        label: str,
        existing: Existing,
        *,
        matte: Matte | None,
        layer_files: LayerFiles | None,
        inputs: Iterable[Path],
    ) -> tuple[list[PlannedSource], list[Path]]:
        """The jobs, and results of earlier runs that were passed over; errors as `plan_sources`."""
        if self.is_one_sequence:
            (source,) = self.paths
            plan = plan_job(
                source,
                self.frame_range,
                out,
                label,
                existing,
                matte=matte,
                layer_files=layer_files,
                inputs=inputs,
            )
            return [PlannedSource(plan)], []
        found = find_sources(self.paths, recursive=self.recursive)
        plans = plan_sources(
            found.sources,
            frame_range=self.frame_range,
            out=out,
            label=label,
            existing=existing,
            layer_files=layer_files,
            inputs=[*inputs, *([] if matte is None else matte.files())],
        )
        videos = [source.video for source in found.sources]
        planned = [PlannedSource(*pair) for pair in zip(plans, videos, strict=True)]
        return planned, list(found.passed_over)


def input_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `INPUT...`, `--frames`, `--range` and `--recursive`; the command takes `asked_inputs`."""

    @click.argument("inputs", nargs=-1, metavar="INPUT...")
    @grouped_option(
        "Frames",
        "--frames",
        "source",
        metavar="DIR|FILE|PATTERN",
        help="In place of INPUT, for scripts: one sequence, whose results go to a folder.",
    )
    @grouped_option(
        "Frames",
        "--range",
        "frame_range",
        metavar="1001-1100x2",
        help="Part of every sequence, by frame number.  [default: all]",
    )
    @grouped_option(
        "Frames", "--recursive", is_flag=True, help="Take the folders within folders, too."
    )
    @functools.wraps(command)
    def gather(
        *,
        inputs: tuple[str, ...],
        source: str | None,
        frame_range: str | None,
        recursive: bool,
        **others: Any,
    ) -> Any:
        if bool(inputs) == (source is not None):
            found = "nothing" if not inputs else f"{inputs[0]} and --frames"
            raise UsageError(
                f"{found} was given; name the pictures: files, folders or sequences "
                "(shot.####.exr), or one sequence with --frames."
            )
        if recursive and source is not None:
            raise UsageError("--frames names one sequence. Name the folder as INPUT: --recursive.")
        asked = AskedInputs(
            paths=inputs if source is None else (source,),
            frame_range=frame_range,
            recursive=recursive,
            is_one_sequence=source is not None,
        )
        return command(asked_inputs=asked, **others)

    return gather
