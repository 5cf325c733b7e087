"""Takes in the text format of iFacialMocap and Facemotion3D."""

import re
from collections.abc import Iterable, Iterator

import numpy as np

from reggan_plugin.curves.take import Columns, TakeFormat
from reggan_plugin.errors import Remark

IFACIALMOCAP_FPS = 60.0
_NUMBER = r"-?\d+(?:\.\d+)?"
_ITEM = re.compile(rf"([A-Za-z_][A-Za-z0-9_]*)[-&]({_NUMBER})")
_AXES = ("RotX", "RotY", "RotZ", "PosX", "PosY", "PosZ")
"""Of a head, in degrees and metres; eyes have the first three."""


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
        weights, _, turns = line.partition("=")
        packet = dict(_items(weights.split("|"), number))
        if not packet:
            raise ValueError(f"line {number} holds no weight such as jawOpen-12")
        packets.append(packet | dict(_turns(turns.split("|"))))
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


def _turns(cells: Iterable[str]) -> Iterator[tuple[str, float]]:
    """Yield turns and place of head and eyes, which go on beside the weights."""
    for cell in cells:
        part, _, numbers = cell.strip().partition("#")
        for axis, number in zip(_AXES, numbers.split(","), strict=False):
            if re.fullmatch(_NUMBER, number):
                yield f"{part}{axis}", float(number)


def _has_packets(text: str) -> bool:
    return "|" in next((line for line in text.splitlines() if line.strip()), "")


FORMAT = TakeFormat(name="iFacialMocap text", read=columns_of_ifacialmocap, recognises=_has_packets)
