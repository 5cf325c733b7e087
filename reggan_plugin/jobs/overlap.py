"""Read, process and write a stream of items at the same time, in bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Read = TypeVar("Read")
Processed = TypeVar("Processed")
Written = TypeVar("Written")

MOST_READ_AHEAD, MOST_WRITING = 2, 2
MOST_IN_FLIGHT = MOST_READ_AHEAD + 1 + MOST_WRITING


def run_overlapped(
    items: Iterable[Item],
    *,
    read: Callable[[Item], Read],
    process: Callable[[Item, Read], Processed],
    write: Callable[[Item, Processed], Written],
    room_beside: Callable[[Read], int],
    stopped: Callable[[], bool],
) -> Iterator[Written]:
    """Yield the result of every item, in order, while the next ones are under way.

    One thread reads, two write, the caller's thread processes. When `stopped()` becomes true,
    the item in hand and those already processed are still written; nothing else is begun.

    Args:
        items: what to do.
        read: runs in the reading thread.
        process: runs in the caller's thread.
        write: runs in a writing thread.
        room_beside: how many more items may be in flight beside one as large as this one.
        stopped: asked before each item.
    """
    queue = iter(items)
    reading: deque[tuple[Item, Future[Read]]] = deque()
    writing: deque[Future[Written]] = deque()
    reader = ThreadPoolExecutor(1, thread_name_prefix="read")
    writer = ThreadPoolExecutor(MOST_WRITING, thread_name_prefix="write")

    def read_ahead(count: int) -> None:
        for item in islice(queue, max(0, count - len(reading))):
            reading.append((item, reader.submit(read, item)))

    ahead = 1
    try:
        while not stopped():
            read_ahead(max(1, ahead))
            if not reading:
                break
            item, future = reading.popleft()
            content = future.result()
            del future
            room = room_beside(content)
            ahead = min(MOST_READ_AHEAD, (room + 1) // 2)
            most_writing = min(MOST_WRITING, room // 2)
            read_ahead(ahead)
            processed = process(item, content)
            del content
            while len(writing) >= max(1, most_writing):
                yield writing.popleft().result()
            writing.append(writer.submit(write, item, processed))
            del processed
            while writing and (most_writing == 0 or writing[0].done()):
                yield writing.popleft().result()
        while writing:
            yield writing.popleft().result()
    finally:
        reader.shutdown(cancel_futures=True)
        writer.shutdown()
