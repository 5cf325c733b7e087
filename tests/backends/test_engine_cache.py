"""What is in the cache is run only if it is whole and was built for exactly this; else rebuilt."""

import errno
import json
import multiprocessing
import os
import stat
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import filelock
import pytest

from reggan_plugin.backends.devices import EngineOptions
from reggan_plugin.backends.engine_cache import (
    CACHE_VARIABLE,
    EngineFile,
    EngineKey,
    cache_folder,
    fetch_engine,
    find_engine,
    read_engine,
    sidecar_of,
    write_engine,
)
from reggan_plugin.errors import EngineError, OutputError, UnsafeCacheError, UsageError

KEY = EngineKey(
    model_sha256="ab" * 32,
    tensorrt="11.4.0.106",
    system="linux-x86_64",
    gpu="NVIDIA Fake",
    compute_capability="9.0",
    precision="fp32",
    options=EngineOptions(),
)
OTHER = {
    "model_sha256": "cd" * 32,
    "tensorrt": "11.4.0.107",
    "system": "windows-amd64",
    "gpu": "NVIDIA H200",
    "compute_capability": "8.9",
    "precision": "fp16",
    "options": EngineOptions(batch=(1, 4, 8)),
}
Build = Callable[[Path], EngineFile]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of engines in a cache of this test's own."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache" / "engines"


def builder(plan: bytes, key: EngineKey = KEY) -> Build:
    """Writes `plan`; `calls` counts how often."""

    def build(path: Path) -> EngineFile:
        return write_engine(path, plan, key=key, metadata={"card": "{}"}, driver="13.0")

    return build


def must_not_build(path: Path) -> EngineFile:
    raise AssertionError(f"{path} is built although it is there")


def test_an_engine_is_built_once_and_read_back_as_it_was(cache: Path) -> None:
    built = fetch_engine(KEY, "reggan", builder(b"plan"))
    again = fetch_engine(KEY, "reggan", must_not_build)
    assert again == built
    assert (again.plan, again.metadata) == (b"plan", {"card": "{}"})
    assert again.path.name == KEY.file_name("reggan")


def test_the_sidecar_says_what_it_was_built_from(cache: Path) -> None:
    built = fetch_engine(KEY, "reggan", builder(b"plan"))
    document = json.loads(sidecar_of(built.path).read_text())
    assert document["key"]["gpu"] == "NVIDIA Fake"
    assert document["key"]["options"]["batch"] == [1, 1, 16]
    assert document["driver"] == "13.0"
    assert document["plan_bytes"] == 4


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    path.write_bytes(b"x" + path.read_bytes()[1:])


