"""Tests which models stay loaded."""

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from protectors.residency import Residency


def test_what_was_asked_for_the_longest_ago_goes_first() -> None:
    loaded: list[str] = []

    def load(key: str) -> str:
        loaded.append(key)
        return key

    models: Residency[str] = Residency(100)
    for key in ("a", "b", "a", "c", "a", "b"):
        assert models.get(key, 40, partial(load, key)) == key
    assert loaded == ["a", "b", "c", "b"]
    assert ("a" in models, "b" in models, "c" in models) == (True, True, False)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 60)), min_size=1))
def test_there_is_never_more_than_may_be_unless_one_is_larger_alone(asked: list[tuple[str, int]]) -> None:
    models: Residency[str] = Residency(50)
    sizes: dict[str, int] = {}
    for key, size in asked:
        size = sizes.setdefault(key, size)
        models.get(key, size, partial(str, key))
        assert key in models
        assert models.bytes <= max(50, size)
