"""`reggan-plugin doctor`: what is installed, what works, what to install for more."""

from collections.abc import Iterator

import click

from reggan_plugin.commands.terminal import verbose_option
from reggan_plugin.diagnosis import DISTRIBUTION, Device, Diagnosis, Package, diagnose
from reggan_plugin.errors import RegganError
from reggan_plugin.json_and_toml import json_text


@click.command(epilog="\b\nExample:\n  reggan-plugin doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@verbose_option
def doctor(*, as_json: bool) -> None:
    """Say what is installed, and which devices really load the default model.

    The exit code is 1 if something keeps reggan-plugin from working.
    """
    diagnosis = diagnose()
    if as_json:
        click.echo(json_text(diagnosis.document(), indent=2))
    else:
        click.echo("\n".join(_lines(diagnosis)))
    if diagnosis.problems:
        raise RegganError(" ".join(diagnosis.problems))


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    yield f"Python {diagnosis.python} ({diagnosis.executable})"
    yield diagnosis.system
    yield "\nPackages"
    yield from (_package_line(package) for package in diagnosis.packages)
    yield f"\nONNX Runtime providers: {', '.join(diagnosis.providers) or 'none'}"
    yield "\nDevices, tried with the default model"
    yield from (_device_line(device) for device in diagnosis.devices)
    yield f"  auto takes {diagnosis.auto or 'none'}"
    if diagnosis.problems:
        yield "\nProblems"
        yield from (f"  {problem}" for problem in diagnosis.problems)


def _package_line(package: Package) -> str:
    if package.version is not None:
        return f"  {package.name} {package.version}"
    wanted = f"[{package.extras[-1]}]" if package.extras else ""
    return f'  {package.name} is not installed: pip install "{DISTRIBUTION}{wanted}"'


def _device_line(device: Device) -> str:
    if device.loads:
        return f"  {device.name}: works"
    remedy = f" {device.remedy}" if device.remedy else ""
    return f"  {device.name}: {device.message}{remedy}"
