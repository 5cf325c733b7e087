"""Items are read, processed and written at the same time, in order, in bounded memory."""

import threading
from collections.abc import Sequence

import pytest

from reggan_plugin.jobs.frames_in_flight import most_in_flight, run_overlapped


class LiveCount:
    """Counts the pictures that exist at the same time."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self._lock = threading.Lock()

    def picture(self) -> "Picture":
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        return Picture(self)

    def drop(self) -> None:
        with self._lock:
            self.now -= 1


class Picture:
    def __init__(self, count: LiveCount) -> None:
        self._count = count

    def __del__(self) -> None:
        self._count.drop()


@pytest.mark.parametrize("together", [1, 4])
@pytest.mark.parametrize("room", [11, 6, 4, 3, 2, 1, 0])
def test_pictures_in_memory_are_bounded_whatever_their_number(room: int, together: int) -> None:
    count = LiveCount()
    most = min(room + 1, most_in_flight(together))
    results = run_overlapped(
        range(60),
        read=lambda item: count.picture(),
        process=lambda pairs: [picture for _, picture in pairs],
        write=lambda item, picture: item,
        room_beside=lambda picture: room,
        stopped=lambda: False,
        together=together,
    )
    assert list(results) == list(range(60))
    assert count.most <= most
    assert count.now == 0


def test_neighbours_are_read_and_written_while_a_frame_is_processed() -> None:
    """Each step waits for the step of its neighbour to begin: in sequence, it would time out."""
    reading, processing = ([threading.Event() for _ in range(4)] for _ in range(2))
    overlapped: list[bool] = []

    def read(item: int) -> int:
        reading[item].set()
        return item

    def process(pairs: Sequence[tuple[int, int]]) -> list[int]:
        ((item, content),) = pairs
        processing[item].set()
        overlapped.append(item == 3 or reading[item + 1].wait(5))
        return [content]

    def write(item: int, content: int) -> int:
        overlapped.append(item == 3 or processing[item + 1].wait(5))
        return item

    results = run_overlapped(
        range(4),
        read=read,
        process=process,
        write=write,
        room_beside=lambda content: 4,
        stopped=lambda: False,
    )
    assert list(results) == [0, 1, 2, 3]
    assert overlapped == [True] * 8


def test_a_stop_finishes_the_frame_in_hand() -> None:
    processed: list[int] = []

    def process(pairs: Sequence[tuple[int, int]]) -> list[int]:
        processed.extend(item for item, _ in pairs)
        return [content for _, content in pairs]

    results = run_overlapped(
        range(100),
        read=lambda item: item,
        process=process,
        write=lambda item, content: item,
        room_beside=lambda content: 4,
        stopped=lambda: len(processed) == 3,
    )
    assert list(results) == [0, 1, 2]


@pytest.mark.parametrize(("room", "sizes"), [(100, [4, 4, 3]), (4, [2] * 5 + [1]), (0, [1] * 11)])
def test_items_are_processed_together_as_far_as_there_is_room(room: int, sizes: list[int]) -> None:
    batches: list[int] = []

    def process(pairs: Sequence[tuple[int, int]]) -> list[int]:
        batches.append(len(pairs))
        return [content for _, content in pairs]

    results = run_overlapped(
        range(11),
        read=lambda item: item,
        process=process,
        write=lambda item, content: item,
        room_beside=lambda content: room,
        stopped=lambda: False,
        together=4,
    )
    assert list(results) == list(range(11))
    assert batches == sizes
