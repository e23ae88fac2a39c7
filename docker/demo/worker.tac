import os
from pathlib import Path

from buildbot_worker.bot import Worker
from twisted.application import service

password = Path(os.environ["KEYS"], "worker-password").read_text()
application = service.Application("buildbot-worker")
Worker("buildbot", 9989, "worker", password, ".", 600, maxdelay=5).setServiceParent(application)
