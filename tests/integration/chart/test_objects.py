"""What the objects of the chart say to each other: names that are there, labels that select, ports that are open."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.chart.rendering import FULL, KINDS_OF_VALUES, MINIMAL, Manifest, Object, helm, manifest, of_file
from tests.integration.chart.values import CHART, merged
from tests.sandbox.helm import HELM4

SERVICES = {"taskcluster-listener", "buildbot-listener", "reflector", "web"}
COMPONENT = "app.kubernetes.io/component"
every_file = pytest.mark.parametrize("path", KINDS_OF_VALUES, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def full() -> Manifest:
    return manifest(FULL)


@pytest.fixture(scope="module")
def minimal() -> Manifest:
    return manifest(MINIMAL)


def container(pod: Object) -> Object:
    (only,) = pod["containers"]
    return only


def pod_of(objects: Manifest, service: str) -> Object:
    return objects.one("Deployment", service)["spec"]["template"]["spec"]


def covers(selector: Object, labels: Object) -> bool:
    """Whether a selector of Kubernetes takes a pod with these labels."""
    for rule in selector.get("matchExpressions", ()):
        if (labels.get(rule["key"]) in rule["values"]) is not (rule["operator"] == "In"):
            return False
    return selector.get("matchLabels", {}).items() <= labels.items()


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


@every_file
def test_selectors_find_pods_and_only_those_that_are_meant(path: Path) -> None:
    made = Manifest(of_file(path))
    pods = {
        each["metadata"]["name"]: each["spec"]["template"]["metadata"]["labels"] for each in made.of("Deployment").values()
    }
    for kind in ("PodDisruptionBudget", "Deployment"):
        for each in made.of(kind).values():
            assert [name for name, labels in pods.items() if covers(each["spec"]["selector"], labels)] == [
                each["metadata"]["name"]
            ]
    for name, service in made.of("Service").items():
        found = {
            labels[COMPONENT] for labels in pods.values() if covers({"matchLabels": service["spec"]["selector"]}, labels)
        }
        everyone = {labels[COMPONENT] for labels in pods.values()}
        wanted = {"status": {"web"}, "live-logs": {"buildbot-listener"}, "metrics": everyone}
        assert found == wanted[name.removeprefix("bbb-")]


@every_file
def test_a_service_leads_to_a_port_that_its_pods_open(path: Path) -> None:
    made = Manifest(of_file(path))
    for service in made.of("Service").values():
        for deployment in made.of("Deployment").values():
            template = deployment["spec"]["template"]
            if covers({"matchLabels": service["spec"]["selector"]}, template["metadata"]["labels"]):
                opened = {port["name"] for port in container(template["spec"])["ports"]}
                assert {port["targetPort"] for port in service["spec"]["ports"]} <= opened


def test_the_ways_in_lead_to_the_services(full: Manifest) -> None:
    services = {each["metadata"]["name"]: each for each in full.of("Service").values()}
    hosts = {}
    for name, ingress in full.of("Ingress").items():
        (rule,) = ingress["spec"]["rules"]
        (way,) = rule["http"]["paths"]
        backend = way["backend"]["service"]
        assert backend["port"]["name"] in {port["name"] for port in services[backend["name"]]["spec"]["ports"]}
        assert ingress["spec"]["tls"][0]["hosts"] == [rule["host"]]
        hosts[name] = rule["host"]
    assert hosts == {"status": "bridge.example.org", "live-logs": "logs.example.org"}
    for route in full.of("HTTPRoute").values():
        (backend,) = route["spec"]["rules"][0]["backendRefs"]
        assert backend["port"] in {port["port"] for port in services[backend["name"]]["spec"]["ports"]}
    assert full.one("HTTPRoute", "live-logs")["spec"]["hostnames"] == ["logs.example.org"]


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
    assert container(doctor["spec"])["args"] == ["doctor"]
    assert doctor["spec"]["restartPolicy"] == "Never"


def policies(objects: Manifest, labels: Object) -> list[Object]:
    return [each["spec"] for each in objects.of("NetworkPolicy").values() if covers(each["spec"]["podSelector"], labels)]


def ports_out(objects: Manifest, labels: Object) -> set[int]:
    return {
        port["port"] for policy in policies(objects, labels) for rule in policy.get("egress", ()) for port in rule["ports"]
    }


def test_nothing_is_open_but_what_is_needed(full: Manifest, minimal: Manifest) -> None:
    base = minimal.one("NetworkPolicy", "deny")["spec"]["podSelector"]["matchLabels"]
    out = {name: ports_out(minimal, {**base, COMPONENT: name}) for name in (*SERVICES, "doctor", "migrate")}
    assert out == {
        "taskcluster-listener": {53, 5432, 443, 5671},
        "buildbot-listener": {53, 5432, 443},
        "reflector": {53, 5432, 443},
        "web": {53, 5432, 443},
        "doctor": {53, 5432, 443, 5671},
        "migrate": {53, 5432},
    }
    for name in out:
        denied = [each for each in policies(minimal, {**base, COMPONENT: name}) if "Ingress" in each["policyTypes"]]
        assert denied, name
        assert not any(each.get("ingress") for each in denied)
    base = full.one("NetworkPolicy", "deny")["spec"]["podSelector"]["matchLabels"]
    ways = {}
    for name in SERVICES:
        rules = [rule for each in policies(full, {**base, COMPONENT: name}) for rule in each.get("ingress", ())]
        ways[name] = {rule["ports"][0]["port"] for rule in rules}
        assert all(rule["from"] for rule in rules)  # an empty list would be everybody
    assert ways == {
        "taskcluster-listener": {"health"},
        "reflector": {"health"},
        "buildbot-listener": {"health", "live-logs"},
        "web": {"health", "status"},
    }


def test_the_ports_of_all_addresses_in_the_settings_are_open() -> None:
    buildbots = {
        "main": {"url": "http://buildbot.ci.svc:8010/bb"},
        "six": {"url": "http://[fd00::1]:9443"},
        "plain": {"url": "http://b"},
    }
    pools = {name: {"task_queue": f"proj/{name}", "buildbot": name} for name in ("six", "plain")}
    made = manifest(MINIMAL, {"settings": {"buildbots": buildbots, "pools": pools}})
    labels = made.one("NetworkPolicy", "deny")["spec"]["podSelector"]["matchLabels"] | {COMPONENT: "reflector"}
    assert ports_out(made, labels) == {53, 5432, 443, 8010, 9443, 80}


def test_prometheus_is_led_to_the_metrics_of_all_pods(full: Manifest) -> None:
    monitor = full.one("PodMonitor")
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in full.of("Deployment").values()]
    assert all(covers(monitor["spec"]["selector"], each) for each in labels)
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert (endpoint["port"], endpoint["path"]) == ("health", "/metrics")
    assert endpoint["relabelings"] == [{"action": "replace", "targetLabel": "region", "replacement": "eu-west"}]
    by_service = Manifest(of_file(CHART / "ci" / "service-monitor-values.yaml"))
    (monitor,) = by_service.of("ServiceMonitor").values()
    services = by_service.of("Service").values()
    (service,) = (each for each in services if covers(monitor["spec"]["selector"], each["metadata"]["labels"]))
    assert monitor["spec"]["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}


def test_prometheus_takes_the_rules_that_are_made(full: Manifest, tmp_path: Path) -> None:
    spec = full.one("PrometheusRule")["spec"]
    source = yaml.safe_load((CHART / "files" / "alerts.yml").read_text())
    wanted = [rule for rule in source["groups"][0]["rules"] if rule["alert"] != "BuildbotBridgeNoTime"]
    assert spec["groups"][0]["rules"] == wanted
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(spec))
    done = subprocess.run(
        ["promtool", "check", "rules", "rules.yml"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert f"{len(wanted)} rules found" in done.stdout, done.stderr


def test_the_dashboard_arrives_as_it_is(full: Manifest) -> None:
    made = full.one("ConfigMap", "dashboard")
    assert made["data"]["buildbot-bridge.json"] == (CHART / "files" / "dashboard.json").read_text()
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_what_is_scaled_by_others_has_no_number_of_its_own(full: Manifest) -> None:
    assert set(full.of("HorizontalPodAutoscaler")) == {"web"}
    assert set(full.of("ScaledObject")) == {"taskcluster-listener"}
    for name, deployment in full.of("Deployment").items():
        assert ("replicas" in deployment["spec"]) is (name in {"reflector", "buildbot-listener"})
    target = full.one("HorizontalPodAutoscaler", "web")["spec"]["scaleTargetRef"]
    assert target["name"] == full.one("Deployment", "web")["metadata"]["name"]
    assert manifest(MINIMAL).of("HorizontalPodAutoscaler") == manifest(MINIMAL).of("ScaledObject") == {}


def test_regions_have_names_of_their_own(full: Manifest) -> None:
    here = manifest(FULL, {"region": "us-east"})
    assert not {each["metadata"]["name"] for each in here.objects} & {each["metadata"]["name"] for each in full.objects}
    assert {
        each["metadata"]["labels"]["buildbot-bridge/region"] for each in here.objects if "labels" in each["metadata"]
    } == {"us-east"}
    for deployment in here.of("Deployment").values():
        # What replicas are called after: as much of the pod's name as they take.
        assert "us-east" in deployment["metadata"]["name"][:40]


def test_long_names_are_cut_and_stay_names() -> None:
    made = manifest(FULL, {"fullnameOverride": "a-name-so-long-that-nothing-can-be-appended-to-it-any-more"})
    assert max(len(each["metadata"]["name"]) for each in made.objects) <= 63


def notes(given: dict[str, Any]) -> str:
    """The notes; Helm 3 shows them only to those who have a cluster."""
    said = helm(HELM4, "install", "bridge", CHART, "--namespace", "ci", "--dry-run=client", given=given)
    return said.rsplit("NOTES:", 1)[1]


def test_the_notes_say_where_things_are_and_what_is_missing() -> None:
    full = notes(FULL)
    assert "serves worker group buildbot in region eu-west: buildbot-listener, reflector, taskcluster-listener, web." in full
    assert "https://bridge.example.org/" in full
    assert "https://logs.example.org/" in full
    assert "WARNING" not in full
    shut = merged(
        FULL, {"networkPolicy": {"metricsFrom": [], "statusFrom": [], "liveLogsFrom": []}, "migration": {"enabled": False}}
    )
    for missing in ("metricsFrom", "statusFrom", "liveLogsFrom", "Run `bbb migrate` yourself"):
        assert missing in notes(shut)


def test_the_readmes_example_is_enough() -> None:
    text = (CHART / "README.md").read_text()
    given = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
    made = manifest(given)
    assert set(made.of("Deployment")) == SERVICES
    named = {word.removeprefix("--from-file=") for word in text.split() if word.startswith("--from-file=")}
    for _, pod in made.pods():
        (secret,) = (volume["secret"] for volume in pod["volumes"] if "secret" in volume)
        assert {item["key"] for item in secret["items"]} == named
        assert secret["secretName"] == "bridge"
