"""An evaluation as the tables that a reader sees: the summary first, then the splits."""

from collections.abc import Mapping, Sequence

from reggan_training.metrics.claims import ECS_QUANTITIES, RISE
from reggan_training.metrics.contenders import REGRESSIONS
from reggan_training.metrics.monotony import LEAST_SHARE
from reggan_training.metrics.report_json import KERNEL
from reggan_training.metrics.report_notes import Record, notes_on
from reggan_training.metrics.splits import ALL_AVATARS
from reggan_training.metrics.standing import FRECHET

_COLUMNS = {
    "psnr": ("PSNR dB", "{:.2f}"),
    "ssim": ("SSIM", "{:.3f}"),
    "perceptual": ("perceptual", "{:.3f}"),
    "ecs": ("ECS", "{:.2f}"),
    "probability": ("probability", "{:.2f}"),
    "fss": ("FSS", "{:.3f}"),
    FRECHET: ("Fréchet", "{:.2f}"),
    KERNEL: ("kernel", "{:.3f}"),
}
_HALF_COLUMNS = ("psnr", "ssim", "perceptual")
_OUTSIDE_COLUMNS = {
    "outside_ecs": ("ECS", "{:.2f}"),
    "outside_probability": ("probability", "{:.2f}"),
    "outside_fss": ("FSS", "{:.3f}"),
    "fid": ("FID", "{:.1f}"),
    "kid": ("KID", "{:.4f}"),
    "quality": ("QualiCLIP", "{:.3f}"),
}


def markdown_from_record(record: Record) -> str:
    """All tables of `json_from_evaluation`'s record, and what to know of them."""
    splits = record["splits"]
    parts = ["## Runs", _table_of_runs(record)]
    summary = splits.get("all") or splits["style"]
    title = ALL_AVATARS if "all" in splits else "photographs"
    parts += [f"## Summary: {title}", _table_of_splits(record, summary, _COLUMNS, "faces")]
    if record["standings"]:
        parts += ["## Standing", _table_of_standings(record)]
    if "half" in splits:
        half = {name: _COLUMNS[name] for name in _HALF_COLUMNS}
        parts += ["## Half an expression", _table_of_splits(record, splits["half"], half, "faces")]
    parts += ["## More intensity, more expression", _table_of_rises(record)]
    for group, title in (("style", "Styles"), ("yaw", "Turned heads"), ("source", "Sources")):
        if group in splits:
            columns = {
                name: column
                for name, column in _COLUMNS.items()
                if group != "source" or name not in (FRECHET, KERNEL)
            }
            parts += [f"## {title}", _table_of_splits(record, splits[group], columns, group)]
    if any("outside_ecs" in c or "fid" in c or "quality" in c for c in _all_cells(record)):
        outside = {**splits.get("all", {}), **splits["style"]}
        table = _table_of_splits(record, outside, _OUTSIDE_COLUMNS, "faces")
        parts += ["## With outside networks", table]
    if record["claims"]:
        parts += ["## Claims", _table_of_claims(record)]
    return "\n\n".join([*parts, "## Notes", *notes_on(record)]) + "\n"


def _table_of_runs(record: Record) -> str:
    heads = ["run", "architecture", "side px", "kimg", "ms per face", "trained", "solved", "yaw"]
    rows = []
    for name, run in record["runs"].items():
        yaw = run["max_yaw_deg"]
        rows.append(
            [
                _marked(record, name),
                run["architecture"],
                str(run["side_px"]),
                f"{run['images_seen'] / 1000:.1f}",
                f"{run['ms_per_face']:.1f}",
                f"{run['trained'] / 1e6:.2f} M",
                f"{run['solved'] / 1e6:.2f} M",
                "unknown" if yaw is None else f"to {yaw:.0f}°",
            ]
        )
    return _table(heads, rows)


def _table_of_splits(
    record: Record, splits: Record, columns: Mapping[str, tuple[str, str]], first: str
) -> str:
    """A row for each method on each split."""
    rows = []
    for name, split in splits.items():
        for method in split["shown"]:
            cells = split["methods"][method]
            if not any(quantity in cells for quantity in columns):
                continue  # the true picture has no distance to itself
            row = [name, str(len(split["identities"])), _marked(record, method)]
            for quantity, (_, number) in columns.items():
                if quantity in cells:
                    row.append(_short(cells[quantity], number))
                else:
                    row.append("void" if quantity in ECS_QUANTITIES else "")
            rows.append(row)
    return _table([first, "n", "method", *(title for title, _ in columns.values())], rows)


def _table_of_standings(record: Record) -> str:
    runs = list(record["standings"][0]["ranks"])
    rows = [
        [one["split"], _COLUMNS[one["quantity"]][0], *(str(one["ranks"][run]) for run in runs)]
        for one in record["standings"]
    ]
    return _table(["faces", "by", *runs], rows)


def _table_of_rises(record: Record) -> str:
    styles = list(
        dict.fromkeys(s for r in record["monotony"]["runs"].values() for s in r["styles"])
    )
    rows = []
    for name, run in record["monotony"]["runs"].items():
        cells = [run["share"], *(run["styles"].get(style) for style in styles)]
        shares = ["void" if cell is None else _short(cell, "{:.2f}") for cell in cells]
        rows.append([_marked(record, name), str(run["faces"]), *shares])
    return _table(["run", "faces", ALL_AVATARS, *styles], rows)


def _table_of_claims(record: Record) -> str:
    """A row for each split: the first run less its baseline."""
    titles = dict.fromkeys(_title(claim) for claim in record["claims"])
    rows = []
    for split in dict.fromkeys(claim["split"] for claim in record["claims"]):
        there = {_title(one): one for one in record["claims"] if one["split"] == split}
        cells = [_verdict(there[title]) if title in there else "" for title in titles]
        rows.append([split, *cells])
    return _table([f"{next(iter(record['runs']))} less the baseline", *titles], rows)


def _title(verdict: Record) -> str:
    claim = verdict["claim"]
    if claim["quantity"] == RISE:
        return f"rising faces − {LEAST_SHARE:.0%}"
    half = " at half" if verdict["group"] == "half" else ""
    return f"{_COLUMNS[claim['quantity']][0]}{half} − {claim['baseline']}"


def _verdict(verdict: Record) -> str:
    if verdict["holds"] is None:
        return "void"
    coarse = verdict["claim"]["quantity"] in ("psnr", RISE, *ECS_QUANTITIES)
    number = "{:+.2f}" if coarse else "{:+.3f}"
    return _short(verdict["difference"], number) + ("" if verdict["holds"] else " ✗")


def _marked(record: Record, method: str) -> str:
    """A method's name, with a mark if it is a run that has not converged."""
    run = record["runs"].get(method)
    mark = " (not converged)" if run is not None and not run["is_converged"] else ""
    return method.split(",")[0] + mark if method in REGRESSIONS else method + mark


def _all_cells(record: Record) -> list[Record]:
    groups = record["splits"].values()
    return [cells for g in groups for split in g.values() for cells in split["methods"].values()]


def _short(estimate: Record, number: str) -> str:
    mean = number.format(estimate["mean"])
    if estimate["low"] is None:
        return mean
    half = (estimate["high"] - estimate["low"]) / 2
    return f"{mean} ± {number.replace('+', '').format(half)}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
