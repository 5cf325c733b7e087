"""A sheet of small frames with what was found in them, failures first, to be looked at."""

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from reggan_plugin.faces.landmarks_and_pose import FaceLandmarks

THUMBNAIL_SIZE = (320, 180)
COLUMNS = 6
MOST_FAILURES, MOST_OTHERS = 48, 24

Thumbnail = UInt8[np.ndarray, "180 320 3"]


@dataclass
class ContactSheet:
    """Collects thumbnails; failures are kept apart from a few of the rest."""

    failures: list[Thumbnail] = field(default_factory=list)
    others: list[Thumbnail] = field(default_factory=list)

    def add(
        self,
        frame: UInt8[np.ndarray, "height width 3"],
        faces: list[FaceLandmarks],
        *,
        failed: bool,
    ) -> None:
        """Draw the faces on a copy of an RGB frame and keep it while there is room."""
        kept, room = (self.failures, MOST_FAILURES) if failed else (self.others, MOST_OTHERS)
        if len(kept) >= room:
            return
        drawn = frame.copy()
        unit = max(1, frame.shape[1] // 320)
        for face in faces:
            x, y, width, height = (int(value) for value in face.box)
            cv2.rectangle(drawn, (x, y), (x + width, y + height), (0, 255, 0), unit)
            cv2.putText(drawn, f"{face.score:.2f}", (x, y), 0, 0.4 * unit, (255, 255, 0), unit)
            for px, py in face.points:
                cv2.circle(drawn, (int(px), int(py)), unit, (255, 0, 0), -1)
        small = cv2.resize(drawn, THUMBNAIL_SIZE, interpolation=cv2.INTER_AREA)
        if failed:
            cv2.rectangle(small, (0, 0), (319, 179), (255, 0, 0), 3)
        kept.append(np.asarray(small, dtype=np.uint8))

    def write(self, path: Path) -> None:
        """Write the sheet; an empty one is not written."""
        pictures = self.failures + self.others
        if not pictures:
            return
        blank = np.zeros_like(pictures[0])
        pictures = pictures + [blank] * (-len(pictures) % COLUMNS)
        rows = [np.hstack(pictures[i : i + COLUMNS]) for i in range(0, len(pictures), COLUMNS)]
        cv2.imwrite(str(path), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))
