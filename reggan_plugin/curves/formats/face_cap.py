"""Takes in the text format of Face Cap."""

import numpy as np

from reggan_plugin.curves.take import Columns, TakeFormat

_ROW, _HEADING = "k", "bs"
_TURNS = (
    *("headPosX", "headPosY", "headPosZ", "headRotX", "headRotY", "headRotZ"),
    *("leftEyeRotX", "leftEyeRotY", "rightEyeRotX", "rightEyeRotY"),
)
"""Of a row, between its time and its weights; they go on beside these."""
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
    width = 1 + len(_TURNS) + len(order)
    if len(rows[0]) != width:
        raise ValueError(
            f"its rows have {len(rows[0])} numbers; expected {width}: time, 10 of head and eyes, "
            f"and {len(order)} weights"
        )
    table = np.array(rows)
    note = "It does not name its columns; they are taken in the app's own order."
    return Columns(
        kind="Face Cap",
        names=[*_TURNS, *order],
        times_s=table[:, 0] / 1000.0,
        values=table[:, 1:],
        notes=() if names is not None else (note,),
    )


FORMAT = TakeFormat(
    name="Face Cap text",
    read=lambda text, _: columns_of_face_cap(text),
    recognises=lambda text: "\nk," in f"\n{text}",  # whatever lines stand before the rows
)
