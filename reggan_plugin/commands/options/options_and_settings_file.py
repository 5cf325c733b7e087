"""Options under headings of the help, options that a command takes as one argument, and the
settings file that gives options their defaults, `reggan-plugin.toml`:

    [render]
    model = "reggan"
    intensity = 0.8
    device = "cpu"

    [presets.ugh]
    noseSneer = 0.5

It is looked for beside what is worked on, then in the user's folder; `--config` names another. What
stands on the command line counts more. A relative path counts from the file's folder.
"""

import functools
import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from reggan_plugin.backends.devices import ENGINE_SUFFIX
from reggan_plugin.errors import UsageError
from reggan_plugin.file_safety import read_text, write_atomically
from reggan_plugin.json_and_toml import parse_toml
from reggan_plugin.limits import MOST_SETTINGS_BYTES
from reggan_plugin.models.model_card import installed_models

Command = TypeVar("Command", bound=Callable[..., Any])
AddOption = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Decorator that adds one option or several to a command."""


class FiniteRange(click.FloatRange):
    """A number in a range; click lets NaN through, which is in none."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number.", param, ctx)
        return number


class GroupedOption(click.Option):
    """An option that the help shows under a heading."""

    def __init__(
        self, *args: Any, heading: str = "Options", is_input: bool = False, **settings: Any
    ) -> None:
        """Create the option.

        Args:
            args: as click has them.
            heading: of the help.
            is_input: whether its value names a file to read, which no output may replace.
            settings: as click has them; a default is shown unless told otherwise.
        """
        if settings.get("default") is not None and not settings.get("is_flag"):
            settings.setdefault("show_default", True)
        super().__init__(*args, **settings)
        self.heading, self.is_input = heading, is_input


class GroupedCommand(click.Command):
    """A command whose help shows each heading's options together, and which takes its defaults
    from a settings file.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        option = GroupedOption(
            [CONFIG_OPTION],
            heading="Settings",
            is_input=True,
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            expose_value=False,
            metavar="FILE.toml",
            help=f"Defaults of these options.  [default: {SETTINGS_FILE} beside the input, or in "
            "your own folder for settings]",
        )
        self.params.append(option)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words, with the defaults of the settings file."""
        if not {"-h", "--help"} & set(args):
            apply_settings(ctx, self, args)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options by heading, in the order in which headings first appear."""
        sections: dict[str, list[tuple[str, str]]] = {}
        other: list[tuple[str, str]] = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if isinstance(param, click.Argument) or record is None:
                continue  # the text above tells of arguments
            if isinstance(param, GroupedOption):
                sections.setdefault(param.heading, []).append(record)
            else:
                other.append(record)
        for heading, records in {**sections, "Other": other}.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def shown_option(shown: str, *names: str, **settings: Any) -> Callable[[Command], Command]:
    """`click.option`, declared as the help shows it.

    Args:
        shown: its names and what it takes: `-o --out FILE`.
        names: the argument of the command, if that is another word.
        settings: as click has them.
    """
    words = shown.split()
    if len(words) > 1 and not words[-1].startswith("-"):
        settings["metavar"] = words.pop()
    return click.option(*words, *names, **settings)


def grouped_option(heading: str, *names: str, **settings: Any) -> Callable[[Command], Command]:
    """`shown_option` under a heading of the help."""
    return shown_option(*names, cls=GroupedOption, heading=heading, **settings)


def presets_option(use: str, heading: str = "Expression") -> AddOption:
    """Add `--presets`; `use` ends the sentence about expressions of one's own."""
    return grouped_option(
        heading,
        "--presets FILE.toml",
        is_input=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help=f"Expressions of your own{use}",
    )


output_option = functools.partial(grouped_option, "Output")
"""`grouped_option` under the heading *Output*."""


def given_files() -> list[Path]:
    """Return the files that options of the running command name for reading (see `is_input`),
    and the one of settings.
    """
    context = click.get_current_context()
    values = [context.meta.get(SETTINGS_META)]
    for parameter in context.command.params:
        if isinstance(parameter, GroupedOption) and parameter.is_input:
            value = context.params.get(str(parameter.name))
            values += value if parameter.multiple and value else [value]
    paths = [Path(one) for one in values if isinstance(one, str | Path)]
    return [path for path in paths if path.is_file()]


