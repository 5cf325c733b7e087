"""`reggan-plugin export`: one file per subcommand, loaded when it is invoked."""

import click

from reggan_plugin.commands.command_group_and_terminal import LazyCommand, LazyGroup

_COMMANDS = {
    "onnx": LazyCommand(
        "reggan_export.commands.export_model:onnx",
        "Turn a run of train into an ONNX file.",
        extra="export",
    ),
    "landmarks": LazyCommand(
        "reggan_export.commands.export_model:landmarks",
        "Turn a run of train-landmarks into a model file.",
        extra="export",
    ),
    "int8": LazyCommand(
        "reggan_export.commands.export_model:int8",
        "Make an ONNX file of 8 bits, for the CPU.",
        extra="export",
    ),
    "engine": LazyCommand(
        "reggan_export.commands.export_model:engine",
        "Build a TensorRT engine from an ONNX file.",
        extra="export,tensorrt",
    ),
    "verify": LazyCommand(
        "reggan_export.commands.export_model:verify",
        "Compare a file with its source on every device.",
        extra="export",
    ),
}


@click.group(
    cls=LazyGroup,
    commands_by_name=_COMMANDS,
    epilog="\b\nExample:\n  reggan-plugin export onnx runs/first --out my-avatar.onnx",
)
def export() -> None:
    """Turn trained weights into model files, and check them."""
