"""An evaluation as the tables that a reader sees: the summary first, then the splits."""

from collections.abc import Mapping, Sequence
from typing import Any

from reggan_training.papers.comparison.splits import ALL_AVATARS, ECS_QUANTITIES
from reggan_training.papers.comparison.standing import FRECHET

Record = Mapping[str, Any]

_COLUMNS = {
    "psnr": ("PSNR dB", "{:.2f}"),
    "ssim": ("SSIM", "{:.3f}"),
    "perceptual": ("perceptual", "{:.3f}"),
    "ecs": ("ECS", "{:.2f}"),
    "probability": ("probability", "{:.2f}"),
    "fss": ("FSS", "{:.3f}"),
    FRECHET: ("Fréchet", "{:.2f}"),
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


def notes_on(record: Record) -> list[str]:
    """Write notes on the figures of `json_from_evaluation`'s record, and what they cannot say."""
    notes = [
        *_notes_on_distances(record),
        "Time: median CPU time for one face at the run's own size, PyTorch on one thread. "
        "*Trained* parameters are found by descent, *solved* numbers (filters, masks) in closed "
        "form. *Yaw*: up to this turn of the head the run is closer to the truth than the input.",
        "The regression layer is that of the first run alone: its change added to the input.",
    ]
    if "half" in record["splits"]:
        notes.append(
            "*Half an expression*: true renders of intensity 0.35–0.65, asked for at their own "
            "intensity. A cross-fade is input + intensity · (the run's full expression − input)."
        )
    if record["standings"]:
        notes.append(
            "*Standing*: 1 and one more for every run that is better by more than chance (the 95 % "
            "interval of the paired difference excludes 0); equal ranks cannot be told apart."
        )
    return notes + _warnings(record)


def _notes_on_distances(record: Record) -> list[str]:
    judged = {name: one["accuracy"] for name, one in record["judge"]["styles"].items()}
    accuracies = ", ".join(f"{value:.0%} ({name})" for name, value in judged.items())
    verified = record["judge"]["face_verification_accuracy"]
    embedding = (
        "" if verified is None else f"; the embedding is right on {verified:.0%} of held-out pairs"
    )
    return [
        "Means over held-out identities ± half of the 95 % interval (bootstrap over identities; "
        "for Fréchet distance from random halves of them). All pictures are compared "
        f"at {record['side_px']} px, through the first run's mask and the same composite. PSNR, "
        "SSIM and the perceptual distance are taken where the true picture differs from the "
        "input, dilated by 8 px at 256; SSIM is that of luminance. ECS is the share of pictures "
        "in which the expression judge names the wanted expression, with its mean probability; it "
        "chooses between the expressions that the set shows of the person. It "
        f"names the true pictures, neutral ones among them, rightly in {accuracies}. FSS is the "
        f"cosine of face embeddings, input against output{embedding}. Fréchet distance "
        "compares, in the features of that embedding, equally many pictures of every method with "
        "the true ones; its size depends on the number of pictures and on the faces, so compare "
        "within a split only."
    ]


def _warnings(record: Record) -> list[str]:
    warnings = [
        f"{name} is **not converged**: {_why_not_converged(run)}. It is left out of the standing, "
        "and no ranking is claimed over it."
        for name, run in record["runs"].items()
        if not run["is_converged"]
    ]
    warnings += [
        f"The ECS of {style} is not counted: {one['reason']}."
        for style, one in record["judge"]["styles"].items()
        if one["ecs_is_void"]
    ]
    return warnings


def _why_not_converged(run: Record) -> str:
    improvement = run["improvement_in_last_quarter"]
    if improvement is None:
        return "its held-out curve is too short to say that it has come to rest"
    return f"its held-out score still improved by {improvement:.1%} in the last quarter"


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
    for group, title in (("style", "Styles"), ("yaw", "Turned heads"), ("source", "Sources")):
        if group in splits:
            columns = {
                name: column
                for name, column in _COLUMNS.items()
                if group != "source" or name != FRECHET
            }
            parts += [f"## {title}", _table_of_splits(record, splits[group], columns, group)]
    if any("outside_ecs" in c or "fid" in c or "quality" in c for c in _all_cells(record)):
        outside = {**splits.get("all", {}), **splits["style"]}
        table = _table_of_splits(record, outside, _OUTSIDE_COLUMNS, "faces")
        parts += ["## With outside networks", table]
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
    """Write a row for each method on each split."""
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
                    row.append("not counted" if quantity in ECS_QUANTITIES else "")
            rows.append(row)
    return _table([first, "n", "method", *(title for title, _ in columns.values())], rows)


def _table_of_standings(record: Record) -> str:
    runs = list(record["standings"][0]["ranks"])
    rows = [
        [one["split"], _COLUMNS[one["quantity"]][0], *(str(one["ranks"][run]) for run in runs)]
        for one in record["standings"]
    ]
    return _table(["faces", "by", *runs], rows)


def _marked(record: Record, method: str) -> str:
    """Mark a method's name if it is a run that has not converged."""
    run = record["runs"].get(method)
    mark = " (not converged)" if run is not None and not run["is_converged"] else ""
    return method + mark


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
