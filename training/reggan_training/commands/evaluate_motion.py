"""`reggan-plugin evaluate-motion`: a motion model where the true motion is known."""

from pathlib import Path

import click

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.options.options_and_settings_file import shown_option
from reggan_plugin.drawing.contact_sheet import draw_sheet, encoded_picture
from reggan_plugin.errors import UsageError
from reggan_plugin.file_safety import write_atomically
from reggan_training.commands.options import (
    FILE,
    FOLDER,
    FOLDER_TO_WRITE,
    identities_option,
    report_line,
    set_threads,
    threads_option,
    write_report,
)


@click.command("evaluate-motion")
@click.argument("model", type=FILE)
@click.option(
    "--heads",
    type=FOLDER,
    required=True,
    help="Held-out heads that `dataset test-heads` made, in a folder for each family.",
)
@shown_option(
    "--left-out FAMILY",
    multiple=True,
    help="A family that the model was not trained on; can be given several times.",
)
@identities_option("family")
@click.option(
    "--out",
    type=FOLDER_TO_WRITE,
    help="Folder for the report.  [default: evaluation-motion/ beside MODEL]",
)
@threads_option(advice="")
@verbose_option
@click.pass_context
def evaluate_motion(
    context: click.Context,
    *,
    model: Path,
    heads: Path,
    left_out: tuple[str, ...],
    identities: int | None,
    out: Path | None,
    threads: int | None,
) -> None:
    """Measure a model of contract 3 on held-out heads, whose true motion is known.

    MODEL is an exported .onnx file. Prints one table, writes evaluation.json, table.md and a
    contact sheet of each material, and exits 1 if a bound is missed.

    \b
    Example:
      reggan-plugin evaluate-motion rig.onnx --heads test-heads
    """
    from reggan_training.metrics.motion.evaluation import COLUMNS, find_heads, open_exported
    from reggan_training.metrics.motion.evaluation import evaluate_motion as measure_heads
    from reggan_training.metrics.motion.report import (
        json_from_results,
        judge_bounds,
        markdown_from_results,
    )

    set_threads(threads)
    found = find_heads(heads, identities)
    unknown = [family for family in left_out if family not in found]
    if unknown:
        raise UsageError(
            f"{heads} has no family {unknown[0]!r} that could have been left out; it has "
            f"{', '.join(found)}."
        )
    results, rows = measure_heads(open_exported(model, threads), found, report_line)
    bounds = judge_bounds(results, left_out)
    table = markdown_from_results(results, bounds)
    record = json_from_results(results, bounds)
    record = {"model": model.name, "left_out": left_out, **record}
    out = out or model.parent / "evaluation-motion"
    write_report(out, record, table)
    for style, shown in rows.items():
        sheet = draw_sheet(COLUMNS, shown, cell_px=len(shown[0].views[0]))
        write_atomically(out / f"sheet-{style}.png", encoded_picture(sheet, "PNG"))
    click.echo(table)
    missed = [one for one in bounds if not one.holds]
    for one in missed:
        report_line(f"missed: {one.sentence}")
    if missed:
        context.exit(1)
