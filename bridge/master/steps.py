"""The step by which a build gives files away as artifacts of its task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from buildbot import config
from buildbot.process.buildstep import BuildStep, BuildStepCancelled
from buildbot.process.results import FAILURE, SKIPPED, SUCCESS, WARNINGS
from twisted.internet import defer, error, threads

from bridge.master import artifact_names, record_rows, rows, service
from bridge.master.artifact_names import Unusable
from bridge.master.giving import Given, Giving, Wish, in_thread
from bridge.master.manifest import Owner
from bridge.master.sources import Missing
from bridge.master.spool import Spooling
from bridge.master.transcript import Transcript


class TaskclusterArtifact(BuildStep):
    """Gives files of the worker to the task for which the build runs, as artifacts.

        factory.addStep(steps.TaskclusterArtifact('dist/*.whl', artifact='public/wheels'))

    `source`: a file, a directory (with all below it, hidden files too) or a pattern (`*`, `?`, `[seq]`, `**`) below the
    builder's workdir, with `/` between its parts; what exists under the very name is taken for it before it is taken for a
    pattern. A pattern gives files, not directories. Links are followed, but not up again.
    `artifact`: for a file the artifact's name; for a directory or a pattern the artifacts' directory, below which each name
    is the path relative to the directory, or to the part of the pattern before its first `*`, `?` or `[`. Without it,
    `public/build/<path relative to the workdir>`, or `private/build/…`.
    `public`: True puts `public/` before a name that does not begin so, and everybody can read the artifact; False leaves the
    name as it is, refuses one that begins with `public/`, and readers need a scope for it.
    `content_type`: without it by the end of each file's name, else `application/octet-stream`.
    `expires`: seconds from its upload on; without it the artifact lives as long as the task.
    `mandatory`: True fails the step where a file is not there or cannot be given, and has the bridge wait for the file
    before it resolves the task. False skips the step where nothing is there, and ends it with warnings at other trouble.

    `source`, `artifact`, `content_type` and `expires` may be renderables. Names of artifacts are printable ASCII in
    Taskcluster: other characters stand in them as `%XX`. `..`, a name twice in a build, and the bridge's own names are
    refused. In a build that is not of the bridge the step is skipped.

    The files go into the spool of this master (`TaskclusterBridge(spool=…)`), from which the bridge stores them: with
    several masters the bridge must ask the one that ran the build, or they share the directory. All files of a step are
    listed at its end; where the worker is lost, the build is stopped or the spool is full, none of them is.
    """

    name = "taskcluster-artifact"
    renderables: ClassVar[Sequence[str]] = ["source", "artifact", "content_type", "expires"]

    def __init__(  # noqa: PLR0913 - the arguments of a step
        self,
        source: Any = None,
        artifact: Any = None,
        content_type: Any = None,
        expires: Any = None,
        *,
        public: Any = True,
        mandatory: Any = True,
        **kwargs: Any,
    ) -> None:
        if source is None:
            config.error("TaskclusterArtifact: source is missing")
        if not isinstance(public, bool) or not isinstance(mandatory, bool):
            config.error("TaskclusterArtifact: public and mandatory must be True or False")
        super().__init__(**kwargs)
        self.source, self.artifact, self.content_type, self.expires = source, artifact, content_type, expires
        self.public, self.mandatory = public, mandatory

    def run(self) -> defer.Deferred[int]:
        return defer.Deferred.fromCoroutine(self._run())

    async def _run(self) -> int:
        transcript = Transcript(await self.addLog("stdio"))
        try:
            return await self._given(transcript)
        except Missing as missing:
            await transcript.say(str(missing))
            return self._ended("nothing to give", FAILURE if self.mandatory else SKIPPED)
        except Unusable as unusable:
            await transcript.say(str(unusable))
            return self._ended("not given", FAILURE if self.mandatory else WARNINGS)
        finally:
            await transcript.flush()

    async def _given(self, transcript: Transcript) -> int:
        bridge, owner = service.running(self.master), await self._owner()
        if bridge is None or owner is None:
            why = "this build is not of the bridge" if bridge else "this master has no service TaskclusterBridge"
            await transcript.say(f"{why}: its files are given to nobody")
            return self._ended("no task", SKIPPED)
        spooling = await in_thread(bridge.spool.begin, owner)
        given: Given | None = None
        try:
            given = await self._give(spooling, transcript)
        finally:
            if given is None:
                await threads.deferToThread(spooling.discard)
        said = f"{given.files} file{'' if given.files == 1 else 's'}, {given.size} bytes"
        if given.unread:
            return self._ended(f"{said}, {given.unread} unread", FAILURE if self.mandatory else WARNINGS)
        return self._ended(said, SUCCESS)

    async def _give(self, spooling: Spooling, transcript: Transcript) -> Given:
        path_module = self.worker.path_module
        wish = Wish(
            source=artifact_names.source(self.source, backslashes=path_module.sep == "\\"),
            artifact=artifact_names.directory_or_name(self.artifact),
            content_type=self.content_type,
            lifetime=artifact_names.lifetime(self.expires),
            public=self.public,
            mandatory=self.mandatory,
        )
        given = await Giving(self._command, self.workdir, path_module, transcript).give(wish, spooling)
        self._check()
        await in_thread(spooling.commit)
        return given

    async def _owner(self) -> Owner | None:
        build_id = self.build.buildid
        found = await rows.fetch(self.master, [record_rows.build(self.master.db.model, build_id)])
        return Owner(build_id, found[0].external_idstring) if found else None

    async def _command(self, command: Any) -> None:
        self._check()
        await self.runCommand(command)
        self._check()

    def _check(self) -> None:
        """Raise where the step was interrupted: Buildbot tells of it only where it meets a command that runs."""
        if self.stopped and self.build.conn is None:
            raise error.ConnectionLost
        if self.stopped:
            raise BuildStepCancelled

    def _ended(self, said: str, result: int) -> int:
        self.descriptionDone = [said]
        return result
