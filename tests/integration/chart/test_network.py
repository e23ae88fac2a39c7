"""Who reaches whom: services, ways in, and policies that close everything else."""

from pathlib import Path

import pytest

from tests.integration.chart.rendering import (
    COMPONENT,
    KINDS_OF_VALUES,
    MINIMAL,
    SERVICES,
    Manifest,
    Object,
    container,
    covers,
    manifest,
    of_file,
)

every_file = pytest.mark.parametrize("path", KINDS_OF_VALUES, ids=lambda path: path.stem)


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


def test_names_are_asked_for_by_udp_and_tcp_on_each_port_of_their_servers() -> None:
    made = manifest(MINIMAL, {"networkPolicy": {"dns": {"ports": [53, 5353]}}})
    wanted = [{"protocol": protocol, "port": port} for port in (53, 5353) for protocol in ("TCP", "UDP")]
    for name in ("database", "migrate"):
        names, database = made.one("NetworkPolicy", name)["spec"]["egress"]
        assert names["ports"] == wanted
        assert names["to"] == [{"namespaceSelector": {}}]
        assert database["ports"] == [{"protocol": "TCP", "port": 5432}]
