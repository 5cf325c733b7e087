"""Notices about what became of frames, each said once, also those that hold for several."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter

from reggan_plugin.errors import Remark
from reggan_plugin.faces.turned_heads import FADE_DEG
from reggan_plugin.jobs.events import FrameDone, Notice, Report
from reggan_plugin.jobs.results import FrameResult

LOST = (
    "{compression} compressed pixels beside the change a second time: they differ by up to "
    "{largest:.3g} ({rms:.2g} on average, both in the file's own values)."
)

FADED = (
    "The head is turned further than this model was measured to improve on its input, so the "
    f"intensity fades to 0 over {FADE_DEG:g} degrees: {{frames}}."
)


class ResultLog:
    """Collects results, and reports each of them and each new notice."""

    def __init__(self, frames: int, device: str | None, report: Report) -> None:
        self._frames, self._device, self._report = frames, device, report
        self.results: list[FrameResult] = []
        self.notices: Counter[str] = Counter()

    def note(self, message: str) -> None:
        """Say something about the whole job."""
        self.notices[message] = 0
        self._report(Notice(message=message))

    def _note_faded(self) -> None:
        """Name the frames in which a head is turned further than the model's card allows."""
        faded = [result.intensity_share < 1.0 for result in self.results]
        if any(faded):
            message = FADED.format(frames=_runs([r.source.name for r in self.results], faded))
            self.notices[message] = sum(faded)
            self._report(Notice(message=message))

    def _note_losses(self) -> None:
        """Say what lossy compressions did to pixels that were not to change."""
        losses = [r.generation_loss for r in self.results if r.generation_loss is not None]
        if losses:
            worst = max(losses, key=lambda loss: loss.largest)
            text = LOST.format(compression=worst.compression, largest=worst.largest, rms=worst.rms)
            message = Remark(text, "compressed-twice", compression=worst.compression)
            self.notices[message] = len(losses)
            self._report(Notice(message=message))

    def take(self, results: Iterable[FrameResult]) -> None:
        """Take the results of all frames as they come, then say what holds for several."""
        for result in results:
            self._add(result)
        self._note_faded()
        self._note_losses()

    def _add(self, result: FrameResult) -> None:
        self.results.append(result)
        for message in result.warnings:
            if message not in self.notices:
                self._report(Notice(message=message, source=result.source))
            self.notices[message] += 1
        self._report(
            FrameDone(
                done=len(self.results),
                frames=self._frames,
                result=result,
                device=self._device,
            )
        )


def _runs(names: Sequence[str], chosen: Sequence[bool]) -> str:
    """Return the chosen names; those that follow each other as `first to last`."""
    runs = []
    for is_chosen, group in groupby(zip(names, chosen, strict=True), key=itemgetter(1)):
        own = [name for name, _ in group]
        if is_chosen:
            runs.append(own[0] if len(own) == 1 else f"{own[0]} to {own[-1]}")
    return ", ".join(runs)
