from buildbot.master import BuildMaster
from twisted.application import service

application = service.Application('buildmaster')  # so written: upgrade-master looks for these letters
BuildMaster(".", "master.cfg").setServiceParent(application)
