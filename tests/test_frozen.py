"""What `frozen` makes of a class is what a frozen dataclass is."""

import pickle
from dataclasses import FrozenInstanceError, asdict, dataclass, field, is_dataclass, replace

import pytest

from reggan_plugin.frozen import frozen


@frozen
class Frame:
    number: int
    name: str = "shot"
    tags: list[str] = field(default_factory=list)
    seconds: float = field(default=0.0, compare=False, repr=False)


@frozen(eq=False)
class Pixels:
    values: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(sorted(self.values)))


@frozen(kw_only=False)
class Place:
    x: int
    y: int = 0


@frozen
class NumberedPlace(Place):
    number: int

    def __repr__(self) -> str:
        return f"#{self.number}"


def test_it_is_shown_and_compared_as_a_dataclass_is() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Usual:
        number: int
        name: str = "shot"

    assert repr(Frame(number=3)) == "Frame(number=3, name='shot', tags=[])"
    assert repr(Usual(number=3)).endswith("Usual(number=3, name='shot')")
    assert Frame(number=3, seconds=1.0) == Frame(number=3, seconds=2.0)
    assert Frame(number=3) != Frame(number=4)
    assert Place(1) != (1, 0)
    assert Place(1) != NumberedPlace(1, number=1)
    assert len({Place(1), Place(1, 0), Place(2)}) == 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(Frame(number=3))
    assert Pixels(values=(1,)) != Pixels(values=(1,))
    assert len({Pixels(values=(1,)), Pixels(values=(1,))}) == 2


def test_nothing_of_it_changes() -> None:
    frame = Frame(number=3)
    for name in ("number", "other"):
        with pytest.raises(FrozenInstanceError, match=name):
            setattr(frame, name, 4)
    with pytest.raises(FrozenInstanceError, match="number"):
        del frame.number
    assert frame == Frame(number=3)


def test_the_rest_of_dataclasses_takes_it() -> None:
    assert is_dataclass(Frame)
    assert replace(Frame(number=3), name="other") == Frame(number=3, name="other")
    assert asdict(Place(1, 2)) == {"x": 1, "y": 2}
    assert Pixels(values=(3, 1)).values == (1, 3)
    assert repr(NumberedPlace(1, number=7)) == "#7"
    assert pickle.loads(pickle.dumps(Frame(number=3, tags=["a"]))) == Frame(number=3, tags=["a"])
    with pytest.raises(TypeError, match="number"):
        Frame()
