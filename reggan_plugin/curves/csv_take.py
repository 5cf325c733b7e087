"""Takes in CSV: those of Live Link Face, and our own.

Ours has a heading and a row for each frame; the first column says when:

    frame,jawOpen,mouthSmileLeft       numbers of the shot's frames
    time,jawOpen,mouthSmile_L          seconds
    timecode,jawOpen,mouthSmileL       HH:MM:SS:FF

Semicolons or tabs may stand for the commas, and then a comma before decimals.

Live Link Face writes Timecode, BlendShapeCount, 52 shapes and 9 turns of head and eyes. Columns
are taken by name: their order differs between the app and Unreal. A row whose count is 0 is a
frame that the phone dropped.
"""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from reggan_plugin.curves.take import (
    Columns,
    Take,
    rate_of_timecodes,
    seconds_of,
    timecode_from_text,
)
from reggan_plugin.errors import Remark
from reggan_plugin.limits import MOST_TAKE_CELLS, MOST_TAKE_COLUMNS, refuse_beyond

_COUNT = "blendshapecount"
_CLOCKS = ("timecode", "frame", "time")
_MOST_PROBED = 20_000
_MOST_CLOCK = 1e9
"""Seconds, or frames: thirty years."""


def columns_of_csv(text: str, rate_fps: float | None) -> Columns:
    """Read a CSV file.

    Args:
        text: its content.
        rate_fps: what a second of its timecodes counts; None to find out.

    Raises:
        ValueError: it is no such file; the message says what is wrong.
    """
    rows: list[list[str]] = []
    lines = text.splitlines()
    heading_line = next((line for line in lines if line.strip()), "")
    delimiter = next((mark for mark in ",;\t" if mark in heading_line), ",")
    if delimiter != ",":  # as spreadsheets write it where a comma stands before decimals
        lines = [line.replace(",", ".") for line in lines]
    for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True):
        if any(row):
            rows.append(row)
            refuse_beyond(len(row), MOST_TAKE_COLUMNS, "columns")
    if not rows:
        raise ValueError("it is empty")
    refuse_beyond(len(rows) * len(rows[0]), MOST_TAKE_CELLS, "values")
    heading = [cell.strip() for cell in rows[0]]
    lowered = [cell.lower() for cell in heading]
    clock = next((name for name in _CLOCKS if name in lowered), None)
    if clock is None:
        raise ValueError(
            f"its heading is {','.join(heading[:6])!r}; expected Timecode, frame or time among them"
        )
    if lowered[:3] == ["frame", "expression", "value"]:
        raise ValueError("it is an intensity curve, whose lines are keys, and no recorded take")
    repeated = [name for name, count in Counter(heading).items() if count > 1 and name]
    if repeated:
        raise ValueError(f"its heading names {min(repeated)[:80]!r} twice")
    counted = lowered.index(_COUNT) if _COUNT in lowered else None
    body = [
        (line, row)
        for line, row in enumerate(rows[1:], start=2)
        if counted is None or (counted < len(row) and row[counted].strip() not in ("", "0"))
    ]
    dropped = len(rows) - 1 - len(body)
    place = lowered.index(clock)
    taken = [at for at, name in enumerate(lowered) if name and name not in (*_CLOCKS, _COUNT)]
    longer = next((line for line, row in body if any(row[len(heading) :])), None)
    if longer is not None:
        raise ValueError(f"line {longer} has more values than its heading has names")
    values = np.array([[_number(row, at, line) for at in taken] for line, row in body], dtype=float)
    values = values.reshape(len(body), len(taken))
    notes = (f"{dropped} frames were dropped while it was recorded.",) if dropped else ()
    short = sum(len(row) < len(heading) for _, row in body)
    if short:
        notes = (*notes, f"{short} of its rows have fewer values than its heading has names.")
    clocks = [row[place] if place < len(row) else "" for _, row in body]
    columns = Columns(
        kind="Live Link Face" if counted is not None else "CSV",
        names=[heading[at] for at in taken],
        times_s=np.zeros(len(body)),
        values=values,
        notes=notes,
    )
    return _timed(columns, clock, clocks, [line for line, _ in body], rate_fps)


def csv_of_take(take: Take) -> str:
    """Return a take in our own format, which `columns_of_csv` reads back with the same weights.

    Numbers are written in the shortest way that keeps every bit; what is none is blank.
    """
    clock, times = ("time", take.times_s) if take.frames is None else ("frame", take.frames)
    first = times[0] if take.frames is None else 0.0
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow((clock, *take.names, *take.beside))
    table = np.column_stack([take.weights, *take.beside.values()])
    for time, row in zip(times, table.tolist(), strict=True):
        rows.writerow((f"{time - first:.9g}", *("" if one != one else repr(one) for one in row)))
    return text.getvalue()


def _timed(
    columns: Columns, clock: str, texts: Sequence[str], lines: Sequence[int], rate: float | None
) -> Columns:
    if clock != "timecode":
        numbers = [
            _clock_number(text, clock, line) for text, line in zip(texts, lines, strict=True)
        ]
        times = np.array(numbers, dtype=float)
        if clock == "time":
            return replace(columns, times_s=times)
        return replace(columns, times_s=times / (rate or 24.0), frames=times, rate_fps=rate or 24.0)
    codes = []
    for text, line in zip(texts, lines, strict=True):
        code = timecode_from_text(text)
        if code is None:
            raise ValueError(f"line {line} has the timecode {text!r}; expected HH:MM:SS:FF")
        codes.append(code)
    if not codes:
        return columns
    base, is_told = rate_of_timecodes(codes[:_MOST_PROBED])
    notes = columns.notes
    if rate is None and not is_told:
        told = f"A second of the take's timecodes is taken for {base} frames."
        notes = (*notes, Remark(told, "rate-of-timecodes", frames=base))
    most = max(int(code.frames) for code in codes)
    if rate is not None and most >= rate:
        raise ValueError(
            f"its timecodes count to frame {most} of a second, so that a second of them has more "
            f"than {rate:g} frames; give their own rate, or none"
        )
    times = seconds_of(codes, rate or base)
    return replace(columns, times_s=times, timecode_fps=rate or base, notes=notes)


def _clock_number(text: str, clock: str, line: int) -> float:
    try:
        number = float(text)
    except ValueError:
        number = np.nan
    if not abs(number) <= _MOST_CLOCK:
        raise ValueError(
            f"line {line} has the {clock} {text[:80]!r}; expected a number up to {_MOST_CLOCK:g}"
        )
    return number


def _number(row: Sequence[str], place: int, line: int) -> float:
    text = row[place].strip() if place < len(row) else ""
    try:
        number = float(text) if text else np.nan
    except ValueError:
        raise ValueError(f"line {line}, column {place + 1} is {text!r}, no number") from None
    if np.isinf(number):
        raise ValueError(f"line {line}, column {place + 1} is infinite")
    return number
