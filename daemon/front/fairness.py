"""The order of clients: they take turns, however many photos each of them has waiting."""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


def in_turns(waiting: Sequence[T], client_of: Callable[[T], str], served: Mapping[str, int]) -> list[T]:
    """Return the waiting items in the order in which they are served.

    Each client's own come in the order in which they arrived. The client that was served the longest ago has the first turn,
    one that never was before it, and of several such the one that came first.

    Args:
        waiting: in order of arrival.
        client_of: whose one is.
        served: for each client the number of the turn that it had last, the higher the later.
    """
    lines: defaultdict[str, deque[T]] = defaultdict(deque)
    for one in waiting:
        lines[client_of(one)].append(one)
    # Sorting keeps the order of arrival where nothing else tells two clients apart.
    clients = deque(sorted(lines, key=lambda client: served.get(client, -1)))
    ordered: list[T] = []
    while clients:
        client = clients.popleft()
        ordered.append(lines[client].popleft())
        if lines[client]:
            clients.append(client)
    return ordered
