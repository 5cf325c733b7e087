"""One exposure for all scene-linear frames of a shot, whatever part of it is rendered."""

import threading
from collections.abc import Callable, Sequence

from reggan_plugin.files.frame_list import SourceFrame
from reggan_plugin.jobs.faults import FRAME_FAULTS, JOB_FAULTS


class ShotExposure:
    """The exposure that was given, or that of the first face of the shot."""

    def __init__(
        self,
        given_ev: float | None,
        shot: Sequence[SourceFrame],
        look: Callable[[SourceFrame], float | None],
    ) -> None:
        """Take `given_ev`, or else look at one frame after the other once one needs it.

        Args:
            given_ev: stops, if somebody says them.
            shot: all frames.
            look: the exposure of a frame's face; None if it has none or is not linear.
        """
        self._shot, self._look = shot, look
        self._measuring = threading.Lock()
        self.known_ev = given_ev
        """None until a frame needed it."""

    def at(
        self, source: SourceFrame, own: Callable[[], float | None] | None = None
    ) -> float | None:
        """Return the exposure of the shot, for a frame that has a face: no later one is looked at.

        `own` measures this frame, where it is at hand.
        """
        with self._measuring:
            if self.known_ev is None:
                self.known_ev = self._measure(source, own or (lambda: self._try(source)))
            return self.known_ev

    def _measure(self, source: SourceFrame, own: Callable[[], float | None]) -> float | None:
        for earlier in self._shot:
            if earlier.path == source.path:
                break
            exposure_ev = self._try(earlier)
            if exposure_ev is not None:
                return exposure_ev
        return own()

    def _try(self, source: SourceFrame) -> float | None:
        try:
            return self._look(source)
        except JOB_FAULTS:
            raise
        except FRAME_FAULTS:  # said of the frame when its own turn comes
            return None
