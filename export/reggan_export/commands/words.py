"""What `reggan-plugin` says of the commands of this package; imports nothing."""

HELP = {
    "export": "Turn a training run into a model file.",
    "export-locator": "Turn the locator's runs into model files.",
}
WORKSHOP = ("export-locator",)
"""Commands of `reggan-plugin dev`."""
REMEDIES = {
    "engine-of-other-precision": "reggan-plugin export onnx {model} --precision {wanted} --out "
    "{name}-{wanted}.onnx",
    "engine-is-not-kept": "--device cuda and cpu run the file without an engine.",
    "locator-run": "`reggan-plugin dev train-locator --stage {name}` writes it.",
    "other-side": "Or leave --size out.",
}
"""As in `reggan_plugin/commands/remedies.py`."""
