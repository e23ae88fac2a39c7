"""A pool: one task queue, one Buildbot, and what is allowed between them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from bridge.core.order import Limits, Policy
from bridge.core.verdict import Resolution, ResultMap
from bridge.settings.artifacts import ArtifactsSettings
from bridge.settings.section import Patterns, Section, matching

Reportable = Literal["completed", "failed", "internal-error", "resource-unavailable", "intermittent-task", "worker-shutdown"]


class ResultsSettings(Section):
    """What Taskcluster is told for each result of a build. RETRY and a master's stop are not for choice."""

    success: Reportable = "completed"
    warnings: Reportable = "completed"
    failure: Reportable = "failed"
    exception: Reportable = "internal-error"
    skipped: Reportable = "completed"
    collapsed: Reportable = "internal-error"
    cancelled: Reportable | Literal["canceled"] = "canceled"

    def result_map(self) -> ResultMap:
        """The map for the core."""
        return ResultMap(
            success=Resolution(self.success),
            warnings=Resolution(self.warnings),
            failure=Resolution(self.failure),
            exception=Resolution(self.exception),
            skipped=Resolution(self.skipped),
            collapsed=Resolution(self.collapsed),
            cancelled=Resolution(self.cancelled),
        )

    def under(self, single: ResultsSettings) -> ResultsSettings:
        """These, with the lines that a single builder's settings give in their place."""
        return self.model_copy(update=single.model_dump(include=single.model_fields_set))


class LimitsSettings(Section):
    """Bounds on a payload's properties: how many, how deeply nested, bytes of all as JSON, characters of a name."""

    properties: Annotated[int, Field(ge=1, le=10000)] = 500
    depth: Annotated[int, Field(ge=1, le=100)] = 20
    bytes: Annotated[int, Field(ge=1024, le=16 << 20)] = 512 * 1024
    name: Annotated[int, Field(ge=1, le=256)] = 256

    def value(self) -> Limits:
        """The limits for the core."""
        return Limits(properties=self.properties, depth=self.depth, bytes=self.bytes, name=self.name)


class PoolSettings(Section):
    """One task queue that is served by one Buildbot."""

    # Taskcluster's rules: provisionerId and workerType; the second has no capitals, underscores or leading digits.
    task_queue: Annotated[
        str,
        matching(
            r"[a-zA-Z0-9_-]{1,38}/[a-z]([-a-z0-9]{0,36}[a-z0-9])?",
            "provisionerId/workerType; the workerType has small letters, digits and hyphens only and begins with a letter",
        ),
        Field(examples=["proj-example/linux"]),
    ]
    buildbot: Annotated[str, Field(min_length=1, examples=["main"])]
    builders: Annotated[Patterns, Field(examples=[["linux64-*", "docs"]])] = ()
    deny: Annotated[Patterns, Field(examples=[["linux64-asan"]])] = ()
    left_alone: Annotated[Patterns, Field(examples=[["release-*"]])] = ()
    scope_prefixes: Annotated[Patterns, Field(min_length=1, examples=[["buildbot-bridge:builder-name:"]])] = (
        "buildbot-bridge:builder-name:",
    )
    results: ResultsSettings = ResultsSettings()
    builders_results: dict[str, ResultsSettings] = Field(default_factory=dict)
    limits: LimitsSettings = LimitsSettings()
    artifacts: ArtifactsSettings = ArtifactsSettings()

    def identity(self) -> Mapping[str, str]:
        """What every process that serves the pool must have the same; the rest may differ while a change is rolled out."""
        prefixes = ", ".join(sorted(self.scope_prefixes))
        return {"task_queue": self.task_queue, "buildbot": self.buildbot, "scope_prefixes": prefixes}

    def policy(self) -> Policy:
        """Which tasks are admitted; `version` changes with every change of it."""
        said = self.model_dump_json(include={"builders", "deny", "left_alone", "scope_prefixes", "limits"})
        return Policy(
            builders=self.builders,
            denied=self.deny,
            left_alone=self.left_alone,
            scope_prefixes=self.scope_prefixes,
            limits=self.limits.value(),
            version=hashlib.sha256(said.encode()).hexdigest()[:8],
        )

    def result_maps(self) -> tuple[ResultMap, Mapping[str, ResultMap]]:
        """The pool's map of results, and those of single builders."""
        single = {name: self.results.under(given).result_map() for name, given in self.builders_results.items()}
        return self.results.result_map(), single

    @property
    def upload_limit(self) -> timedelta:
        """After how long an artifact that cannot be stored is given up and the result is reported without it."""
        return timedelta(seconds=self.artifacts.upload_limit)
