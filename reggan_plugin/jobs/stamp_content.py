"""What the stamp in a changed file says of how it was made; signed credentials say the same."""

from dataclasses import asdict
from typing import Any

from reggan_plugin import __version__
from reggan_plugin.files.credentials_signed import DIGITAL_SOURCE_TYPE
from reggan_plugin.jobs.frame_record import FrameFacts, RecordedModel


def stamp_content(facts: FrameFacts, model: RecordedModel | None) -> dict[str, Any]:
    """Return the stamp of a frame, as a JSON object."""
    return {
        "version": __version__,
        "digital_source_type": DIGITAL_SOURCE_TYPE,
        "model": asdict(model) if model else None,
        "expression": facts.expression,
        "weights": facts.weights,
        "settings_sha256": facts.settings_sha256,
        "input_sha256": facts.input_sha256,
    }
