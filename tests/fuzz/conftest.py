"""Sound files to damage, and how many examples are tried.

The gate runs the same few examples as long as the code is the same: hypothesis tries numbers that
it finds in the modules that are loaded. To look for new ones:

    python -m pytest tests/fuzz --hypothesis-profile=search
"""

import pytest
from hypothesis import HealthCheck, settings

from .pictures import PICTURES, sound_pictures

settings.register_profile(
    "gate",
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
settings.register_profile(
    "search", settings.get_profile("gate"), max_examples=5000, derandomize=False
)
settings.load_profile("gate")


@pytest.fixture(autouse=True)
def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read thousands of files without a process for each; `test_child_process.py` tries them."""
    monkeypatch.setattr("reggan_plugin.child_process.HERE", True)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return sound_pictures(tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="session", params=PICTURES)
def picture(request: pytest.FixtureRequest, pictures: dict[str, bytes]) -> bytes:
    """A sound picture, each kind in turn."""
    return pictures[request.param]
