"""Takes in USD: the blend shape weights of a SkelAnimation, by usd-core."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.child_process import run_apart
from reggan_plugin.curves.take import Columns, TakeFormat
from reggan_plugin.files.mesh_suffixes import USD_SUFFIXES
from reggan_plugin.limits import MOST_TAKE_CELLS, MOST_TAKE_ROWS, refuse_beyond
from reggan_plugin.missing_package import needs_extra


def columns_of_usd(path: Path) -> Columns:
    """Read the first SkelAnimation whose blend shapes have weights.

    Raises:
        MissingExtraError: usd-core is not installed.
        ValueError: it holds none.
        MeshError: it cannot be opened, or names what is not beside it.
    """
    with needs_extra("A take in USD", "usd"):
        import pxr  # noqa: F401 - it is used in a child process
    found = run_apart(f"{__name__}:weights_in", str(path), file=path)
    note = f"It holds {found['animations']} SkelAnimations with weights; the first one is taken."
    return Columns(
        kind="USD",
        names=found["names"],
        times_s=found["times_s"],
        values=found["values"],
        notes=(note,) if found["animations"] > 1 else (),
    )


def weights_in(path: str) -> dict[str, Any]:
    """Names, times and values, in plain values; called in the child."""
    from pxr import Usd, UsdSkel

    from reggan_plugin.textures.usd_character import open_stage

    stage = open_stage(Path(path))
    prims = stage.Traverse(Usd.TraverseInstanceProxies(Usd.PrimDefaultPredicate))
    animations = [UsdSkel.Animation(prim) for prim in prims if prim.IsA("SkelAnimation")]
    moving = [one for one in animations if one.GetBlendShapeWeightsAttr().HasAuthoredValue()]
    if not moving:
        raise ValueError("it holds no SkelAnimation with blendShapeWeights")
    names = [str(name) for name in moving[0].GetBlendShapesAttr().Get() or []]
    weights = moving[0].GetBlendShapeWeightsAttr()
    codes = weights.GetTimeSamples() or [0.0]
    refuse_beyond(len(codes), MOST_TAKE_ROWS, "rows")
    refuse_beyond(len(codes) * len(names), MOST_TAKE_CELLS, "weights")
    said = [weights.Get(code) for code in codes]
    gap = np.full(len(names), np.nan)  # where a time's value is blocked
    rows = [gap if value is None else np.array(value, dtype=float) for value in said]
    other = next((row.size for row in rows if row.shape != (len(names),)), None)
    if other is not None:
        raise ValueError(f"it names {len(names)} blend shapes, and a time has {other} weights")
    return {
        "animations": len(moving),
        "names": names,
        "times_s": _seconds(codes, stage.GetTimeCodesPerSecond()),
        "values": np.array(rows),
    }


FORMAT = TakeFormat(name="USD", read=lambda path, _: columns_of_usd(path), suffixes=USD_SUFFIXES)


def _seconds(codes: Sequence[float], a_second: float) -> Float[np.ndarray, " codes"]:
    """Return times; what are no numbers is refused with the take."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.array(codes, dtype=float) / a_second