def change_sidecar(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        document = json.loads(sidecar_of(path).read_text())
        change(document)
        sidecar_of(path).write_text(json.dumps(document))

    return damage


DAMAGES = {
    "truncated plan": truncate,
    "flipped bit": flip,
    "empty plan": lambda path: path.write_bytes(b""),
    "no plan": lambda path: path.unlink(),
    "no side-car": lambda path: sidecar_of(path).unlink(),
    "truncated side-car": lambda path: truncate(sidecar_of(path)),
    "side-car that is a list": lambda path: sidecar_of(path).write_text("[]"),
    "side-car that is no text": lambda path: sidecar_of(path).write_bytes(b"\xff\xfe"),
    "other schema": change_sidecar(lambda document: document.update(schema=2)),
    "no metadata": change_sidecar(lambda document: document.pop("metadata")),
    "stale": change_sidecar(lambda document: document["key"].update(tensorrt="10.16.1.11")),  # type: ignore[attr-defined]
    "foreign": change_sidecar(lambda document: document["key"].update(gpu="NVIDIA H200")),  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_what_is_not_whole_or_not_ours_is_built_again(
    cache: Path, damage: Callable[[Path], None]
) -> None:
    path = fetch_engine(KEY, "reggan", builder(b"first")).path
    damage(path)
    assert find_engine(KEY, "reggan") is None
    assert fetch_engine(KEY, "reggan", builder(b"second")).plan == b"second"
    assert fetch_engine(KEY, "reggan", must_not_build).plan == b"second"


def test_an_engine_that_was_renamed_to_another_key_is_not_taken(cache: Path) -> None:
    other = replace(KEY, tensorrt="10.16.1.11")
    built = fetch_engine(other, "reggan", builder(b"old", other))
    target = cache / KEY.file_name("reggan")
    built.path.rename(target)
    sidecar_of(built.path).rename(sidecar_of(target))
    with pytest.raises(EngineError, match=r"tensorrt is '10.16.1.11' instead of '11.4.0.106'"):
        read_engine(target, KEY)
    assert find_engine(KEY, "reggan") is None


def test_an_engine_that_tensorrt_refused_is_replaced(cache: Path) -> None:
    refused = fetch_engine(KEY, "reggan", builder(b"first"))
    assert fetch_engine(KEY, "reggan", builder(b"second"), refused=refused).plan == b"second"
    # A process that was refused the first one takes what another has built since.
    assert fetch_engine(KEY, "reggan", must_not_build, refused=refused).plan == b"second"


def build_slowly(folder: Path, begun: Path, results: "multiprocessing.Queue[bytes]") -> None:
    def build(path: Path) -> EngineFile:
        with begun.open("a") as stream:
            stream.write("built\n")
        time.sleep(0.3)
        return builder(b"plan")(path)

    os.environ[CACHE_VARIABLE] = str(folder)
    results.put(fetch_engine(KEY, "reggan", build).plan)


def test_of_several_processes_at_once_one_builds(cache: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results, begun = context.Queue(), tmp_path / "begun"
    arguments = (cache.parent, begun, results)
    workers = [context.Process(target=build_slowly, args=arguments) for _ in range(3)]
    for worker in workers:
        worker.start()
    plans = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert plans == [b"plan"] * 3
    assert begun.read_text() == "built\n"


def test_a_builder_that_fails_leaves_the_next_one_free_to_build(cache: Path) -> None:
    def fail(path: Path) -> EngineFile:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_engine(KEY, "reggan", fail)
    assert fetch_engine(KEY, "reggan", builder(b"plan")).plan == b"plan"


def test_a_read_only_cache_serves_what_it_has_and_says_what_to_do_about_the_rest(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch_engine(KEY, "reggan", builder(b"plan"))

    def refuse(*args: object, **settings: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    assert fetch_engine(KEY, "reggan", must_not_build).plan == b"plan"
    with pytest.raises(OutputError, match=r"cannot be written.*Set REGGAN_PLUGIN_CACHE to"):
        fetch_engine(replace(KEY, gpu="NVIDIA H200"), "reggan", must_not_build)


def test_a_cache_where_no_folder_can_be_is_refused_before_anything_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    with pytest.raises(OutputError, match="Set REGGAN_PLUGIN_CACHE"):
        fetch_engine(KEY, "reggan", must_not_build)


POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows protects the user's profile")


@POSIX
def test_a_folder_that_is_made_is_the_owner_s_alone(cache: Path) -> None:
    before = os.umask(0)
    try:
        fetch_engine(KEY, "reggan", builder(b"plan"))
    finally:
        os.umask(before)
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert stat.S_IMODE(cache.parent.stat().st_mode) == 0o700


@POSIX
def test_an_own_folder_that_others_could_enter_is_closed(cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    cache.chmod(0o777)
    fetch_engine(KEY, "reggan", builder(b"plan"))
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


@POSIX
@pytest.mark.parametrize("part", ["folder", "plan", "side-car"])
def test_what_others_could_have_written_is_not_run(cache: Path, part: str) -> None:
    path = fetch_engine(KEY, "reggan", builder(b"first")).path
    place = {"folder": cache, "plan": path, "side-car": sidecar_of(path)}[part]
    place.chmod(0o777)
    assert find_engine(KEY, "reggan") is None
    assert find_engine(KEY, "reggan", exactly=False) is None


@POSIX
@pytest.mark.parametrize(
    ("owner", "mode", "is_safe"),
    [("self", 0o700, True), ("root", 0o755, True), ("other", 0o700, False), ("root", 0o775, False)],
)
def test_whose_folder_it_is_decides(
    cache: Path, monkeypatch: pytest.MonkeyPatch, owner: str, mode: int, is_safe: bool
) -> None:
    """As if this user were number 1234, and the folder another's."""
    fetch_engine(KEY, "reggan", builder(b"plan"))
    ids = {"self": 1234, "root": 0, "other": 4321}
    stat_of = Path.stat

    def owned(path: Path, **options: bool) -> os.stat_result:
        found = list(stat_of(path, **options))
        found[stat.ST_UID] = ids[owner]
        found[stat.ST_MODE] = found[stat.ST_MODE] & ~0o777 | mode
        return os.stat_result(found)

    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    monkeypatch.setattr(Path, "stat", owned)
    assert (find_engine(KEY, "reggan") is not None) is is_safe
    if not is_safe:
        with pytest.raises(UnsafeCacheError, match=r"others could replace.*Delete it, or set REGG"):
            fetch_engine(KEY, "reggan", must_not_build)


def test_nothing_but_engines_sidecars_and_locks_is_left(cache: Path) -> None:
    fetch_engine(KEY, "reggan", builder(b"plan"))
    name = KEY.file_name("reggan")
    left = {path.name for path in cache.iterdir()} - {f"{name}.lock"}
    assert left == {name, f"{name}.json"}


def test_the_cache_is_where_the_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGGAN_PLUGIN_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("REGGAN_PLUGIN_CACHE")
    assert "reggan-plugin" in cache_folder().parts


@pytest.mark.parametrize("field", OTHER)
def test_whatever_differs_makes_another_key(cache: Path, field: str) -> None:
    other = replace(KEY, **{field: OTHER[field]})
    assert other.file_name("reggan") != KEY.file_name("reggan")
    path = fetch_engine(KEY, "reggan", builder(b"plan")).path
    with pytest.raises(EngineError, match=f"its {field} is"):
        read_engine(path, other)


@pytest.mark.parametrize(
    ("change", "serves"),
    [
        ({"options": EngineOptions(batch=(1, 4, 16))}, True),
        ({"options": EngineOptions(batch=(8, 8, 8))}, False),
        ({"options": EngineOptions(batch=(2, 4, 16))}, False),
        ({"gpu": "Ampere or newer", "compute_capability": ""}, True),
        *[({name: OTHER[name]}, False) for name in ("model_sha256", "tensorrt", "system", "gpu")],
    ],
)
def test_an_engine_for_other_batches_or_all_gpus_serves(
    cache: Path, change: dict[str, object], serves: bool
) -> None:
    other = replace(KEY, **change)
    made = fetch_engine(other, "reggan", builder(b"other", other))
    assert find_engine(KEY, "reggan", exactly=False) == (made if serves else None)
    own = fetch_engine(KEY, "reggan", builder(b"own"))
    assert find_engine(KEY, "reggan", exactly=False) == own  # what was asked for comes first


def test_open_axes_take_the_ranges_and_fixed_ones_stay() -> None:
    options = EngineOptions(batch=(1, 4, 16), sides_px=(64, 128, 256))
    assert [shape[0] for shape in options.shapes((-1, 3, 256, 256))] == [1, 4, 16]
    assert options.shapes((1, 1, -1, -1))[2] == (1, 1, 256, 256)


@pytest.mark.parametrize("batch", [(0, 1, 2), (2, 1, 4), (1, 8, 4), (1, 1, 65)])
def test_a_batch_that_does_not_rise_is_refused(batch: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError, match=r"smallest,best,largest.*such as 1,4,16"):
        EngineOptions(batch=batch)
