"""A live fleet is moved: certificates are asked for, judged and logged, nobody is refused; then they are required.

What makes this red: in src/plan/check.rs, `optional` in place of `optional_no_ca` (who has a certificate of somebody
else is refused), or in the template a check that refuses while nothing is enforced.
"""

import dataclasses

import certs
from clients import Attempt
from conftest import each_build_and, newer_build_and
from manager import NAME, Manager, both_services
from nim_tree import OLDER, PLAIN
from test_gate import with_issued
from tool import AGENTS, Tool, answers

OBSERVE = answers() + "options: {enforce: observe}\n"
PROPER = Attempt(sni=NAME)


def with_foreign(manager: Manager) -> Attempt:
    pair = certs.issue(manager.work, certs.authority(manager.work, "foreign-ca"), "foreign", "clientAuth")
    return dataclasses.replace(PROPER, client="h2", cert=manager.carry(pair.cert), key=manager.carry(pair.key))


def reached(manager: Manager, *attempts: Attempt) -> list[bool]:
    return [outcome.reached for each in attempts for outcome in manager.attempt(both_services(each))]


def seen(tool: Tool) -> dict:
    return tool.run("agents", "--format", "json").must(0)


@each_build_and([PLAIN])
def test_nobody_is_refused_until_all_are_ready(manager: Manager, tool: Tool) -> None:
    before = manager.read("/etc/nginx/conf.d/nms-http.conf")
    assert seen(tool)["enforced"] == "no" and seen(tool)["agents"] == []
    done = tool.apply(OBSERVE).must(0, "applied")
    noted = [row for row in done["proof"] if row["expected"] == "let in, noted"]
    assert len(noted) == 4 and all(row["ok"] for row in noted), done["proof"]
    assert not [row for row in done["proof"] if row["ok"] is False], done["proof"]
    assert done["notes"][0].startswith("NOT ENFORCED"), done["notes"]

    attempts = [with_issued(AGENTS[0]), PROPER, with_foreign(manager)]
    assert all(reached(manager, *attempts))
    found = seen(tool)
    assert found["enforced"] == "observe"
    ready = {agent["subject"] for agent in found["agents"] if agent["ready"]}
    # What the proof itself tried is no agent's doing.
    assert ready == {f"CN={AGENTS[0]}"}, found
    assert any(not agent["ready"] for agent in found["agents"]), found
    for command in (["check"], ["agents"], ["doctor"], ["verify"]):
        said = " ".join(tool.run(*command).out.split())
        assert "NOT ENFORCED" in said, (command, said)
    tool.apply(OBSERVE).must(0, "unchanged")

    plan = tool.run("plan", "--answers", "/mnt/answers.yaml", "--format", "json").document
    assert plan["steps"] == []
    done = tool.apply(answers()).must(0, "applied")
    assert " would be cut off: " in " ".join(done["notes"]), done["notes"]
    assert seen(tool)["enforced"] == "require"
    assert reached(manager, *attempts) == [True] * 2 + [False] * 4

    # And back again, by an answer and by an undo.
    tool.apply(OBSERVE).must(0, "applied")
    assert all(reached(manager, *attempts))
    for _ in range(3):
        tool.rollback().must(0)
    assert manager.read("/etc/nginx/conf.d/nms-http.conf") == before


@newer_build_and([OLDER])
def test_where_the_check_stands_in_the_server_itself_it_changes_there(manager: Manager, tool: Tool) -> None:
    manager.edit("/etc/nginx/conf.d/nms-http.conf", "    include /etc/nms/nginx/locations/*.conf;\n", "")
    manager.restart_tree()
    tool.apply(OBSERVE).must(0, "applied")
    assert all(reached(manager, PROPER))
    tool.apply(answers()).must(0, "applied")
    assert not any(reached(manager, PROPER)) and all(reached(manager, with_issued(AGENTS[0])))
    tool.apply(answers()).must(0, "unchanged")


def test_it_belongs_to_client_mtls(binary, tmp_path) -> None:  # noqa: ANN001
    from folder import Folder, FolderTool

    folder = Folder(tmp_path / "root")
    text = folder.path("/mnt/answers.yaml").read_text()
    folder.path("/mnt/answers.yaml").write_text(
        text.replace("client-mtls", "ssl-termination") + "\noptions: {enforce: observe}\n"
    )
    done = FolderTool(folder, binary).run("plan", "--answers", str(folder.path("/mnt/answers.yaml")))
    assert done.code == 2 and "options.enforce" in done.err and "client-mtls" in done.err, done
