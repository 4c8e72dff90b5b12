"""Role instance with NGINX Plus: its usage reports go to the manager, whose certificate is verified and proven.

NGINX Plus is a STAND-IN: open-source nginx that says another version and passes the mgmt block over (plus_stand_in.c).
It loads, tests, and reloads for real, and reports nothing; nothing here has run on NGINX Plus. The receiver of the
reports is the real nginx before the manager's stand-in, and its certificate is judged over real connections. What
makes these tests red: in src/plan/usage_reporting.rs, a line that is left out, or written twice; in
src/verify/reports.rs, a row that says yes to a certificate of another authority or for another name.
"""

import pytest
import snapshot
import yaml
from conftest import BUILDS, each_build_and
from instance import BUNDLE, CERTS, SETTINGS, asked, hand_out, instance_answers, with_agent, without_manager
from manager import NAME, Manager
from nim_tree import PLAIN
from plus import R32, R33, dress
from talk import LocalTalk, to_names
from tool import Tool, answers

pytestmark = pytest.mark.alternating

MAIN = "/etc/nginx/nginx.conf"
VENDORS = "mgmt {\n  usage_report endpoint=127.0.0.1 interval=30m;\n  ssl_verify off;\n}\n"
MERGED = (
    f"mgmt {{\n  usage_report endpoint={NAME} interval=30m;\n  ssl_verify on;\n"
    f"  ssl_trusted_certificate {CERTS}/agent-ca.pem;\n}}\n"
)
# The static build takes nobody's library.
plus = each_build_and([PLAIN], BUILDS[:1])


def reporting(usage: str = "{}") -> str:
    return instance_answers().replace("nginx-oss", "nginx-plus") + f"usage_reporting: {usage}\n"


def instance(manager: Manager, tool: Tool, release: str = R33, block: str = VENDORS) -> str:
    """A manager that enforces client mTLS, and an instance with NGINX Plus. Gives its nginx.conf."""
    tool.apply(answers()).must(0, "applied")
    with_agent(manager, tool)
    hand_out(manager)
    manager.write(MAIN, manager.read(MAIN) + block)
    dress(manager, release)
    return manager.read(MAIN)


def reports(found: dict) -> dict[str, dict]:
    return {row["case"]: row for row in found["proof"] if row["leg"].startswith("usage reports at ")}


def restarts(manager: Manager) -> int:
    return asked(manager).count(["restart", "nginx-agent"])


@plus
@pytest.mark.parametrize("release", [R32, R33], ids=["R32", "R33"])
def test_the_vendors_block_is_merged_proven_and_put_back(manager: Manager, tool: Tool, release: str) -> None:
    written = instance(manager, tool, release)
    before = snapshot.take(manager)
    old = manager.workers()
    found = tool.apply(reporting()).must(0, "applied")
    assert manager.read(MAIN) == written.replace(VENDORS, MERGED)
    assert not manager.workers() & old, "nginx has loaded it"
    rows = reports(found)
    assert rows["its certificate"] | {"why": None} == {
        "leg": f"usage reports at {NAME}:443", "case": "its certificate", "expected": f"for {NAME}", "seen": "it is",
        "ok": True, "why": None,
    }  # fmt: skip
    assert rows["a report of NGINX Plus"]["ok"] is None, "nobody has seen one"
    assert "in force" not in found and any("depends on these" in note for note in found["notes"]) is (release == R33)

    assert tool.apply(reporting()).must(0)["outcome"] == "unchanged"
    verified = tool.run("verify", "--format", "json")
    assert verified.code == 0 and reports(verified.document)["its certificate"]["ok"], verified
    assert not unverified(tool)

    tool.rollback().must(0, "rolled-back")
    assert snapshot.differences(before, snapshot.take(manager)) == []
    assert unverified(tool) == [f"{MAIN}:{written[: written.index('  ssl_verify off')].count(chr(10)) + 1}"]


def unverified(tool: Tool) -> list[str]:
    """Where the doctor finds that reports go to anybody."""
    findings = tool.run("doctor", "--format", "json").document["findings"]
    return [
        f"{seen['file']}:{seen['line']}"
        for finding in findings
        if finding["cause"] == "usage-report-unverified" and finding["severity"] == "warning"
        for seen in finding["evidence"]
    ]


@plus
def test_a_block_is_made_where_there_is_none_and_the_agent_goes_on(manager: Manager, tool: Tool) -> None:
    written = instance(manager, tool, block="")
    tool.apply(instance_answers().replace("nginx-oss", "nginx-plus")).must(0, "applied")
    assert manager.read(MAIN) == written, "nobody has asked for reports"
    count = restarts(manager)
    found = tool.apply(reporting()).must(0, "applied")
    own = MERGED.replace(" interval=30m", "").replace("  ", "    ")
    assert manager.read(MAIN) == f"{written}\n{own}"
    assert found["changed"] == [MAIN] and restarts(manager) == count
    assert any(row["case"] == "the agent itself" and row["ok"] for row in found["proof"]), found["proof"]


@plus
def test_a_block_in_a_file_of_its_own_with_tabs_and_carriage_returns(manager: Manager, tool: Tool) -> None:
    own, line = "/etc/nginx/usage.main", "include /etc/nginx/usage.main;\n"
    tool.apply(answers()).must(0, "applied")
    with_agent(manager, tool)
    hand_out(manager)
    manager.write(own, VENDORS.replace("  ", "\t").replace("\n", "\r\n"))
    manager.write(MAIN, manager.read(MAIN) + line)
    dress(manager, R33)
    before, main = snapshot.take(manager), manager.read(MAIN)
    tool.apply(reporting()).must(0, "applied")
    assert manager.read(own) == MERGED.replace("  ", "\t").replace("\n", "\r\n")
    assert manager.read(MAIN) == main
    assert tool.apply(reporting()).must(0)["outcome"] == "unchanged"
    tool.rollback().must(0, "rolled-back")
    assert snapshot.differences(before, snapshot.take(manager)) == []


