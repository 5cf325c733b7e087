"""`reggan-plugin export`: one file per subcommand, loaded when it is invoked."""

import click

from reggan_plugin.commands.lazy_group import LazyCommand, LazyGroup

_COMMANDS = {
    "onnx": LazyCommand(
        "reggan_export.commands.export_onnx:onnx",
        "Turn a training run into an ONNX file.",
        extra="export",
    ),
    "landmarks": LazyCommand(
        "reggan_export.commands.export_landmarks:landmarks",
        "Turn trained landmarks into the file of a rig.",
        extra="export",
    ),
    "int8": LazyCommand(
        "reggan_export.commands.export_int8:int8",
        "Quantise an ONNX file for the CPU.",
        extra="export",
    ),
    "engine": LazyCommand(
        "reggan_export.commands.export_engine:engine",
        "Build a TensorRT engine from an ONNX file.",
        extra="export,tensorrt",
    ),
    "verify": LazyCommand(
        "reggan_export.commands.verify:verify",
        "Prove that a file says the same on every device.",
        extra="export",
    ),
}


@click.group(
    cls=LazyGroup,
    commands_by_name=_COMMANDS,
    epilog="\b\nExample:\n  reggan-plugin export onnx runs/first --out my-avatar.onnx",
)
def export() -> None:
    """Compile trained weights into model files, and verify them."""
