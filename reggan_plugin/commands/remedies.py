"""What to do about an error or a notice, in the words of the command line, by its kind.

A remedy may name the fields of what it is for: `{view}`. It is empty where the sentence itself
says all that there is to do, whatever the front end.
"""

from collections.abc import Mapping

from reggan_plugin.errors import Remark

REMEDIES: Mapping[str, str] = {
    # the kinds of whole classes in errors.py
    "failed": "",
    "usage": "",
    "unknown-expression": "",
    "unknown-model": "`reggan-plugin models` lists what there is.",
    "source": "",
    "empty-source": "",
    "ambiguous-source": "",
    "mesh": "",
    "texture": "",
    "unreadable-frame": "",
    "unsupported-format": "",
    "missing-channels": "",
    "stalled": "--stall-timeout waits longer.",
    "output": "",
    "output-exists": "--overwrite replaces what is there, --out names another place.",
    "face-not-found": "Say where it is with --face-box, --landmarks or --whole-image.",
    "crop-mismatch": "",
    "model": "",
    "model-card": "",
    "model-hash": "",
    "engine": "",
    "model-parity": "",
    "device-memory": "Take a smaller --batch.",
    "training-diverged": "",
    "device-unavailable": "",
    "missing-extra": "",
    "note": "",
    # models
    "model-lacks-control": "`reggan-plugin models` lists their controls.",
    "model-is-not-one-file": "`reggan-plugin export onnx` does so.",
    # where the face is
    "face-in-frame": "Say where it is with --face-box or --landmarks, or pass --on-missing-face "
    "copy.",
    "face-in-no-frame": "Say where it is with --face-box, --landmarks or --whole-image, or which "
    "with --face.",
    "face-in-no-tracked-frame": "Give render the place with --face-box, --landmarks or "
    "--whole-image.",
    "two-places-of-face": "Keep one of --face-box, --landmarks, --tracks and --whole-image.",
    "face-not-in-tracks": "`reggan-plugin track --preview DIR` draws them; --face chooses.",
    "frame-not-in-tracks": "reggan-plugin track --frames ... --out tracks.json",
    "tracks": "reggan-plugin track --frames ... --out tracks.json",
    "unsmoothed": "`reggan-plugin track` follows it through the whole shot; --tracks takes what it "
    "writes.",
    "locator-card": "reggan-plugin export-locator",
    # files
    "mesh-reference": "--texture names a map that lies elsewhere.",
    "range-of-no-numbers": "That is --range.",
    "no-such-exr-picture": "Name one of them with --exr-picture.",
    "exr-picture-has-no-name": "Leave --exr-picture out.",
    "exr-picture-of-no-exr": "Leave --exr-picture out.",
    "exr-options-of-no-exr": "Leave --exr-picture, --exr-compression and --exr-layers out.",
    "exr-layers-need-lossless": "--exr-compression zip writes the picture's part without loss.",
    "compressed-twice": "--exr-compression zip keeps every bit.",
    "other-views-keep-their-face": "Render the result again with --exr-picture {other}.",
    "colours-are-declared": "Pass --colorspace {space}.",
    "no-such-matte-channel": "Name one of them with --matte-channel.",
    "matte-channel-of-no-exr": "Leave --matte-channel out.",
    "no-matte-of-frame": "--range leaves frames out.",
    # jobs
    "out-of-memory": "--face-box says where the face is.",
    "outputs-exist": "--resume keeps those that are finished, --overwrite replaces all, --out "
    "names another place.",
    "outputs-without-record": "--overwrite replaces them, --out names another place.",
    "curve-of-no-numbers": "Give --expression and --intensity.",
    "batch-halved": "--batch {batch} asks for no more.",
    "foreign-page": "",
    "frames-failed": "After mending, `reggan-plugin render --resume` renders only what is missing.",
    "characters-failed": "The lines above say why; --resume makes what is missing.",
}


def with_remedy(said: str) -> str:
    """A sentence for the terminal: what is said, and what to do about it."""
    remedy = remedy_for(said)
    return f"{said} {remedy}" if remedy else said


def remedy_for(said: str) -> str:
    """What to do about an error or a notice; empty for text that is neither."""
    if not isinstance(said, Remark):
        return ""
    inner = [remedy_for(value) for value in said.fields.values() if isinstance(value, Remark)]
    own = REMEDIES.get(said.kind, "").format_map(said.fields)
    return " ".join(remedy for remedy in (*inner, own) if remedy)
