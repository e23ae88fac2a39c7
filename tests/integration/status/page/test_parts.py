"""What the modules reckon and draw, asked of them in the browser that runs them."""

from itertools import pairwise
from typing import Any

from playwright.async_api import Browser

from tests.integration.status.serving import Served
from tests.sandbox.browser import Tab, tab

PLACES = """async ([nodes, edges]) => {
    const {graph} = await import('/assets/graph.js');
    const drawn = graph(nodes.map((id) => ({id, href: '/', title: id, words: 'x', tone: null})), edges);
    const places = [...drawn.querySelectorAll('.node')].map((node) => [
        node.querySelector('title').textContent.split('\\n')[2], Number(node.querySelector('rect').getAttribute('x'))]);
    return [Object.fromEntries(places), drawn.querySelectorAll('.edge').length];
}"""


async def placed(seen: Tab, nodes: list[str], **edges: list[str]) -> tuple[dict[str, float], int]:
    """How far right each task is drawn, and how many lines there are."""
    asked = [{"taskId": task, "dependsOn": on} for task, on in edges.items()]
    places, lines = await seen.page.evaluate(PLACES, [nodes, asked])
    return places, lines


async def asked(seen: Tab, module: str, expression: str) -> Any:
    return await seen.page.evaluate(f"async () => {{ const it = await import('/assets/{module}.js'); return {expression} }}")


async def test_a_task_is_drawn_right_of_all_on_which_it_depends(api: Served, chromium: Browser) -> None:
    async with tab(chromium, api.url) as seen:
        await seen.go("/stuck")
        places, lines = await placed(seen, ["d", "c", "b", "a"], b=["a"], c=["b", "a"], d=["b", "c"])
        assert places["a"] < places["b"] < places["c"] < places["d"]
        assert lines == 5
        places, lines = await placed(seen, ["a", "b", "c"], a=["b", "nowhere"], b=["a"], c=["c"])
        assert set(places) == {"a", "b", "c"}
        assert lines == 3
        many = [f"t{number}" for number in range(300)]
        chain = {task: [before] for before, task in pairwise(many)}
        places, lines = await placed(seen, many, **chain)
        assert (len(set(places.values())), lines) == (300, 299)


async def test_times_are_told_in_two_units_at_most(api: Served, chromium: Browser) -> None:
    async with tab(chromium, api.url) as seen:
        await seen.go("/stuck")
        told = await asked(seen, "times", "[0, 0.4, 59, 60, 61, 3600, 3660, 90000, 864000, -5].map(it.lasting)")
        assert told == ["0 s", "0 s", "59 s", "1 min", "1 min 1 s", "1 h", "1 h 1 min", "1 d 1 h", "10 d", "0 s"]


async def test_only_addresses_of_the_web_become_links(api: Served, chromium: Browser) -> None:
    async with tab(chromium, api.url) as seen:
        await seen.go("/stuck")
        tried = "['https://a.example.org', 'HTTP://b', 'javascript:alert(1)', 'data:text/html,x', '//c', '', null]"
        kinds = await asked(seen, "dom", f"{tried}.map((address) => it.outside(address, 'x').nodeName)")
        assert kinds == ["A", "A", "SPAN", "SPAN", "SPAN", "SPAN", "SPAN"]
