"""A build gives files away; the bridge reads them under their artifacts' names, byte for byte, until it lets them go."""

from collections.abc import Callable

import pytest

from bridge.buildbot.builds import BuildbotBuilds
from bridge.buildbot.errors import NotFound
from tests.integration.buildbot.polling import until
from tests.integration.buildbot.run import Task
from tests.integration.buildbot.shows.giving import contents, gave, gave_all, spool, step
from tests.sandbox.buildbot import BuildbotSandbox

NewTask = Callable[[], Task]


async def test_a_file_is_kept_until_it_is_released(task: NewTask, builds: BuildbotBuilds, master: BuildbotSandbox) -> None:
    build = await gave(task(), script="echo hello > greeting.txt", source="greeting.txt", expires=3600)
    (output,) = await builds.outputs(build.build_id)
    assert (output.name, output.content_type) == ("public/build/greeting.txt", "text/plain")
    assert (output.lifetime, output.mandatory, output.size) == (3600, True, 6)
    assert await contents(builds, build) == {"public/build/greeting.txt": b"hello\n"}
    assert (await step(builds, build))[0].results == 0

    for _ in range(2):
        await builds.release(build.build_id)
        assert await builds.outputs(build.build_id) == ()
    assert not (spool(master) / str(build.build_id)).exists()
    with pytest.raises(NotFound):
        async with builds.output(build.build_id, output.number):
            pass


FOUND: list[tuple[str, str | None, set[str]]] = [
    (
        "out",
        None,
        {
            "public/build/out/a.txt",
            "public/build/out/.hidden/b",
            "public/build/out/deep/er/c d.log",
            "public/build/out/%C3%BC.bin",
            "public/build/out/[x]*",
        },
    ),
    (
        "./out/",
        "l",
        {"public/l/a.txt", "public/l/.hidden/b", "public/l/deep/er/c d.log", "public/l/%C3%BC.bin", "public/l/[x]*"},
    ),
    ("out/*", "public/top/", {"public/top/a.txt", "public/top/%C3%BC.bin", "public/top/[x]*"}),
    ("out/**/*.log", "x", {"public/x/deep/er/c d.log"}),
    ("o?t/[a].txt", None, {"public/build/out/a.txt"}),
    ("out/[x]*", "literal", {"public/literal"}),
    ("out/deep/er/c d.log", None, {"public/build/out/deep/er/c d.log"}),
    ("out/ü.bin", None, {"public/build/out/%C3%BC.bin"}),
    (".", "all", {f"public/all/out/{each}" for each in ("a.txt", ".hidden/b", "deep/er/c d.log", "%C3%BC.bin", "[x]*")}),
]


async def test_files_directories_and_patterns_are_found_and_named(task: NewTask, builds: BuildbotBuilds) -> None:
    script = (
        "mkdir -p out/deep/er out/.hidden out/empty; echo a > out/a.txt; echo b > out/.hidden/b;"
        "echo c > 'out/deep/er/c d.log'; echo u > out/ü.bin; echo x > 'out/[x]*'"
    )
    made = await gave_all(task, [{"script": script, "source": source, "artifact": name} for source, name, _ in FOUND])
    for (source, _, names), build in zip(FOUND, made, strict=True):
        given, said = await step(builds, build)
        assert given.results == 0, said
        found = await contents(builds, build)
        assert set(found) == names, source
        for name, content in found.items():
            assert f" -> {name} ({len(content)} bytes)\n" in said


async def test_private_files_keep_the_name_that_they_are_given(task: NewTask, builds: BuildbotBuilds) -> None:
    script = "echo s > symbols.zip"
    named = await gave(task(), "gives-private", script=script, source="symbols.zip", artifact="project/x/symbols")
    assert set(await contents(builds, named)) == {"project/x/symbols"}
    (output,) = await builds.outputs(named.build_id)
    assert (output.mandatory, output.content_type) == (False, "application/zip")
    unnamed = await gave(task(), "gives-private", script=script, source="symbols.zip", content_type="x/y; z=1")
    assert set(await contents(builds, unnamed)) == {"private/build/symbols.zip"}
    assert (await builds.outputs(unnamed.build_id))[0].content_type == "x/y; z=1"


REFUSED: list[tuple[dict[str, object], str]] = [
    ({"source": "nothing.txt"}, "there is no 'nothing.txt'"),
    ({"source": "*.txt"}, "'*.txt' has no file"),
    ({"source": "empty"}, "'empty' has no file"),
    ({"source": "../worker-1/twistd.log"}, "below the builder's workdir"),
    ({"source": "a/../../x"}, "below the builder's workdir"),
    ({"source": "/etc/hostname"}, "below the builder's workdir"),
    ({"source": "~/.profile"}, "below the builder's workdir"),
    ({"source": 7}, "`source` must be"),
    ({"source": "a", "artifact": "public/../x"}, "`.` or `..`"),
    ({"source": "a", "artifact": "/x"}, "empty part"),
    ({"source": "a", "artifact": "x//y"}, "empty part"),
    ({"source": "a", "artifact": "x" * 1100}, "longer than 1024"),
    ({"source": "a", "artifact": "logs/live.log"}, "bridge's own"),
    ({"source": "a", "artifact": "public/logs/live_backing.log"}, "bridge's own"),
    ({"source": "a", "artifact": "properties.json"}, "bridge's own"),
    ({"source": "a", "artifact": "buildbot/mine"}, "bridge's own"),
    ({"source": "a", "artifact": "chain-of-trust.json"}, "bridge's own"),
    ({"source": "a", "expires": -5}, "`expires`"),
    ({"source": "a", "expires": "soon"}, "`expires`"),
    ({"source": "a", "content_type": "text\nX-Evil: 1"}, "not a content type"),
    ({"source": "pipe"}, "neither a file nor a directory"),
    ({"source": "same"}, "two files would have the artifact name"),
    ({"source": "latin"}, "is not UTF-8"),
    ({"source": "lat?n/*"}, "is not UTF-8"),
]


