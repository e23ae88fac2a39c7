"""Settings become values of the core, and say who must agree on what."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from bridge.core.order import Limits, Policy
from bridge.core.rules import Rules
from bridge.core.verdict import Resolution, ResultMap
from bridge.settings import load
from bridge.settings.artifacts import ArtifactsSettings
from bridge.settings.pool import LimitsSettings, ResultsSettings

Written = Callable[..., Path]


def test_the_defaults_are_those_of_the_core() -> None:
    assert ResultsSettings().result_map() == ResultMap()
    assert LimitsSettings().value() == Limits()


def test_rules_carry_identities_and_result_maps(written: Written) -> None:
    added = '[pools.linux.results]\nwarnings = "failed"\n[pools.linux.builders_results.docs]\nfailure = "internal-error"'
    assert load(written(add=added)).rules("linux") == Rules(
        "buildbot",
        "buildbot-bridge",
        ResultMap(warnings=Resolution.FAILED),
        {"docs": ResultMap(warnings=Resolution.FAILED, failure=Resolution.INTERNAL_ERROR)},
    )


def test_the_policy_is_what_the_pool_allows_and_its_version_follows_it(written: Written) -> None:
    settings = load(written(add='deny = ["linux64-x"]\nleft_alone = ["r-*"]\n[pools.linux.limits]\ndepth = 3'))
    policy = settings.pools["linux"].policy()
    assert policy == Policy(
        builders=("linux64-*",),
        denied=("linux64-x",),
        left_alone=("r-*",),
        limits=Limits(depth=3),
        version=policy.version,
    )
    plain = load(written()).pools["linux"].policy()
    assert plain.version != policy.version
    assert plain.version == load(written()).pools["linux"].policy().version


def test_all_services_of_a_deployment_must_agree_on_identities_alone(written: Written) -> None:
    here = load(written()).deployment()
    for same in (("canary-access", "other"), ('["linux64-*"]', "[]"), ("project/bridge", "project/else")):
        assert load(written(same)).deployment() == here
    for change, name in {
        ("tc.example", "tc2.example"): "taskcluster.root_url",
        ('"buildbot"', '"group"'): "worker_group",
        ("example/linux", "example/mac"): "pools.linux.task_queue",
    }.items():
        (said,) = here.conflicts(load(written(change)).deployment())
        assert said.startswith(f"{name} is ")


def test_whose_scopes_count_is_part_of_a_pools_identity(written: Written) -> None:
    other = load(written(add='scope_prefixes = ["b:", "a:"]')).deployment()
    assert list(load(written()).deployment().conflicts(other)) == [
        "pools.linux.scope_prefixes is buildbot-bridge:builder-name: here and a:, b: there"
    ]


def test_ports_are_by_service(written: Written) -> None:
    web = load(written(add="[web]\nport = 1\n[web.ports]\nreflector = 2")).web
    assert (web.port_of("reflector"), web.port_of("all")) == (2, 1)


def test_the_upload_limit_is_in_seconds(written: Written) -> None:
    added = "[pools.linux.artifacts]\nupload_limit = 90"
    assert load(written(add=added)).pools["linux"].upload_limit == timedelta(seconds=90)


def test_published_properties_are_allowed_ones_with_secrets_masked() -> None:
    artifacts = ArtifactsSettings(allow=("got_*", "*Token", "env"), redact=("*token*",), largest=100)
    given = {
        "got_revision": ("abc", "Git"),
        "got_log": ("x" * 200, "Git"),
        "GITHUB_TOKEN": ("t", "Force"),
        "env": ([{"API_TOKEN": "t", "deep": [{"token": 1}], "A": 1}], "Builder"),
        "other": (1, "Builder"),
    }
    assert artifacts.redacted(given) == {
        "got_revision": ("abc", "Git"),
        "got_log": ("[left out: 202 bytes]", "Git"),
        "GITHUB_TOKEN": ("[secret]", "Force"),
        "env": ([{"API_TOKEN": "[secret]", "deep": [{"token": "[secret]"}], "A": 1}], "Builder"),
    }


def test_by_default_all_but_secret_looking_properties_are_published_as_they_are() -> None:
    given = {"n": (None, "s"), "f": (False, "s"), "ü": ({"a": [1, 2.5]}, "s"), "big": ("x" * 100_000, "s")}
    assert ArtifactsSettings().redacted(given) == given
    assert ArtifactsSettings().redacted({"npm_auth_token": ("x", "s")}) == {"npm_auth_token": ("[secret]", "s")}
