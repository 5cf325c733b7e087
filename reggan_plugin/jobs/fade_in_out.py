"""Fades of the intensity at both ends of a shot (`--fade-in`, `--fade-out`)."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Fades:
    """The intensity rises from 0 at a shot's first frame, and falls to 0 at its last.

    Attributes:
        frames_in: after so many frames the intensity is whole; 0 for none.
        frames_out: before so many frames from the end it begins to fall; 0 for none.
    """

    frames_in: int = 0
    frames_out: int = 0

    def share_at(self, frame: int, first: int, last: int) -> float:
        """Intensity factor of a frame of a shot, 0 to 1."""
        rising = (frame - first) / self.frames_in if self.frames_in else 1.0
        falling = (last - frame) / self.frames_out if self.frames_out else 1.0
        return max(0.0, min(1.0, rising, falling))
