"""Read, process and write a stream of items at the same time, in bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Generic, TypeVar

from reggan_plugin.frozen import frozen

Item = TypeVar("Item")
Read = TypeVar("Read")
Processed = TypeVar("Processed")
Written = TypeVar("Written")

_LEAST_READ_AHEAD, _LEAST_WRITING = 2, 2
_WRITERS = 2


def most_in_flight(together: int) -> int:
    """Items that may exist at the same time where so many are processed together."""
    return max(_LEAST_READ_AHEAD, together) + together + max(_LEAST_WRITING, together)


def run_overlapped(
    items: Iterable[Item],
    *,
    read: Callable[[Item], Read],
    process: Callable[[Sequence[tuple[Item, Read]]], Sequence[Processed]],
    write: Callable[[Item, Processed], Written],
    room_beside: Callable[[Read], int],
    stopped: Callable[[], bool],
    together: int = 1,
) -> Iterator[Written]:
    """Yield the result of every item, in order, while the next ones are under way.

    One thread reads, two write, the caller's thread processes. When `stopped()` becomes true,
    the current items and those already processed are still written; nothing else is begun.

    Args:
        items: what to do.
        read: runs in the reading thread.
        process: runs in the caller's thread, on up to `together` items; fewer where they are
            large, and at the end.
        write: runs in a writing thread.
        room_beside: how many more items may be in flight beside one as large as this one.
        stopped: asked before each item.
        together: most items that are processed at once.
    """
    reading = _Reading(items, read, stopped)
    writing: deque[Future[Written]] = deque()
    writer = ThreadPoolExecutor(_WRITERS, thread_name_prefix="write")
    shares = _Shares(ahead=1, in_hand=1, writing=1)
    try:
        while in_hand := reading.next(shares.ahead):
            shares = _Shares.of_room(room_beside(in_hand[0][1]), together)
            while len(in_hand) < shares.in_hand and (more := reading.next(shares.ahead)):
                in_hand += more
                del more
            reading.go_ahead(shares.ahead)
            processed = deque(zip((item for item, _ in in_hand), process(in_hand), strict=True))
            del in_hand
            while processed:
                while len(writing) >= max(1, shares.writing):
                    yield writing.popleft().result()
                writing.append(writer.submit(write, *processed.popleft()))
            while writing and (shares.writing == 0 or writing[0].done()):
                yield writing.popleft().result()
        while writing:
            yield writing.popleft().result()
    finally:
        reading.close()
        writer.shutdown()


class _Reading(Generic[Item, Read]):
    """Items that a thread reads ahead, in order."""

    def __init__(
        self, items: Iterable[Item], read: Callable[[Item], Read], stopped: Callable[[], bool]
    ) -> None:
        self._items, self._read, self._stopped = iter(items), read, stopped
        self._under_way: deque[tuple[Item, Future[Read]]] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="read")

    def go_ahead(self, count: int) -> None:
        """Begin items until so many are under way."""
        for item in islice(self._items, max(0, count - len(self._under_way))):
            self._under_way.append((item, self._thread.submit(self._read, item)))

    def next(self, count: int) -> list[tuple[Item, Read]]:
        """Return the next item if there is one; up to `count`, itself included, are under way
        before.
        """
        if self._stopped():
            return []
        self.go_ahead(max(1, count))
        if not self._under_way:
            return []
        item, future = self._under_way.popleft()
        return [(item, future.result())]

    def close(self) -> None:
        """Wait for what is being read, and begin nothing more."""
        self._thread.shutdown(cancel_futures=True)


@frozen
class _Shares:
    """Numbers of items that may wait to be processed, be processed, and be written."""

    ahead: int
    in_hand: int
    writing: int

    @staticmethod
    def of_room(room: int, together: int) -> "_Shares":
        """Divide what there is beside one item."""
        further = min(together - 1, room // 3)
        rest = room - further
        return _Shares(
            ahead=min(max(_LEAST_READ_AHEAD, together), (rest + 1) // 2),
            in_hand=1 + further,
            writing=min(max(_LEAST_WRITING, together), rest // 2),
        )
