# Where `buildbot start` begins. The settings stay outside of the volume, which is the master's own.
from buildbot.master import BuildMaster
from twisted.application import service

basedir = "/var/lib/buildbot"
configfile = "/etc/buildbot/master.cfg"
application = service.Application('buildmaster')
BuildMaster(basedir, configfile).setServiceParent(application)
