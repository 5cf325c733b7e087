"""Takes in the text formats of iFacialMocap, Facemotion3D and Face Cap."""

import re
from collections.abc import Iterable, Iterator

import numpy as np

from reggan_plugin.curves.take import Columns
from reggan_plugin.errors import Remark

IFACIALMOCAP_FPS = 60.0
_ITEM = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)[-&](-?\d+(?:\.\d+)?)")
_ROW, _HEADING = "k", "bs"
_BEFORE_WEIGHTS = 12
"""Cells of a Face Cap row: its mark, time, position, rotation, two eyes."""
_FACE_CAP_ORDER = (
    "browInnerUp browDown_L browDown_R browOuterUp_L browOuterUp_R eyeLookUp_L eyeLookUp_R"
    " eyeLookDown_L eyeLookDown_R eyeLookIn_L eyeLookIn_R eyeLookOut_L eyeLookOut_R eyeBlink_L"
    " eyeBlink_R eyeSquint_L eyeSquint_R eyeWide_L eyeWide_R cheekPuff cheekSquint_L cheekSquint_R"
    " noseSneer_L noseSneer_R jawOpen jawForward jawLeft jawRight mouthFunnel mouthPucker mouthLeft"
    " mouthRight mouthRollUpper mouthRollLower mouthShrugUpper mouthShrugLower mouthClose"
    " mouthSmile_L mouthSmile_R mouthFrown_L mouthFrown_R mouthDimple_L mouthDimple_R"
    " mouthUpperUp_L mouthUpperUp_R mouthLowerDown_L mouthLowerDown_R mouthPress_L"
    " mouthPress_R mouthStretch_L mouthStretch_R tongueOut"
)
"""Source: the shape names of Face Cap's own avatar exporter for Blender."""


def columns_of_ifacialmocap(text: str, rate_fps: float | None) -> Columns:
    """Read recorded packets, one a line: `jawOpen-12|mouthSmile_L-3|…|=head#…`; 0 to 100.

    Version 2 writes `&` for `-`. The packets hold no time.

    Raises:
        ValueError: a line is no packet.
    """
    packets: list[dict[str, float]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        packet = dict(_items(line.partition("=")[0].split("|"), number))
        if not packet:
            raise ValueError(f"line {number} holds no weight such as jawOpen-12")
        packets.append(packet)
    names = list(dict.fromkeys(name for packet in packets for name in packet))
    rate = rate_fps or IFACIALMOCAP_FPS
    told = f"The take holds no time; its lines are taken for {rate:g} a second."
    note = Remark(told, "take-without-time", rate=rate)
    return Columns(
        kind="iFacialMocap",
        names=names,
        times_s=np.arange(len(packets)) / rate,
        values=np.array([[packet.get(name, np.nan) for name in names] for packet in packets]),
        scale=0.01,
        rate_fps=rate,
        notes=() if rate_fps else (note,),
    )


def _items(cells: Iterable[str], line: int) -> Iterator[tuple[str, float]]:
    for cell in cells:
        match = _ITEM.fullmatch(cell.strip())
        if match is not None:
            yield match[1], float(match[2])
        elif cell.strip():
            raise ValueError(f"line {line} holds {cell.strip()[:40]!r}; expected jawOpen-12")


def columns_of_face_cap(text: str) -> Columns:
    """Read rows of `k,milliseconds,position,rotation,eyes,weights`.

    A row that begins with `bs` names the weights; without it they have the app's own order.

    Raises:
        ValueError: a row has another length, or holds no number.
    """
    names: list[str] | None = None
    rows: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        mark, *cells = (cell.strip() for cell in line.split(","))
        if mark.lower() == _HEADING:
            names = [cell for cell in cells if cell]
        if mark.lower() != _ROW:
            continue
        try:
            row = [float(cell) for cell in cells if cell]
        except ValueError:
            raise ValueError(f"line {number} holds what is no number") from None
        if rows and len(row) != len(rows[0]):
            raise ValueError(f"line {number} has {len(row)} numbers, the first has {len(rows[0])}")
        rows.append(row)
    if not rows:
        raise ValueError("it has no row that begins with k")
    order = names if names is not None else _FACE_CAP_ORDER.split()
    width = _BEFORE_WEIGHTS - 1 + len(order)
    if len(rows[0]) != width:
        raise ValueError(
            f"its rows have {len(rows[0])} numbers; expected {width}: time, 10 of head and eyes, "
            f"and {len(order)} weights"
        )
    table = np.array(rows)
    note = "It does not name its columns; they are taken in the app's own order."
    return Columns(
        kind="Face Cap",
        names=order,
        times_s=table[:, 0] / 1000.0,
        values=table[:, _BEFORE_WEIGHTS - 1 :],
        notes=() if names is not None else (note,),
    )