async def test_what_cannot_be_given_fails_the_step_in_plain_words(task: NewTask, builds: BuildbotBuilds) -> None:
    script = (
        "echo a > a; mkdir empty same latin; mkfifo pipe; echo 1 > 'same/ü'; echo 2 > 'same/%C3%BC';"
        "touch latin/$(printf '\\377')"
    )
    made = await gave_all(task, [{"script": script, **properties} for properties, _ in REFUSED])
    for (properties, word), build in zip(REFUSED, made, strict=True):
        given, said = await step(builds, build)
        assert word in said, properties
        assert (given.results, build.results) == (2, 2), properties
        assert await builds.outputs(build.build_id) == (), properties


async def test_what_need_not_be_there_skips_the_step_or_warns(task: NewTask, builds: BuildbotBuilds) -> None:
    missing = await gave(task(), "gives-private", script="true", source="dumps/*.dmp")
    assert ((await step(builds, missing))[0].results, missing.results) == (3, 0)
    public = await gave(task(), "gives-private", script="echo a > a", source="a", artifact="public/a")
    given, said = await step(builds, public)
    assert (given.results, public.results) == (1, 0)
    assert "is public" in said


async def test_pipes_links_to_nothing_are_told_of_and_the_others_given(task: NewTask, builds: BuildbotBuilds) -> None:
    script = (
        "mkdir -p d/e; echo a > d/a; mkfifo d/pipe; ln -s nowhere d/dangling; ln -s a d/link;"
        "ln -s . d/same; ln -s .. d/e/up; echo b > d/e/b; ln -s e d/other"
    )
    build = await gave(task(), script=script, source="d")
    given, said = await step(builds, build)
    assert given.results == 2
    assert set(await contents(builds, build)) == {f"public/build/d/{each}" for each in ("a", "link", "e/b", "other/b")}, (
        "links are followed, but not round and round"
    )
    assert "d/pipe: no regular file" in said
    assert "d/dangling: no regular file" in said


async def test_steps_add_up_and_no_name_is_given_twice(task: NewTask, builds: BuildbotBuilds) -> None:
    script = "echo 1 > one; echo 2 > two"
    both = await gave(task(), "gives-twice", script=script, source="one", source2="two")
    assert await contents(builds, both) == {"public/build/one": b"1\n", "public/build/two": b"2\n"}
    clash = await gave(task(), "gives-twice", script=script, source="one", source2="two", artifact2="build/one")
    given, said = await step(builds, clash, "give2")
    assert given.results == 1
    assert "an earlier step of this build gave away an artifact 'public/build/one'" in said
    assert await contents(builds, clash) == {"public/build/one": b"1\n"}


async def test_a_build_that_is_not_of_the_bridge_gives_nothing(
    task: NewTask, builds: BuildbotBuilds, master: BuildbotSandbox
) -> None:
    build = await gave(task(), script="echo 1 > one", source="one")
    _, requests = await master.control(f"builds/{build.build_id}", "rebuild")
    (rebuilt,) = requests.values()

    async def foreign() -> list[dict[str, int]]:
        return (await master.rest(f"builds?buildrequestid={rebuilt}&complete=1"))["builds"]

    (again,) = await until(foreign, bool)
    assert again["results"] == 0
    (last,) = (await master.rest(f"builds/{again['buildid']}/steps?name=give"))["steps"]
    assert (last["results"], last["state_string"]) == (3, "no task (skipped)")
    for path in ("outputs", "outputs/1"):
        assert (await master.plugin("GET", f"builds/{again['buildid']}/{path}"))[0] == 404
    assert (await master.plugin("DELETE", f"builds/{again['buildid']}/outputs"))[0] == 404
    assert set(await contents(builds, build)) == {"public/build/one"}, "those of the other build are as they were"


async def test_files_of_another_build_with_the_same_number_are_never_served(
    task: NewTask, builds: BuildbotBuilds, master: BuildbotSandbox
) -> None:
    first = await gave(task(), script="echo 1 > one", source="one")
    (output,) = await builds.outputs(first.build_id)
    # As after a restore of Buildbot's database: the numbers come again, and the spool is still there.
    later = spool(master) / str(first.build_id + 1)
    (spool(master) / str(first.build_id)).rename(later)
    assert await builds.outputs(first.build_id) == ()

    second = await gave(task(), script="true", source="one")
    assert second.build_id == first.build_id + 1
    assert await builds.outputs(second.build_id) == ()
    with pytest.raises(NotFound):
        async with builds.output(second.build_id, output.number):
            pass

    third = await gave(task(), script="echo 3 > three; echo 4 > four", source="*")
    assert await contents(builds, third) == {"public/build/three": b"3\n", "public/build/four": b"4\n"}


async def test_a_worker_inside_the_master_gives_as_well(task: NewTask, builds: BuildbotBuilds) -> None:
    script = "mkdir d; head -c 1000000 /dev/zero > d/large; echo é > 'd/ü b'"
    build = await gave(task(), "gives-local", script=script, source="d", artifact="x")
    given, said = await step(builds, build)
    assert given.results == 0, said
    assert await contents(builds, build) == {"public/x/large": bytes(1_000_000), "public/x/%C3%BC b": "é\n".encode()}
