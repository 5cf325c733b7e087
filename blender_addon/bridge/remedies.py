"""The runtime's advice in the words of the panels: it names options of a command line."""

_WORDS = {
    "--face-box, --landmarks or --whole-image": "Head from Rig",
    "--face-box or --landmarks, or pass --on-missing-face copy": "Head from Rig",
    "give --face-box so": "use Head from Rig so",
    "Say which way it looks (--front +Z) or which bone is its head (--head-bone Head)": (
        "Say which way it looks (Front), or which bone is its head (Head and Bone under Head from "
        "Rig)"
    ),
    "Pass one of them as --head-bone": "Choose one of them as Bone under Head from Rig",
    "pass --force": "switch Take Any Image on",
    "--texture": "the field Image",
    "--material": "the field Material",
    "--resume": "Existing: Keep finished",
    "--overwrite": "Existing: Replace",
    "--out": "the field Output",
    "--intensity-curve": "an animated Intensity",
    "--intensity": "the field Intensity",
    "--expression": "the field Expression",
    "--tracks": "Head from Rig",
    "--range": "the frame range",
    "--face": "the field Face",
    "--model": "the field Model",
    "--device": "the device in the add-on's preferences",
}
"""The longer phrase before any that it begins with."""


def in_panel_words(message: str) -> str:
    """A message of the runtime with the panels' names in place of options that they have."""
    for option, words in _WORDS.items():
        message = message.replace(option, words)
    return message
