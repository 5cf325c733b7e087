"""`reggan-plugin comp`: a composition that puts a result together from the layers of its change."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.options.inputs_and_faces import shot_option
from reggan_plugin.commands.options.options_and_settings_file import (
    GroupedCommand,
    grouped_option,
    output_option,
)
from reggan_plugin.file_safety import (
    refuse_existing,
    refuse_other_kind,
    refuse_overwriting,
    write_atomically,
)
from reggan_plugin.jobs.frame_record import digest_of, sha256_of
from reggan_plugin.jobs.input_files import find_shot
from reggan_plugin.jobs.results_and_events import notices_of_range

if TYPE_CHECKING:
    from reggan_plugin.comp.shot_and_layers import CompShot

Program = Literal["nuke", "fusion", "blender"]
_SUFFIXES: dict[Program, str] = {"nuke": ".nk", "fusion": ".comp", "blender": ".py"}
STILL_MAP = "_still.exr"
"""Behind the name of a composition: an STMap that moves nothing."""


@click.command(
    cls=GroupedCommand,
    epilog="\b\nExample:\n  reggan-plugin comp shot/ --for nuke --layers layers --out shot.nk",
)
@grouped_option(
    "Composition",
    "--for",
    "program",
    type=click.Choice(list(_SUFFIXES)),
    required=True,
    help="Nuke script, Fusion composition, or a Python script for Blender's compositor.",
)
@shot_option("Composition")
@grouped_option(
    "Composition",
    "--layers DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="The folder that `render --layers-out` wrote, with stmap, gain and paint.",
)
@output_option(
    "-o --out FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The composition: .nk, .comp or .py.",
)
@output_option("--overwrite", is_flag=True, help="Replace files that exist.")
@verbose_option
def comp(program: Program, source: str, layers: Path, out: Path, overwrite: bool) -> None:
    """Write a composition of SHOT in which you can still turn the change up and down and mask it.

    SHOT are the frames before the change: a folder, one file, or a sequence. The composition reads
    these frames and the layers. Its control is called Intensity. Put a painted mask in place of the
    node Mask (in Blender: link it to the group's input). For Fusion and Blender the command also
    writes an STMap that moves nothing, beside the composition. We have not run compositions for
    Nuke in Nuke, or for Fusion in Fusion.
    """
    from reggan_plugin.comp.shot_and_layers import comp_shot

    beside = [] if program == "nuke" else [out.with_name(out.stem + STILL_MAP)]
    found = find_shot(source)
    read = [frame.path for frame in found.frames]
    refuse_overwriting([out, *beside], [*read, *layers.rglob("*")])
    refuse_other_kind(out, _SUFFIXES[program])
    refuse_existing([out], overwrite=overwrite)
    shot = comp_shot(source, layers)
    for path in beside:
        still = _still_map(shot)
        if digest_of(path) != sha256_of(still):  # that of another program is the same
            refuse_existing([path], overwrite=overwrite)
            write_atomically(path, still)
    for notice in notices_of_range(found.missing, found.outside):
        click.echo(f"Note: {notice}", err=True)
    write_atomically(out, _text(program, shot, next(iter(beside), out)).encode())
    for path in (out, *beside):
        click.echo(path)


def _text(program: Program, shot: "CompShot", still: Path) -> str:
    from reggan_plugin.comp.blender_script import blender_script
    from reggan_plugin.comp.fusion import fusion_composition
    from reggan_plugin.comp.nuke import nuke_script
    from reggan_plugin.comp.shot_and_layers import Footage

    still_map = Footage(folder=still.absolute().parent, prefix=still.name)
    match program:
        case "nuke":
            return nuke_script(shot)
        case "fusion":
            return fusion_composition(shot, still_map)
        case "blender":
            return blender_script(shot, still_map)


def _still_map(shot: "CompShot") -> bytes:
    import numpy as np

    from reggan_plugin.imaging.stmap_and_gain import Canvas, stmap_from_displacement
    from reggan_plugin.jobs.change_layers import coordinate_file

    canvas = Canvas(origin_px=(0, 0), shape=shot.display_px, display_px=shot.display_px)
    nothing = np.zeros((*shot.display_px, 2), np.float32)
    return coordinate_file(stmap_from_displacement(nothing, canvas), canvas)
