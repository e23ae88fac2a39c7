"""The pods of the chart: what they run, with which rights, where, and how they begin and end."""

import json
from pathlib import Path

import pytest

from tests.integration.chart.rendering import (
    KINDS_OF_VALUES,
    MINIMAL,
    SERVICES,
    Manifest,
    container,
    manifest,
    of_file,
    pod_of,
)

every_file = pytest.mark.parametrize("path", KINDS_OF_VALUES, ids=lambda path: path.stem)


def test_every_service_has_a_deployment_and_runs_its_own_command(full: Manifest) -> None:
    from bridge.cli.serving import MODULES

    assert set(full.of("Deployment")) == SERVICES == set(MODULES)
    for service in SERVICES:
        assert container(pod_of(full, service))["args"] == [service]
    assert set(manifest(MINIMAL).of("Deployment")) == SERVICES - {"web"}


def test_all_deployments_are_of_one_form(minimal: Manifest) -> None:
    texts = {json.dumps(each).replace(name, "") for name, each in minimal.of("Deployment").items()}
    assert len(texts) == 1


@every_file
def test_every_pod_fits_the_restricted_profile(path: Path) -> None:
    pods = dict(Manifest(of_file(path)).pods())
    assert len(pods) >= 4
    for name, pod in pods.items():
        context, own = pod["securityContext"], container(pod)["securityContext"]
        assert context["runAsNonRoot"] is True, name
        assert context["runAsUser"] == context["fsGroup"] == 10001
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert own == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers", "ephemeralContainers"} & set(pod)
        assert {kind for volume in pod["volumes"] for kind in volume} - {"name"} <= {"configMap", "secret", "emptyDir"}
        assert not any("hostPort" in port for port in container(pod).get("ports", ()))
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False


@every_file
def test_only_tmp_can_be_written_to(path: Path) -> None:
    for name, pod in Manifest(of_file(path)).pods():
        empty = {volume["name"] for volume in pod["volumes"] if "emptyDir" in volume}
        writable = {mount["mountPath"] for mount in container(pod)["volumeMounts"] if not mount.get("readOnly")}
        assert writable == {"/tmp"}, name
        assert {mount["name"] for mount in container(pod)["volumeMounts"] if mount["mountPath"] == "/tmp"} == empty


@every_file
def test_the_settings_are_where_the_command_looks(path: Path) -> None:
    made = Manifest(of_file(path))
    texts = {each["metadata"]["name"]: each["data"].get("bridge.toml") for each in made.of("ConfigMap").values()}
    for name, pod in made.pods():
        variables = {each["name"]: each.get("value") for each in container(pod)["env"]}
        assert variables["BBB_CONFIG"] == "/etc/bridge/bridge.toml"
        mounts = {mount["name"]: mount["mountPath"] for mount in container(pod)["volumeMounts"]}
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        assert mounts["config"] == "/etc/bridge"
        text = texts[volumes["config"]["configMap"]["name"]]
        assert text, name
        for item in volumes["secrets"]["secret"]["items"]:
            assert f'_file = "{mounts["secrets"]}/{item["path"]}"' in text
        assert text.count("_file = ") == len(volumes["secrets"]["secret"]["items"])


@every_file
def test_accounts_and_secrets_that_pods_name_are_there(path: Path) -> None:
    made = Manifest(of_file(path))
    given = {"bridge", "ci", "default"}  # what is there before the chart: by the values of the files
    accounts = {each["metadata"]["name"] for each in made.of("ServiceAccount").values()} | given
    secrets = {each["spec"]["target"]["name"] for each in made.of("ExternalSecret").values()} | given
    for _, pod in made.pods():
        assert pod["serviceAccountName"] in accounts
        (secret,) = (volume["secret"] for volume in pod["volumes"] if "secret" in volume)
        assert secret["secretName"] in secrets
        assert secret["defaultMode"] == 0o440


def test_the_external_secret_has_every_key_that_a_pod_mounts(full: Manifest) -> None:
    for name, external in full.of("ExternalSecret").items():
        offered = {each["secretKey"] for each in external["spec"]["data"]}
        for title, pod in full.pods():
            (secret,) = (volume["secret"] for volume in pod["volumes"] if "secret" in volume)
            if secret["secretName"] == external["spec"]["target"]["name"]:
                assert {item["key"] for item in secret["items"]} == offered, (name, title)


