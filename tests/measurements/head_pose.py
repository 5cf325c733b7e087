"""Error of the estimated head yaw on renders whose true yaw is recorded.

    python tests/measurements/head_pose.py --data DIR

DIR is a rendered set: `<identity>/identity.json` holds landmarks and `yaw_deg` of every picture.
Prints the mean absolute error and the bias (outwards is positive) by yaw, and the gain that
would leave none: what `YAW_GAIN` in faces/landmarks_and_pose.py should be multiplied by.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from reggan_plugin.faces.landmarks_and_pose import (
    LANDMARK_NAMES,
    FaceLandmarks,
    head_pose_from_landmarks,
)

BINS_DEG = ((0, 10), (10, 25), (25, 45), (45, 90))


def main() -> None:
    """Print one line a bin."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    true, estimated = [], []
    for path in sorted(parser.parse_args().data.glob("*/identity.json")):
        for picture in json.loads(path.read_text())["images"]:
            points = np.array([picture["landmarks"][name] for name in LANDMARK_NAMES], float)
            true.append(picture["yaw_deg"])
            estimated.append(head_pose_from_landmarks(FaceLandmarks(points)).yaw_deg)
    yaw, found = np.array(true), np.array(estimated)
    for low, high in BINS_DEG:
        chosen = (np.abs(yaw) >= low) & (np.abs(yaw) < high)
        if chosen.any():
            error = found[chosen] - yaw[chosen]
            outwards = (error * np.sign(yaw[chosen])).mean()
            print(
                f"{low}-{high} degrees: {chosen.sum()} pictures, mean absolute error "
                f"{np.abs(error).mean():.1f}, bias {outwards:+.1f}, "
                f"95 % within {np.percentile(np.abs(error), 95):.1f}"
            )
    print(f"gain {(yaw * found).sum() / (found**2).sum():.3f}")


if __name__ == "__main__":
    main()
