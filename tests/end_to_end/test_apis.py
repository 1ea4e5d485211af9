"""A page that calls a replaced built-in gets from it what the browser's own would have given."""

import pytest

from tests.end_to_end.apis import compare
from tests.end_to_end.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_replaced_built_ins_do_what_the_browsers_own_do(stage: Stage) -> None:
    compared = await compare(stage)
    assert len(compared.wrapped) > 40
    assert compared.untried == []
    assert compared.differing == {}
