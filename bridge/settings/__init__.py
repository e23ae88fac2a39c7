"""The settings: one TOML file, the environment over it, and files for secrets.

Promises: what `loading.load` returns has been checked in full, so nothing behind it meets a wrong setting; a wrong one stops
the start with its name, the reason and an example. Nothing is read at import. Secrets are values of their own (`Secret`):
they appear in no repr, no error and no listing, and those given as a file are read anew when the file changes, so exchanged
credentials work without a restart.

The environment variable of a setting is `BBB_` and its path, the parts joined by two underscores:
`BBB_TASKCLUSTER__CLIENT_ID`. Names that the operator chooses (of pools and Buildbots) are lower case there.

Does not know: who uses a setting. It gives values of the core where decisions depend on settings (`PoolSettings.rules`,
`PoolSettings.policy`), and knows no other room.
"""

from bridge.settings.loading import SettingsError, load
from bridge.settings.secret import Secret
from bridge.settings.settings import Settings

__all__ = ["Secret", "Settings", "SettingsError", "load"]
