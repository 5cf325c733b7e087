"""`reggan-plugin dataset check`: what sets hold, and what is wrong with them."""

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.options.options_and_settings_file import shown_option
from reggan_plugin.drawing.contact_sheet import SheetRow, write_sheet
from reggan_plugin.errors import SourceError, UsageError
from reggan_plugin.file_safety import refuse_existing
from reggan_training.commands.options import FILE_TO_WRITE, overwrite_option, sets_argument
from reggan_training.data.identity_and_split import SPLITS

if TYPE_CHECKING:
    from reggan_training.data.check import SetReport


_SHOWN = 12
"""Lines of one kind that the text names; --json has all."""


@click.command("check", epilog="\b\nExample:\n  reggan-plugin dataset check pictures")
@sets_argument
@shown_option(
    "--out FILE.png",
    type=FILE_TO_WRITE,
    help="The contact sheet.  [default: <dir>_check.png in this folder]",
)
@shown_option(
    "--rows IDENTITIES",
    type=click.IntRange(min=1),
    default=16,
    show_default=True,
    help="Rows of the contact sheet.",
)
@overwrite_option("the sheet if it exists")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@verbose_option
def check(
    roots: tuple[Path, ...], out: Path | None, rows: int, *, overwrite: bool, as_json: bool
) -> None:
    """Report identities, pairs, missing expressions, sizes and misalignments of sets.

    DIR is a folder of rendered avatars, of pictures as <expression>/<identity>.jpg, of CFEE,
    KDEF or RaFD, or a packed set. The contact sheet shows identities of every style with their
    landmarks. Exits with 1 if training would trip over something.
    """
    from reggan_training.data.check import SetReport, choose_rows, row_of, without_empty_columns
    from reggan_training.data.sets import list_sets

    path = out or Path(f"{roots[0].resolve().stem}_check.png")
    refuse_existing([path], overwrite=overwrite)
    entries = list_sets(roots)
    shown = set(choose_rows([(entry.style, entry.name) for entry in entries], rows))
    report, sheet = SetReport(), list[SheetRow]()
    for entry in entries:
        identity = report.add(entry)
        if identity is not None and entry.name in shown:
            with contextlib.suppress(UsageError):  # landmarks that place no crop: a fault by now
                sheet.append(row_of(identity))
    report.finish()
    if sheet:
        write_sheet(path, *without_empty_columns(sheet))
    click.echo(json.dumps(_record(report, path), indent=1) if as_json else _text(report, path))
    if report.faults:
        raise SourceError(
            f"{len(report.faults)} faults that training would trip over. Mend or take out what is "
            "named above."
        )


def _record(report: "SetReport", path: Path) -> dict[str, object]:
    return {
        "styles": {
            style: {
                split: {
                    "identities": report.identities[style, split],
                    "pairs": report.pairs[style, split],
                }
                for split in SPLITS
                if report.identities[style, split]
            }
            for style in sorted({style for style, _ in report.identities})
        },
        "views": dict(report.views.most_common()),
        "sizes": {f"{width}x{height}": n for (height, width), n in report.sizes.most_common()},
        "interpolated": report.interpolated,
        "missing": report.missing,
        "misaligned": report.misaligned,
        "faults": report.faults,
        "sheet": str(path),
    }


def _text(report: "SetReport", path: Path) -> str:
    lines = ["| style | split | identities | pairs |", "|---|---|---|---|"]
    lines += [
        f"| {style} | {split} | {report.identities[style, split]} | {report.pairs[style, split]} |"
        for style, split in sorted(
            report.identities, key=lambda key: (key[0], SPLITS.index(key[1]))
        )
    ]
    sizes = (f"{width}x{height} ({n})" for (height, width), n in report.sizes.most_common())
    lines += ["", "sizes: " + ", ".join(sizes)]
    lines += ["pictures: " + ", ".join(f"{n} {what}" for what, n in report.views.most_common())]
    if report.interpolated:
        lines.append(f"without graded pictures, so interpolated: {len(report.interpolated)}")
    lacking: dict[str, list[str]] = {}
    for name, expressions in report.missing.items():
        lacking.setdefault(", ".join(expressions), []).append(name)
    missing = [f"{what}: {_some(names)}" for what, names in lacking.items()]
    for title, found in (
        ("missing expressions", missing),
        ("misaligned", report.misaligned),
        ("faults", report.faults),
    ):
        lines += _listed(title, found)
    return "\n".join([*lines, f"{path}"])


def _some(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) < 5 else f"{len(names)} identities, first {names[0]}"


def _listed(title: str, found: Sequence[str]) -> list[str]:
    if not found:
        return [f"{title}: none"]
    more = [f"  … and {len(found) - _SHOWN} more (--json)"] if len(found) > _SHOWN else []
    return [f"{title}: {len(found)}", *(f"  {line}" for line in found[:_SHOWN]), *more]
