"""Takes in USD: the blend shape weights of a SkelAnimation, by usd-core."""

from pathlib import Path

import numpy as np
from pxr import UsdSkel

from reggan_plugin.curves.take import Columns
from reggan_plugin.textures.usd_character import open_stage


def columns_of_usd(path: Path) -> Columns:
    """Read the first SkelAnimation whose blend shapes have weights.

    Raises:
        ValueError: it holds none.
        MeshError: it cannot be opened, or names what is not beside it.
    """
    stage = open_stage(path)
    animations = [UsdSkel.Animation(prim) for prim in stage.Traverse() if prim.IsA("SkelAnimation")]
    moving = [one for one in animations if one.GetBlendShapeWeightsAttr().HasAuthoredValue()]
    if not moving:
        raise ValueError("it holds no SkelAnimation with blendShapeWeights")
    names = [str(name) for name in moving[0].GetBlendShapesAttr().Get() or []]
    weights = moving[0].GetBlendShapeWeightsAttr()
    codes = weights.GetTimeSamples() or [0.0]
    rows = [np.array(weights.Get(code), dtype=float) for code in codes]
    if any(len(row) != len(names) for row in rows):
        raise ValueError(f"it names {len(names)} blend shapes, and has {len(rows[0])} weights")
    rate = stage.GetTimeCodesPerSecond()
    note = f"It holds {len(moving)} SkelAnimations with weights; the first one is taken."
    return Columns(
        kind="USD",
        names=names,
        times_s=np.array(codes) / rate,
        values=np.array(rows),
        notes=(note,) if len(moving) > 1 else (),
    )