def test_probes_ask_the_pages_that_services_have(full: Manifest) -> None:
    from bridge.metrics import Metrics
    from bridge.web.health import Health

    pages = {route.path for route in Health([], Metrics("test", "0")).routes()}
    for service in SERVICES:
        own = container(pod_of(full, service))
        asked = {name: own[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
        assert {name: each["path"] for name, each in asked.items()} == {
            "startupProbe": "/healthz",
            "livenessProbe": "/healthz",
            "readinessProbe": "/readyz",
        }
        assert {each["path"] for each in asked.values()} <= pages
        ports = {port["name"]: port["containerPort"] for port in own["ports"]}
        assert {each["port"] for each in asked.values()} <= set(ports)
        assert ports["health"] == (8083 if service == "reflector" else 8080)


def test_the_end_has_time_for_readers_and_for_what_is_in_hand(full: Manifest) -> None:
    from bridge.process import DRAIN

    for service in SERVICES:
        pod = pod_of(full, service)
        sleep = container(pod).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert sleep == (5 if service in {"web", "buildbot-listener"} else 0)
        assert pod["terminationGracePeriodSeconds"] >= sleep + DRAIN + 5


def test_an_update_never_has_fewer_pods(full: Manifest) -> None:
    for each in full.of("Deployment").values():
        assert each["spec"]["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    assert {each["spec"]["maxUnavailable"] for each in full.of("PodDisruptionBudget").values()} == {1}
    assert set(full.of("PodDisruptionBudget")) == SERVICES


def test_another_way_to_update_takes_nothing_of_the_default_along() -> None:
    """Kubernetes refuses `rollingUpdate` beside Recreate, which no schema tells."""
    made = manifest(MINIMAL, {"services": {"reflector": {"strategy": {"type": "Recreate"}}}})
    assert made.one("Deployment", "reflector")["spec"]["strategy"] == {"type": "Recreate"}
    assert made.one("Deployment", "buildbot-listener")["spec"]["strategy"]["type"] == "RollingUpdate"


def test_replicas_keep_away_from_each_other(minimal: Manifest) -> None:
    for name, deployment in minimal.of("Deployment").items():
        assert deployment["spec"]["replicas"] == 2
        selected = deployment["spec"]["selector"]
        pod = pod_of(minimal, name)
        (spread,) = pod["topologySpreadConstraints"]
        assert (spread["topologyKey"], spread["labelSelector"]) == ("topology.kubernetes.io/zone", selected)
        (term,) = pod["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
        assert term["podAffinityTerm"] == {"topologyKey": "kubernetes.io/hostname", "labelSelector": selected}
    required = pod_of(manifest(MINIMAL, {"defaults": {"antiAffinity": "required"}}), "reflector")
    (term,) = required["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["topologyKey"] == "kubernetes.io/hostname"


def test_a_change_of_settings_replaces_the_pods_and_a_change_of_anything_else_does_not(minimal: Manifest) -> None:
    def sums(objects: Manifest) -> set[str]:
        return {
            each["spec"]["template"]["metadata"]["annotations"]["checksum/settings"]
            for each in objects.of("Deployment").values()
        }

    assert len(sums(minimal)) == 1
    assert sums(manifest(MINIMAL, {"settings": {"log": {"level": "debug"}}})) != sums(minimal)
    assert sums(manifest(MINIMAL, {"metrics": {"rules": {"enabled": True}}})) == sums(minimal)


def test_the_migration_comes_before_everything_and_brings_what_it_needs(full: Manifest) -> None:
    hooks = {}
    for each in full.objects:
        annotations = each["metadata"].get("annotations", {})
        if "pre-install" in annotations.get("helm.sh/hook", ""):
            assert annotations["helm.sh/hook"] == "pre-install,pre-upgrade"
            hooks[each["kind"]] = int(annotations["helm.sh/hook-weight"])
    assert hooks == {"ServiceAccount": -10, "ConfigMap": -10, "ExternalSecret": -10, "NetworkPolicy": -10, "Job": 0}
    pod = full.one("Job", "migrate")["spec"]["template"]["spec"]
    assert container(pod)["args"] == ["migrate"]
    assert pod["restartPolicy"] == "Never"
    # With a Secret that is there already, nothing of the release itself is named.
    own = full.one("ConfigMap", "migrate")["metadata"]["name"]
    assert {volume["configMap"]["name"] for volume in pod["volumes"] if volume["name"] == "config"} == {own}


def test_the_doctor_is_the_charts_test(full: Manifest) -> None:
    doctor = full.one("Pod", "doctor")
    assert doctor["metadata"]["annotations"]["helm.sh/hook"] == "test"
    # Were it deleted when it succeeds, `helm test --logs` would fail: the log is asked for afterwards.
    assert doctor["metadata"]["annotations"]["helm.sh/hook-delete-policy"] == "before-hook-creation"
    assert container(doctor["spec"])["args"] == ["doctor"]
    assert doctor["spec"]["restartPolicy"] == "Never"


def test_what_is_scaled_by_others_has_no_number_of_its_own(full: Manifest) -> None:
    assert set(full.of("HorizontalPodAutoscaler")) == {"web"}
    assert set(full.of("ScaledObject")) == {"taskcluster-listener"}
    for name, deployment in full.of("Deployment").items():
        assert ("replicas" in deployment["spec"]) is (name in {"reflector", "buildbot-listener"})
    target = full.one("HorizontalPodAutoscaler", "web")["spec"]["scaleTargetRef"]
    assert target["name"] == full.one("Deployment", "web")["metadata"]["name"]
    assert manifest(MINIMAL).of("HorizontalPodAutoscaler") == manifest(MINIMAL).of("ScaledObject") == {}


def test_triggers_name_the_authentication_that_is_made(full: Manifest) -> None:
    made = {each["metadata"]["name"] for each in full.of("TriggerAuthentication").values()}
    triggers = [trigger for each in full.of("ScaledObject").values() for trigger in each["spec"]["triggers"]]
    assert {trigger["authenticationRef"]["name"] for trigger in triggers if "authenticationRef" in trigger} == made
