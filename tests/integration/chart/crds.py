"""The shapes of custom resources as far as the chart makes them, written by hand: whatever is not named here is refused.

Sources: the API references of the Prometheus Operator (monitoring.coreos.com/v1), External Secrets (external-secrets.io/v1),
KEDA (keda.sh/v1alpha1) and the Gateway API (gateway.networking.k8s.io/v1).
"""

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
COUNT: Schema = {"type": "integer", "minimum": 0}
DURATION: Schema = {"type": "string", "pattern": r"^([0-9]+(ms|s|m|h|d|w|y))+$"}
GATEWAY_DURATION: Schema = {"type": "string", "pattern": r"^([0-9]{1,5}(h|m|s|ms)){1,4}$"}


def closed(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}


def many(items: Schema, least: int = 1) -> Schema:
    return {"type": "array", "items": items, "minItems": least}


def resource(version: str, spec: Schema) -> Schema:
    metadata = closed(("name", "namespace", "labels"), name=TEXT, namespace=TEXT, labels=TEXTS, annotations=TEXTS)
    return closed(
        ("apiVersion", "kind", "metadata", "spec"), apiVersion={"const": version}, kind=TEXT, metadata=metadata, spec=spec
    )


RELABELING = closed(("targetLabel", "replacement"), action={"const": "replace"}, targetLabel=TEXT, replacement=TEXT)
ENDPOINT = closed(
    ("port", "path"), port=TEXT, path=TEXT, interval=DURATION, scrapeTimeout=DURATION, relabelings=many(RELABELING)
)
SELECTOR = closed(("matchLabels",), matchLabels=TEXTS)
RULE = closed(
    ("alert", "expr", "labels", "annotations"),
    alert=TEXT,
    expr=TEXT,
    labels=TEXTS,
    annotations=TEXTS,
    **{"for": DURATION},
)
REMOTE = closed(("key",), key=TEXT, property=TEXT, version=TEXT)
TRIGGER = closed(
    ("type", "metadata"),
    type=TEXT,
    metadata=TEXTS,
    name=TEXT,
    metricType={"enum": ["AverageValue", "Value", "Utilization"]},
    authenticationRef=closed(("name",), name=TEXT, kind=TEXT),
)
ROUTE_RULE = closed(
    ("matches", "backendRefs"),
    matches=many(closed(("path",), path=closed(("type", "value"), type={"enum": ["Exact", "PathPrefix"]}, value=TEXT))),
    timeouts=closed((), request=GATEWAY_DURATION, backendRequest=GATEWAY_DURATION),
    backendRefs=many(closed(("name", "port"), name=TEXT, port=COUNT)),
)

SHAPES: dict[str, Schema] = {
    "PodMonitor": resource(
        "monitoring.coreos.com/v1",
        closed(("selector", "podMetricsEndpoints"), selector=SELECTOR, podMetricsEndpoints=many(ENDPOINT)),
    ),
    "ServiceMonitor": resource(
        "monitoring.coreos.com/v1", closed(("selector", "endpoints"), selector=SELECTOR, endpoints=many(ENDPOINT))
    ),
    "PrometheusRule": resource(
        "monitoring.coreos.com/v1",
        closed(("groups",), groups=many(closed(("name", "rules"), name=TEXT, rules=many(RULE)))),
    ),
    "ExternalSecret": resource(
        "external-secrets.io/v1",
        closed(
            ("secretStoreRef", "target", "data"),
            refreshInterval=DURATION,
            secretStoreRef=closed(("name", "kind"), name=TEXT, kind={"enum": ["SecretStore", "ClusterSecretStore"]}),
            target=closed(("name",), name=TEXT, creationPolicy={"enum": ["Owner", "Orphan", "Merge", "None"]}),
            data=many(closed(("secretKey", "remoteRef"), secretKey=TEXT, remoteRef=REMOTE)),
        ),
    ),
    "ScaledObject": resource(
        "keda.sh/v1alpha1",
        closed(
            ("scaleTargetRef", "triggers"),
            scaleTargetRef=closed(("name",), apiVersion=TEXT, kind=TEXT, name=TEXT),
            minReplicaCount=COUNT,
            maxReplicaCount=COUNT,
            triggers=many(TRIGGER),
        ),
    ),
    "TriggerAuthentication": resource(
        "keda.sh/v1alpha1",
        closed(
            ("secretTargetRef",),
            secretTargetRef=many(closed(("parameter", "name", "key"), parameter=TEXT, name=TEXT, key=TEXT)),
        ),
    ),
    "HTTPRoute": resource(
        "gateway.networking.k8s.io/v1",
        closed(
            ("parentRefs", "rules"),
            parentRefs=many(
                closed(("name",), name=TEXT, namespace=TEXT, sectionName=TEXT, group=TEXT, kind=TEXT, port=COUNT)
            ),
            hostnames=many(TEXT),
            rules=many(ROUTE_RULE),
        ),
    ),
}
