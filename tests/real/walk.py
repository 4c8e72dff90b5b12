"""From one set of answers to the next and all the way back."""

from collections.abc import Callable

from cells import plan_hash
from snapshot import differences, take
from tool import Tool


def there_and_back(tool: Tool, steps: list[str], arrived: Callable[[str], None]) -> None:
    """Undone in the reverse order, each tree is as it was, byte for byte; and the first plan is the one it was."""
    first = plan_hash(tool, steps[0])
    trees = []
    for step in steps:
        trees.append(take(tool.manager))
        done = tool.apply(step).must(0, "applied")
        assert all(row["ok"] is not False for row in done["proof"]), step
        tool.apply().must(0, "unchanged")
        arrived(step)
    for tree in reversed(trees):
        tool.rollback().must(0, "rolled-back")
        assert differences(tree, take(tool.manager)) == []
    assert plan_hash(tool, steps[0]) == first


def every_way(nodes: list[str]) -> list[str]:
    """A walk that goes from each to each other once, and ends where it began (Hierholzer)."""
    left = {node: [other for other in nodes if other != node] for node in nodes}
    waiting, walked = [nodes[0]], []
    while waiting:
        if ways := left[waiting[-1]]:
            waiting.append(ways.pop())
        else:
            walked.append(waiting.pop())
    return walked[::-1]
