"""Parameters of this project: which tasks a try push asked for, and which phase a release is in."""

from taskgraph import parameters
from taskgraph.util.schema import Schema

if isinstance(parameters.base_schema, type):

    class DemoParameters(Schema, rename=None, forbid_unknown_fields=False, kw_only=True):
        try_tasks: list[str] | None = None
        shipping_phase: str | None = None

else:  # taskgraph before release 23
    import voluptuous

    DemoParameters = {
        voluptuous.Optional("try_tasks"): voluptuous.Any([str], None),
        voluptuous.Optional("shipping_phase"): voluptuous.Any(str, None),
    }

parameters.extend_parameters_schema(
    DemoParameters, defaults_fn=lambda _root=None: {"try_tasks": None, "shipping_phase": None}
)
