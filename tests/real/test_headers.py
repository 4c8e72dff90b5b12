"""Headers that tell browsers to be careful arrive with every page and every error, each once.

What makes this red: in src/plan/headers.rs, headers for the server alone (the user interface has a header of its own,
and inherits none), or lines without `always`.
"""

from conftest import each_build_and
from manager import NAME, Manager
from nim_tree import NMS_HTTP, PLAIN, Shape
from tool import Tool, answers

WANTED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "sameorigin",
    "referrer-policy": "strict-origin",
    "strict-transport-security": "max-age=86400",
}
PATHS = ("/", "/ui/", "/ui/some/page", "/api/platform/v1/health", "/401.json", "/nothing-here")


def headers(manager: Manager, path: str) -> list[tuple[str, str]]:
    """As a browser gets them; values without regard to upper and lower case."""
    said = manager.run("curl", "-sk", "-D", "-", "-o", "/dev/null", "--max-time", "10", f"https://{NAME}{path}").stdout
    lines = (line.partition(":") for line in said.splitlines()[1:] if ":" in line)
    return [(name.lower(), value.strip().lower()) for name, _, value in lines if name.lower() in WANTED]


@each_build_and([PLAIN, Shape("included", included=True)])
def test_they_arrive_with_every_page_and_every_error_once(manager: Manager, tool: Tool) -> None:
    assert any(dict(headers(manager, path)) != WANTED for path in PATHS), "nothing would be shown"
    done = tool.apply(answers("ssl-termination")).must(0, "applied")
    for path in PATHS:
        found = headers(manager, path)
        assert dict(found) == WANTED and len(found) == len(WANTED), (path, found)
    proven = [row for row in done["proof"] if row["expected"] == "sent"]
    assert len(proven) == 2 and all(row["ok"] for row in proven), done["proof"]


@each_build_and([PLAIN])
def test_the_proof_sees_that_they_are_gone(manager: Manager, tool: Tool) -> None:
    tool.apply(answers("ssl-termination")).must(0, "applied")
    manager.edit(NMS_HTTP, "Referrer-Policy", "X-Nothing")
    manager.restart_tree()
    done = tool.run("verify", "--format", "json")
    (page, error) = (row for row in done.must(1)["proof"] if row["expected"] == "sent")
    assert page["ok"] is False and "Referrer-Policy" in page["seen"], page
    assert error["ok"] is False, error


@each_build_and([PLAIN])
def test_who_wants_none_finds_the_file_without(manager: Manager, tool: Tool) -> None:
    text = answers("ssl-termination") + "options: {security_headers: false}\n"
    before = [line for line in manager.read(NMS_HTTP).splitlines() if "add_header" in line]
    tool.apply(text).must(0, "applied")
    assert [line for line in manager.read(NMS_HTTP).splitlines() if "add_header" in line] == before
