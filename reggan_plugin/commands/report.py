"""`reggan-plugin report`: is a rendered shot complete, and what is wrong with it?"""

from pathlib import Path

import click

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.options.inputs_and_faces import range_option, shot_option, stall_option
from reggan_plugin.commands.options.options_and_settings_file import GroupedCommand, grouped_option
from reggan_plugin.commands.options.picture import reading_options
from reggan_plugin.commands.progress import (
    ProgressStyle,
    libraries_on_stderr,
    progress_on_stderr,
    style_options,
)
from reggan_plugin.errors import UsageError
from reggan_plugin.file_safety import refuse_overwriting
from reggan_plugin.files.frame import Reading
from reggan_plugin.files.image_format import is_video
from reggan_plugin.jobs.plan import writable_folder
from reggan_plugin.jobs.results_and_events import FrameChecked
from reggan_plugin.jobs.signals_and_timeouts import IoTimeout
from reggan_plugin.json_and_toml import json_text
from reggan_plugin.report.report_page import ReportPage, refuse_foreign_page
from reggan_plugin.report.shot_check import CheckedFrame, find_rendered_shot
from reggan_plugin.report.shot_report import (
    ShotReport,
    frames_from_records,
    frames_with_pictures,
    report_from_frames,
)


@click.command(
    cls=GroupedCommand,
    epilog="\b\nExample:\n  reggan-plugin report shot/ --out shot_happy/ --html shot.html",
)
@shot_option("Frames")
@range_option
@grouped_option(
    "Frames",
    "-o --out DIR|FILE",
    required=True,
    type=click.Path(path_type=Path),
    help="The folder that `render` wrote; of one picture or video, its result.",
)
@reading_options("Frames")
@stall_option
@grouped_option(
    "Report",
    "--html FILE.html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also read all frames, measure flicker, and write a page that shows each frame. It "
    "replaces an older report, but no other file. Beyond 1,000 frames its pictures lie in a "
    "folder beside it.",
)
@grouped_option(
    "Report",
    "--quick",
    is_flag=True,
    help="Compare only the sizes of the outputs, not their content.",
)
@grouped_option("Report", "--json", "as_json", is_flag=True, help="Print one JSON document.")
@style_options("Report")
@verbose_option
def report(
    *,
    source: str,
    frame_range: str | None,
    out: Path,
    reading: Reading,
    stall_s: float,
    html: Path | None,
    quick: bool,
    as_json: bool,
    style: ProgressStyle,
) -> None:
    """Say which frames of a rendered SHOT are missing, failed, altered, or worth a look.

    SHOT is what was rendered: a folder, one picture, a sequence (shot.####.exr), or a video, of
    which the new file is checked as a whole.

    The exit code is 1 if a frame is missing or failed, or if its file has changed since it was
    rendered. The command compares size and SHA-256 with the record of the frame. With --quick it
    compares only the size.
    """
    with progress_on_stderr(style, as_json=as_json) as tell:
        if quick and html is not None:
            raise UsageError("--html reads all frames, --quick reads none. Leave one of them out.")
        if html is not None and is_video(Path(source)):
            raise UsageError(
                f"{source} is a video, and a page shows frames that are pictures. Leave --html out."
            )
        if html is not None:
            refuse_foreign_page(html)
        io_timeout = IoTimeout(stall_s)
        rendered = io_timeout.call(source, lambda: find_rendered_shot(source, frame_range, out))
        io_timeout.call(source, lambda: refuse_overwriting([], rendered.files()))  # `>> a.png`
        done = 0

        def seen(frame: CheckedFrame) -> None:
            nonlocal done
            done += 1
            tell(
                FrameChecked(
                    done=done,
                    frames=len(rendered),
                    source=frame.source or Path(frame.name),
                    problems=frame.problems,
                )
            )

        if html is None:
            frames = frames_from_records(rendered, io_timeout, seen, is_quick=quick)
            shot = report_from_frames(source, out, frames)
        else:
            with writable_folder(html.parent), libraries_on_stderr():
                page = ReportPage(html, len(rendered))
                frames = frames_with_pictures(rendered, reading, io_timeout, seen, page)
                shot = report_from_frames(source, out, frames)
                page.write(out.name, source)
        _print(shot, html, as_json)
        shot.raise_for_failure()


def _print(shot: ShotReport, html: Path | None, as_json: bool) -> None:
    if as_json:
        page = None if html is None else str(html)
        click.echo(json_text({**shot.document(), "html": page}, indent=2))
        return
    for frame in shot.frames:
        note = f": {frame.note}" if frame.note else ""
        click.echo(f"{frame.name}: {', '.join(frame.problems)}{note}")
    if html is not None:
        click.echo(html)