def together(*options: AddOption) -> AddOption:
    """Add options, in the order of the help, as one."""

    def add_options(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add_options


def options_as(
    name: str | tuple[str, ...], collect: Callable[..., Any], *options: AddOption
) -> AddOption:
    """Add options whose values a command takes as one argument.

    Args:
        name: of that argument; several for the parts of a tuple.
        collect: makes it of the values of the options, which its parameters are named as.
        options: in the order of the help.
    """
    taken = tuple(inspect.signature(collect).parameters)

    def add_options(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_one_argument(**values: Any) -> Any:
            own = {key: values.pop(key) for key in taken}
            made = collect(**own)
            taken_as = {name: made} if isinstance(name, str) else zip(name, made, strict=True)
            return command(**dict(taken_as), **values)

        return together(*options)(with_one_argument)

    return add_options


SETTINGS_FILE = "reggan-plugin.toml"
CONFIG_OPTION = "--config"
SETTINGS_META = "reggan_plugin.settings"
"""Key of a context's `meta` for the file that was read."""
_PRESETS, _PRESETS_OPTION = "presets", "presets"
_CHARACTERS = "character"
_EXPRESSIONS = {"expression", "each"}
"""Options that name expressions: one on the command line replaces both of a settings file."""
_OF_PROVENANCE = ("stamp", "sign", "key")
_HIDING = ("dry-run", "quiet", "quick", "allow-gaps")
_OF_RESULTS = ("resume", "rehash")
"""Options by which a plain command replaces results."""
_OF_MODELS = ("landmarker",)
"""A model's file, of MediaPipe."""
_OF_ENGINES = "tensorrt"
"""The device on which an engine, native code, may run where a command names it."""
_MAY_NAME_FILES = {"each": ("basic", "all"), "matte": ()}
"""Options that take a file's name as text, and their words that are none."""
_COMMAND_LINE_ALONE = ("frames", "overwrite", "config")


def apply_settings(context: click.Context, command: click.Command, args: Sequence[str]) -> None:
    """Let the file's table of a command be the defaults of its options.

    Raises:
        UsageError: the file cannot be read, or names what the command does not have.
    """
    named = _named(args)
    path = named or _found(args)
    if path is None:
        return
    context.meta[SETTINGS_META] = path
    document = settings_of(path)
    _refuse_misspelt(path, document, context)
    table = dict(document.get(command.name or "", {}))
    names = {
        name.removeprefix("--"): parameter
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in parameter.opts
        if name.startswith("--")  # one name for each, which what follows looks for
    }
    unknown = sorted(set(table) - set(names))
    if unknown:
        raise UsageError(
            f"{path}: [{command.name}] has {unknown[0]}, which is no option of this command; "
            f"`reggan-plugin {command.name} --help` lists them. Correct the name."
        )
    _refuse_unsafe(path, table, names)
    if named is None and not is_own_settings(path):
        _refuse_of_strangers(path, table, names, is_check=command.name == "report")
    if _EXPRESSIONS & set(table):
        given, _, _ = command.make_parser(context).parse_args(list(args))
        if {str(names[one].name) for one in _EXPRESSIONS & set(names)} & set(given):
            table = {key: value for key, value in table.items() if key not in _EXPRESSIONS}
    defaults: dict[str, Any] = {
        str(names[key].name): _value(key, names[key], table[key], path.parent) for key in table
    }
    if _PRESETS in document and _PRESETS_OPTION in names:
        defaults.setdefault(_PRESETS_OPTION, str(path))
    context.default_map = {**(context.default_map or {}), **defaults}
    if defaults:
        click.echo(f"Settings of {path}", err=True)


def _refuse_misspelt(path: Path, tables: Iterable[str], context: click.Context) -> None:
    """Tell of tables that nothing reads, as those of a command that is not installed here.

    Raises:
        UsageError: the name of one is nearly that of a table that counts.
    """
    group = context.parent
    commands = group.command if group is not None else None
    if group is None or not isinstance(commands, click.Group):
        return
    known = (*commands.list_commands(group), _PRESETS, _CHARACTERS)
    for name in tables:
        if name in known:
            continue
        from difflib import get_close_matches  # few mistype

        near = get_close_matches(name, known, 1)
        if near:
            raise UsageError(f"{path}: nothing reads [{name}]. Did you mean [{near[0]}]?")
        click.echo(f"Note: {path}: nothing reads [{name}].", err=True)


def _refuse_unsafe(path: Path, table: Mapping[str, Any], names: Mapping[str, click.Option]) -> None:
    """Refuse what a file that came with somebody else's pictures must not decide.

    Raises:
        UsageError: it would replace or place files, or run native code.
    """
    unsafe = [
        name
        for name in table
        if name in _COMMAND_LINE_ALONE
        or (isinstance(names[name].type, click.Path) and not _names_input(names[name]))
    ]
    if str(table.get("model", "")).endswith(ENGINE_SUFFIX):
        unsafe.append("an engine as model")
    if unsafe:
        raise UsageError(
            f"{path} says {unsafe[0]}, which only the command line may. Take it out of the file."
        )


def _refuse_of_strangers(
    path: Path, table: Mapping[str, Any], names: Mapping[str, click.Option], *, is_check: bool
) -> None:
    """Refuse what a file beside pictures must not decide unless the command line names it.

    Raises:
        UsageError: it would leave out or set the marks of provenance, hide what is done, replace
            results, check a part alone, open a model's file or any file outside its own folder, or
            let engines run.
    """
    never = (*_OF_PROVENANCE, *_HIDING, *_OF_MODELS, *_OF_RESULTS)
    unsafe = [name for name in table if name in never]
    if is_check and "range" in table:
        unsafe.append("range")
    model = table.get("model")
    if model is not None and str(model) not in installed_models():
        unsafe.append("a model that is a file")
    if "device" in table and str(table["device"]).strip().lower().startswith(_OF_ENGINES):
        unsafe.append("that engines run")
    folder = path.parent.resolve()
    for name in set(table) - {"model"}:
        for one in table[name] if isinstance(table[name], list) else [table[name]]:
            place = _file_beside(names[name], one, folder)
            is_free = not _may_name_file(names[name], one)
            if not is_free and (place is None or not place.resolve().is_relative_to(folder)):
                unsafe.append(f"{name} of another folder")
    if unsafe:
        raise UsageError(
            f"{path} says {unsafe[0]}, which a file beside the pictures may not. Take it out, or "
            f"name the file: {CONFIG_OPTION} {path}."
        )


def _may_name_file(option: click.Option, value: Any) -> bool:
    words = _MAY_NAME_FILES.get(str(option.name), () if _names_input(option) else None)
    return words is not None and str(value) not in words


def _file_beside(option: click.Option, value: Any, folder: Path) -> Path | None:
    """Return the file, or the folder or pattern of mattes, that a value names in this folder."""
    place = folder / str(value)
    is_there = place.is_file()
    if option.name == "matte":
        is_there = _exists(place) or (bool(set(place.name) & set("#%*")) and place.parent.is_dir())
    return place if is_there and _may_name_file(option, value) else None


def _names_input(option: click.Option) -> bool:
    return bool(getattr(option, "is_input", False))


def _value(key: str, option: click.Option, value: Any, folder: Path) -> Any:
    """Return a value as a command line has it: text, true or false, or a list for a repeated
    option.
    """
    if isinstance(value, bool):
        if not option.is_flag:
            raise UsageError(
                f"{key} is {str(value).lower()} in a settings file of {folder}, but it is "
                "no switch. Give it a value."
            )
        return value
    if option.multiple:
        return [
            _text(option, one, folder) for one in (value if isinstance(value, list) else [value])
        ]
    return _text(option, value, folder)


def _text(option: click.Option, value: Any, folder: Path) -> str:
    """Return a value as text; of a file that lies in the folder of the settings, its path."""
    return str(_file_beside(option, value, folder) or value)


def _named(args: Sequence[str]) -> Path | None:
    for place, word in enumerate(args):
        if word == CONFIG_OPTION and place + 1 < len(args):
            return Path(args[place + 1])
        if word.startswith(f"{CONFIG_OPTION}="):
            return Path(word.partition("=")[2])
    return None


def _found(args: Sequence[str]) -> Path | None:
    """Return the file beside what the words of a command line name, or in the user's folder; one
    there that may not be read counts as none.
    """
    places = [Path(word) for word in args if word and not word.startswith("-")]
    there = [place for place in places if _exists(place) or set(place.name) & set("#%*")]
    folders = [place if _exists(place) and place.is_dir() else place.parent for place in there]
    beside = (folder / SETTINGS_FILE for folder in folders)
    found = next((path for path in beside if _exists(path) and path.is_file()), None)
    if found is not None:
        return found
    path = _own_folder() / SETTINGS_FILE
    try:
        if not path.is_file():
            return None
        path.open("rb").close()
    except OSError as error:
        click.echo(
            f"Note: {path} is not read: {error.strerror}. Your own settings do not count.", err=True
        )
        return None
    return path


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except OSError:  # longer than any name, as a box of many digits; in a folder one may not enter
        return False


def _own_folder() -> Path:
    """Return the user's folder for settings, which nobody else writes to."""
    return Path(click.get_app_dir("reggan-plugin"))


def is_own_settings(path: Path) -> bool:
    """Tell whether a settings file lies in the user's own folder."""
    return path.parent.resolve() == _own_folder().resolve()


def settings_in_use() -> Path:
    """Return the file whose settings count for the running command; if none does, the user's own,
    which need not exist.
    """
    found = click.get_current_context().meta.get(SETTINGS_META)
    return found if isinstance(found, Path) else _own_folder() / SETTINGS_FILE


def keep_character(path: Path, name: str, own: str) -> Path:
    """Write `own`, the lines of `[character.NAME]`, into a settings file, in place of those that
    are there; all other lines and all comments stay as they are. Returns the file.

    Raises:
        UsageError: the file is a link, cannot be read, or has this character in another way of
            TOML.
        OutputError: it cannot be written.
    """
    if path.is_symlink():
        raise UsageError(
            f"{path} is a link, which is not replaced. Name the file that it leads to, or write it "
            f"by hand:\n{own}"
        )
    there = read_text(path, MOST_SETTINGS_BYTES) if path.exists() else ""
    section = re.compile(rf"(?ms)^\[character\.{re.escape(name)}\].*?(?=^\s*\[|\Z)")
    if section.search(there):
        text = section.sub(lambda found: _with_comments(found.group(), own), there)
    else:
        text = there.rstrip("\n") + ("\n\n" if there.strip() else "") + own
    try:
        tables = [parse_toml(one)[_CHARACTERS][name] for one in (text, own)]
        is_so = tables[0] == tables[1]
    except (LookupError, TypeError, ValueError, RecursionError):
        is_so = False
    if not is_so:
        raise UsageError(
            f"{path} does not take [character.{name}]: it is damaged, or names this character in "
            f"another way. Write it by hand:\n{own}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode())
    return path


def _with_comments(before: str, own: str) -> str:
    """Return the lines of a table where another one's stand, whose comments stay.

    Args:
        before: the table as it is in the file, from its name on.
        own: the same as it is to be; each value has a line.
    """
    _, *lines = own.splitlines()
    new = {line.partition("=")[0].strip(): line for line in lines}
    head, *old = before.splitlines()
    kept, place = [head], 1
    for line in old:
        word = line.partition("#")[0]
        key = word.partition("=")[0].strip()
        if not word.strip():
            kept.append(line)
        elif key in new:
            kept.append(f"{new.pop(key)}{line[len(word.rstrip()) :]}")
            place = len(kept)
        elif "#" in line:
            kept.append(line[len(word) :])
    kept[place:place] = new.values()
    return "\n".join(kept) + "\n"


def settings_of(path: Path) -> dict[str, Any]:
    """Read the tables of a settings file.

    Raises:
        UsageError: it cannot be read, or something stands in no table.
    """
    try:
        document = parse_toml(read_text(path, MOST_SETTINGS_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        cause = getattr(error, "strerror", None) or error
        raise UsageError(f"{path} cannot be read as settings: {cause}. Correct it.") from error
    for name, table in document.items():
        if not isinstance(table, dict):
            raise UsageError(f"{path}: {name} stands in no table; expected [render] and the like.")
    return document