@plus
@pytest.mark.parametrize(
    ("release", "seen"), [(R33, "do not lead to the trusted root"), (R32, f"only for {NAME}")], ids=["by its name", "by no name"]
)  # fmt: skip
def test_a_receiver_with_a_wrong_certificate_is_put_back(manager: Manager, tool: Tool, release: str, seen: str) -> None:
    """Of its own authority, and right in its name. R32 says no name when it connects, so it meets another server."""
    instance(manager, tool, release)
    name = "foreign.example.com"
    manager.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-addext", "basicConstraints=critical,CA:FALSE", "-days", "9",
                "-keyout", "/etc/nginx/foreign.key", "-out", "/etc/nginx/foreign.crt")  # fmt: skip
    pair = "ssl_certificate /etc/nginx/foreign.crt; ssl_certificate_key /etc/nginx/foreign.key;"
    manager.write("/etc/nginx/conf.d/zz-foreign.conf", f"server {{ listen 443 ssl; server_name {name}; {pair} }}\n")
    manager.write("/etc/hosts", manager.read("/etc/hosts") + f"127.0.0.1 {name}\n")
    manager.reload_nginx()
    before = snapshot.take(manager)
    found = tool.apply(reporting(f"{{endpoint: {name}}}")).must(3)
    row = reports(found)["its certificate"]
    assert row["ok"] is False and seen in row["seen"], row
    assert f"usage reports at {name}:443, its certificate" in found["problem"], found["problem"]
    assert snapshot.differences(before, snapshot.take(manager)) == []


@plus
def test_not_verified_is_loud_and_can_be_taken_back(manager: Manager, tool: Tool) -> None:
    instance(manager, tool)
    manager.write("/mnt/answers.yaml", reporting("{verify: false}"))
    plan = tool.run("plan", "--answers", "/mnt/answers.yaml", "--format", "json").document
    assert plan["notes"][0].startswith("NOT VERIFIED: "), plan["notes"]
    found = tool.apply().must(0, "applied")
    assert "# nim-tls: NOT VERIFIED, as usage_reporting.verify is false\n  ssl_verify off;\n" in manager.read(MAIN)
    row = reports(found)["its certificate"]
    assert row["ok"] is None and "usage_reporting.verify is false" in row["why"], row
    assert len(unverified(tool)) == 1
    assert tool.apply().must(0)["outcome"] == "unchanged"
    tool.apply(reporting()).must(0, "applied")
    assert manager.read(MAIN).endswith(MERGED) and not unverified(tool)


@plus
def test_what_cannot_be_is_refused_before_anything_is_touched(manager: Manager, tool: Tool) -> None:
    written = instance(manager, tool)
    before = snapshot.take(manager)

    def refused(text: str, code: int, words: str) -> None:
        done = tool.apply(text)
        assert done.code == code and words in " ".join(done.err.split()), done
        assert snapshot.differences(before, snapshot.take(manager)) == []

    oss = reporting().replace("nginx-plus", "nginx-oss")
    refused(oss, 2, "usage_reporting (line 10, column 18) belongs to proxy: nginx-plus")
    refused(answers() + "usage_reporting: {}\n", 2, "belongs to role instance, with proxy: nginx-plus")
    refused(reporting("{endpoint: 10.0.0.5}"), 2, "usage_reporting.endpoint")
    refused(reporting("{endpoint: nowhere.example.com}"), 1, "nowhere.example.com does not resolve on this host")

    manager.write("/etc/plus-stand-in.version", "1.25.1 (nginx-plus-r30)")
    before = snapshot.take(manager)
    refused(reporting(), 1, "mgmt block, which NGINX Plus has from R31 on, and this is NGINX Plus r30 (1.25.1)")

    # A line that the running release does not know: nginx says so, and nothing was touched.
    manager.write("/etc/plus-stand-in.version", R33)
    manager.write(MAIN, written.replace("ssl_verify off;", "ssl_name x;"))
    before = snapshot.take(manager)
    refused(reporting(), 1, 'unknown directive "ssl_name"')


@plus
def test_the_wizard_asks_where_reports_go_and_none_changes_nothing(manager: Manager, tool: Tool) -> None:
    written = instance(manager, tool)
    around = without_manager(manager)
    # A reload is to find the manager's server again, under a name that tells nobody of a manager.
    manager.run("mv", "/mnt/hidden/nms-http.conf", "/etc/nginx/conf.d/site.conf")
    for answer, expected in (("none", written), (NAME, written.replace(VENDORS, MERGED))):
        with LocalTalk(manager, tool.binary, "lines", **around) as talk:
            talk.wait_for_news("What next?")
            to_names(talk)
            talk.answer("Name of the manager", NAME)
            talk.answer("Usage reports go to", answer)
            talk.wait_for_news("5/8 Certificates")
            talk.answer("Files of this agent", BUNDLE)
            talk.answer("Put the root", "no")
            talk.answer("Have systemd look after it")
            talk.wait_for_news("Show which file?")
            talk.answer("Show which file?", "next")
            talk.wait_for_news("Change this host now?")
            talk.answer("Change this host now?", "yes")
            shown = talk.wait_for_news("Keep it, or put", seconds=90)
            assert "PROVEN" in shown and "NOT PROVEN" not in shown, shown
            talk.answer("Keep it, or put", "keep")
            assert talk.exit_code(60) == 0, talk.text
        assert manager.read(MAIN) == expected
    assert yaml.safe_load(manager.read(SETTINGS))["server"]["host"] == NAME
