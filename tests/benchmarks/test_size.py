"""What the extension adds to every page of a site that is on stays small."""

from tests.benchmarks.browser import content_gzip

MOST = 15_000


def test_content_scripts_are_small() -> None:
    assert 5_000 < content_gzip() <= MOST
