"""All SQL of the bridge, as files: numbered migrations, named queries, and the schema they add up to. Nothing but SQL."""
