"""taskgraph's own fixtures, with a project that has bridged tasks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from taskgraph.transforms import run, task

from bridge import taskgraph

ALIAS = {"provisioner": "proj-demo", "implementation": "buildbot-bridge", "os": "buildbot", "worker-type": "buildbot"}
PUSH = {
    "head_ref": "refs/heads/main",
    "head_rev": "2" * 40,
    "head_repository": "https://github.com/example/demo",
    "project": "demo",
    "level": "3",
    "owner": "dev@example.org",
    "tasks_for": "github-push",
    "repository_type": "git",
}
Made = dict[str, Any]
Make = Callable[..., list[Made]]


@pytest.fixture
def datadir(tmp_path: Path) -> Path:
    """Where taskgraph's fixtures look for files."""
    return tmp_path


@pytest.fixture
def make_config(make_transform_config: Any) -> Callable[..., Any]:
    """A transform config of the kind `test`, registered; arguments: the section `buildbot-bridge`, and parameters."""

    def made(section: Any = None, **params: object) -> Any:
        extra: Made = {"workers": {"aliases": {"bb": ALIAS}}}
        if section is not None:
            extra["buildbot-bridge"] = section
        config = make_transform_config(extra_params=PUSH | params, extra_graph_config=extra)
        taskgraph.register(config.graph_config)
        return config

    return made


@pytest.fixture
def make(make_config: Any) -> Make:
    """Tasks made from descriptions by taskgraph's own transforms."""

    def made(*described: Made, section: Any = None, **params: object) -> list[Made]:
        config = make_config(section, **params)
        filled = [{"description": "d", "worker-type": "bb", **each} for each in described]
        transforms = [run.transforms, task.transforms] if any("run" in each for each in filled) else [task.transforms]
        tasks: Any = filled
        for transform in transforms:
            tasks = transform(config, tasks)
        return list(tasks)

    return made


@pytest.fixture
def load(make_config: Any) -> Make:
    """Tasks of a kind that the loader for builders-graphs reads."""

    def loaded(kind_config: Made, path: str = "/nowhere", **params: object) -> list[Made]:
        from bridge.taskgraph.loader import loader

        config = make_config(**params)
        kind_config.setdefault("task-defaults", {}).setdefault("worker-type", "bb")
        found = loader("test", path, kind_config, config.params, [], False)
        assert kind_config["transforms"], "taskgraph reads them when the loader has returned"
        return list(task.transforms(config, run.transforms(config, found)))

    return loaded
