"""Two tasks of a kind with one name are refused, where taskgraph would keep one of them in silence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bridge.definition import DefinitionError
from bridge.taskgraph.unique import transforms


def test_tasks_with_names_of_their_own_pass(make_config: Callable[..., Any]) -> None:
    tasks = [{"name": "a"}, {"name": "b"}, {"label": "test-c"}]
    assert list(transforms(make_config(), tasks)) == tasks


@pytest.mark.parametrize("key", ["name", "label"])
def test_the_second_of_a_name_is_refused(make_config: Callable[..., Any], key: str) -> None:
    with pytest.raises(
        DefinitionError, match=r"kind test: task a: name: stands at another task of the kind too\. Give each"
    ):
        list(transforms(make_config(), [{key: "a"}, {key: "b"}, {key: "a"}]))
