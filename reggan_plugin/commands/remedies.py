"""Remedies for errors and notices, in the words of the command line, by kind.

A remedy may name the fields of what it is for: `{view}`. Packages that attach commands
bring their own.
"""

from collections.abc import Mapping

from reggan_plugin.commands.command_group_and_terminal import (
    attached_commands,
    package_of,
    words_of,
)
from reggan_plugin.errors import Remark

_SAID_BY_SENTENCE = (
    "failed usage source empty-source ambiguous-source mesh texture unreadable-frame "
    "unsupported-format output unsafe-cache signing signature "
    "unusable-answer model model-card model-hash engine model-parity device-unavailable "
    "missing-extra no-kernels attached-package too-costly note too-large unusual-landmarks "
    "picture-larger-than-memory face-on-rig face-in-no-performance gaps-in-performance "
    "foreign-page not-own-result"
)
"""Kinds whose sentence itself says all that there is to do, whatever the front end."""
REMEDIES: Mapping[str, str] = {
    **dict.fromkeys(_SAID_BY_SENTENCE.split(), ""),
    # the kinds of whole classes in errors.py
    "unknown-expression": "`reggan-plugin expressions` lists all names.",
    "unknown-action-unit": "`reggan-plugin expressions --units` lists the shapes of each.",
    "unknown-model": "`reggan-plugin models` lists what there is.",
    "stalled": "--stall-timeout waits longer.",
    "output-held": "--out names another place.",
    "output-exists": "--overwrite replaces what is there. Or name another output.",
    "face-not-found": "Say where it is with --face-box, --landmarks or --whole-image.",
    "unsigned": "Take it from the release that the file is from; --bundles names its folder.",
    "device-memory": "Take a smaller --batch.",
    # the local page
    "port-is-taken": "Name another one with --port, or leave that out.",
    # models
    "model-lacks-control": "Leave --model out, or take --model reggan, which has them.",
    "model-is-not-one-file": "`reggan-plugin export onnx` does so.",
    "unknown-device": "`reggan-plugin doctor` says which of them work here.",
    "device-cannot-load": "--device cpu tells whether the device or the file is at fault.",
    "gpu-fails": "`reggan-plugin doctor` says what is missing; --device cpu works without a GPU.",
    "no-rtx-card": "For data-centre GPUs take --device cuda or tensorrt.",
    "no-engine": "`reggan-plugin doctor` tells more; --device cuda and cpu run without an engine.",
    "no-engine-can-be-built": "If it ran out of memory, pass a smaller --batch; --device cuda and "
    "cpu run the file without an engine.",
    "engine-without-device": "If it is your own, say so: --device tensorrt.",
    "engine-to-build": "`reggan-plugin export engine MODEL.onnx --out FILE` does so.",
    "engine-too-large": "Or build with a smaller --batch.",
    "unknown-face-shape": "`reggan-plugin expressions --shapes` lists all.",
    # where the face is
    "face-in-frame": "Say where it is with --face-box or --landmarks, or pass --on-missing-face "
    "copy.",
    "face-in-no-frame": "Say where it is with --face-box, --landmarks or --whole-image.",
    "face-number": "--face names one of these, --face all takes them all.",
    "speaks": "With --add the expression is laid over the speech.",
    "faces-of-shot": "--face all changes them all, --face {others} another one.",
    "unseen-in-box": "Let --face-box reach from the brows to below the chin, or say by --landmarks "
    "where eyes, nose, mouth and chin are.",
    "other-faces": "--face all changes them all, --face {others} another one, and --face 0=happy "
    "--face 1=sad gives each its own expression.",
    "face-in-no-tracked-frame": "Give render the place with --face-box, --landmarks or "
    "--whole-image.",
    "two-places-of-face": "Keep one of --face-box, --landmarks, --tracks and --whole-image.",
    "face-not-in-tracks": "`reggan-plugin track --preview DIR` draws them; --face chooses.",
    "frame-not-in-tracks": "`reggan-plugin track --frames ... --out tracks.json` writes them.",
    "tracks-of-other-size": "`reggan-plugin track --frames ... --out tracks.json` writes them.",
    "tracks": "`reggan-plugin track --frames ... --out tracks.json` writes them.",
    "unsmoothed": "`reggan-plugin track` follows it through the whole shot; --tracks takes what it "
    "writes.",
    "part-of-tracks": "--tracks {part} with a --range of these frames renders them; the whole shot "
    "is tracked from its first frame again.",
    "locator-card": "`reggan-plugin dev export-locator` does so.",
    # files
    "mesh-reference": "--texture names a map that lies elsewhere.",
    "range-of-no-numbers": "--range names it.",
    "range-outside": "--range names it.",
    "output-of-other-format": "--out names it.",
    "layers-of-one-name": '--layers-out "FOLDER/{{expression}}" keeps those of expressions apart. '
    "Render shots one after another, into folders of their own.",
    "fps-beyond-gif": "Or give --fps up to 100.",
    "picture-for-many": "--out names it.",
    "pictures-in-folders": "--recursive looks into them.",
    "mesh-as-picture": "reggan-plugin texture {mesh} --expression ...",
    "videos-left-out": "`render` and `perform` take a video that is named itself.",
    "video-as-picture": "`reggan-plugin render {video} --expression ...` changes them all.",
    "no-such-texture": "Leave --texture out to take that.",
    "no-gpu": "`reggan-plugin doctor` says what is missing.",
    "codec-of-other-container": "--codec names it.",
    "codec-without-quality": "Leave --quality and --bitrate out, or name one by --codec.",
    "two-qualities": "Leave --quality or --bitrate out.",
    "missing-channels": "--exr-picture names it.",
    "no-such-exr-picture": "Name one of them with --exr-picture.",
    "exr-picture-has-no-name": "Leave --exr-picture out.",
    "exr-picture-of-no-exr": "Leave --exr-picture out.",
    "exr-options-of-no-exr": "Leave --exr-picture, --exr-compression and --exr-layers out; "
    "--layers-out DIR writes mask and change as files beside frames of any format.",
    "exr-layers-need-lossless": "--exr-compression zip writes the picture's part without loss.",
    "output-of-another": "--out names another place, --overwrite replaces it.",
    "changed-since": "--overwrite renders them anew.",
    "changed-and-other": "Keep it elsewhere, if it is yours; --overwrite renders it anew.",
    "compressed-twice": "--exr-compression zip keeps every bit.",
    "other-views-keep-their-face": "Render the result again with --exr-picture {other}.",
    "other-parts-like-picture": "--exr-picture names another one.",
    "colours-are-declared": "Pass --colorspace {space}.",
    "layers-of-earlier-change": "--exr-layers writes layers of this change in their place.",
    "layers-of-earlier-run": "--layers-out writes them anew; else remove them.",
    "no-layers": "--layers-out writes layers of every frame.",
    "passes-moved": "--move-layers none leaves them as they are.",
    "passes-left": "--move-layers names those that are to move.",
    "no-such-pass": "Name one of them with --move-layers.",
    "no-layer-of-shot": "`reggan-plugin render --layers-out DIR` writes it.",
    "no-such-matte-channel": "Name one of them with --matte-channel.",
    "matte-channel-of-no-exr": "Leave --matte-channel out.",
    "no-matte-of-frame": "--range leaves frames out.",
    # texture maps
    "face-on-mesh": "Say which way it looks (--front +Z), or which bone is its head (--head-bone "
    "Head).",
    "model-takes-no-rig": "Leave out --rig, --teeth and --mouth, or leave out --model.",
    "face-on-flat-map": "Say where it is with --face-box, from the brows to below the chin, or "
    "give the mesh with --mesh.",
    "no-such-head-bone": "Pass one of them as --head-bone.",
    "map-is-not-named": "--texture names the map.",
    "map-without-material": "--material names the material. Or say which way it looks "
    "(--front +Z), or which bone is its head (--head-bone Head).",
    "no-colour-map": "Pass --force if this is one.",
    "not-the-map-of-the-mesh": "--material names the material; --force takes the map as it is.",
    "no-texel-changes": "--material names the material, --texture the map, --front the way, such "
    "as +X.",
    "read-as-srgb": "If its colours look wrong, name their space with --colorspace.",
    "read-as-linear": "Else: --colorspace sRGB",
    "mesh-cannot-be-written": "Leave --out-mesh out.",
    "write-variants": "That is --mesh-as variants.",
    "meshes-of-expressions": "With --mesh-as replace each gets a mesh of its own.",
    "batch-needs-folder": "Pass --out DIR.",
    # jobs
    "out-of-memory": "--face-box says where the face is.",
    "outputs-exist": "--out names another place, --resume keeps what is finished, --overwrite "
    "replaces it.",
    "atlas-exists": "--overwrite replaces it, --atlas names another place.",
    "launcher-exists": "--overwrite replaces it, --launcher names another folder.",
    "outputs-changed": "--overwrite replaces them, --out names another place.",
    "outputs-without-record": "--overwrite replaces them, --out names another place.",
    "no-shape-in-take": "`reggan-plugin expressions --shapes` lists all.",
    "rate-of-timecodes": "--curves-rate says otherwise.",
    "take-without-time": "--curves-rate says otherwise.",
    "few-percents": "--curves-percent says that they are.",
    "take-lies-on": "--curves-fps and --curves-offset move it.",
    "take-misses-shot": "--curves-offset and --curves-fps move it.",
    "timecode-past-second": "--curves-rate says how many frames a second of the take counts.",
    # performances
    "no-landmarker": "--landmarker names it. Rendered characters need none: --reader character.",
    "landmarker": "--landmarker names it.",
    "no-neutral-frame": "--neutral auto finds one.",
    "neutral-found": "--neutral names another one.",
    "other-faces-in-performance": "--face names another one.",
    "variable-frame-rate": "`render --curves` lays them on the same times of this clip, or of "
    "another video; for a shot of pictures add --curves-fps.",
    "curve-of-no-numbers": "Give --expression and --intensity.",
    "process-ended": "Take fewer --jobs.",
    "batch-halved": "--batch {batch} asks for no more.",
    "frames-failed": "Mend what is named above; then `reggan-plugin render --resume` renders only "
    "what is missing.",
    "frames-altered": "`reggan-plugin render --resume` renders what is missing or failed, "
    "--overwrite with a --range also what is altered or has no record.",
    "frames-not-in-shot": "Add them to the shot and render it, or name by --range those that it "
    "has.",
    "video-altered": "`reggan-plugin render --overwrite` makes it again.",
    "characters-failed": "The lines above say why; --resume makes what is missing.",
}


def with_remedy(said: str) -> str:
    """Return a sentence for the terminal: what is said, and what to do about it.

    A line break in a name is shown as `\\n`; those of remedies stay.
    """
    remedy = remedy_for(said)
    said = said.replace("\n", "\\n")
    if not remedy:
        return said
    return f"{said} {remedy}" if said.endswith((".", "?")) else f"{said}. {remedy}"


def remedy_for(said: str) -> str:
    """Return the remedy for an error or a notice; empty for text that is neither."""
    if not isinstance(said, Remark):
        return ""
    inner = [remedy_for(value) for value in said.fields.values() if isinstance(value, Remark)]
    own = REMEDIES.get(said.kind)
    if own is None:  # of a package that brings commands
        packages = sorted({package_of(point) for point in attached_commands().values()})
        tables = (words_of(package).remedies for package in packages)
        own = next((table[said.kind] for table in tables if said.kind in table), "")
    return " ".join(remedy for remedy in (*inner, own.format_map(said.fields)) if remedy)
