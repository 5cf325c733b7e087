"""Items are read, processed and written at the same time, in order, in bounded memory."""

import threading

import pytest

from reggan_plugin.jobs.overlap import MOST_IN_FLIGHT, run_overlapped


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


@pytest.mark.parametrize(("room", "most"), [(4, MOST_IN_FLIGHT), (2, 3), (1, 2), (0, 1)])
def test_pictures_in_memory_are_bounded_whatever_their_number(room: int, most: int) -> None:
    count = LiveCount()
    results = run_overlapped(
        range(60),
        read=lambda item: count.picture(),
        process=lambda item, picture: picture,
        write=lambda item, picture: item,
        room_beside=lambda picture: room,
        stopped=lambda: False,
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

    def process(item: int, content: int) -> int:
        processing[item].set()
        overlapped.append(item == 3 or reading[item + 1].wait(5))
        return content

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
    results = run_overlapped(
        range(100),
        read=lambda item: item,
        process=lambda item, content: processed.append(item),
        write=lambda item, content: item,
        room_beside=lambda content: 4,
        stopped=lambda: len(processed) == 3,
    )
    assert list(results) == [0, 1, 2]
