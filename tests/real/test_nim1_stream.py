"""Agents of NGINX Instance Manager 1 met below HTTP, in nginx's stream: TLS ended there, or passed on to the manager,
which is a stand-in (see nim1.py)."""

import dataclasses
import json
from pathlib import Path

import certs
import pytest
from clients import Attempt
from lab import Nginx
from manager import NAME, both_services
from nim1 import AGENTS_PORT, CERTS, CONF_D, OUTSIDE, PROPER, Nim1, nim1_answers, nim1_tool, with_issued
from snapshot import differences, take
from test_gate import issuing_ca
from tool import AGENTS, Tool, issued
from walk import there_and_back

pytestmark = pytest.mark.alternating

STREAM = "options: {grpc_context: stream}\n"
PASSED = "options: {grpc_context: stream, grpc_passthrough: true}\n"
FILE = "/etc/nginx/stream.conf.d/nginx-grpc-stream.conf"
VERDICTS = "/var/log/nginx/nim-tls-agents.log"


@pytest.fixture
def tool(nim1: Nim1, binary: Path) -> Tool:
    return nim1_tool(nim1, binary)


def without() -> Attempt:
    return dataclasses.replace(PROPER, ca=issued(AGENTS[0], "ca.pem"))


def test_only_agents_with_a_certificate_get_through_the_stream(nim1: Nim1, tool: Tool) -> None:
    main = nim1.read("/etc/nginx/nginx.conf")
    before = take(nim1)
    done = tool.apply(nim1_answers(more=STREAM)).must(0, "applied")
    assert all(row["ok"] is not False for row in done["proof"]), done["proof"]
    # Nothing of the main file changes but for the block at its end.
    assert nim1.read("/etc/nginx/nginx.conf") == main + "stream {\n    include /etc/nginx/stream.conf.d/*.conf;\n}\n"

    foreign_ca = certs.authority(nim1.work, "foreign-ca")
    foreign = certs.issue(nim1.work, foreign_ca, "foreign", "clientAuth")
    own = issuing_ca(nim1)
    expired = certs.issue(nim1.work, own, AGENTS[0], "clientAuth", life=certs.PAST, chain=own.cert)
    papers = [(nim1.carry(pair.cert), nim1.carry(pair.key)) for pair in (foreign, expired)]
    papers += [(None, None), (f"{CERTS}/nginx-manager.crt", f"{CERTS}/nginx-manager.key")]
    strangers = [
        dataclasses.replace(without(), client=client, cert=cert, key=key)
        for client in ("grpcio", "h2")
        for cert, key in papers
    ]
    strangers += [
        Attempt(port=AGENTS_PORT, authority=NAME),
        Attempt(port=AGENTS_PORT, address=OUTSIDE),
        Attempt(port=AGENTS_PORT, sni="wrong.example.com"),
        Attempt(port=AGENTS_PORT, sni=NAME, client="http1"),
    ]
    welcome = [each for agent in AGENTS for each in both_services(with_issued(agent))]
    refused = [each for attempt in strangers for each in both_services(attempt)]
    outcomes = nim1.attempt(welcome + refused)
    wrong = [each for each in outcomes[: len(welcome)] if not each.reached]
    wrong += [each for each in outcomes[len(welcome) :] if each.reached]
    assert not wrong, "\n".join(map(str, wrong))

    lines = [json.loads(line) for line in nim1.read(VERDICTS).splitlines()]
    assert {(line["verify"], line["answer"]) for line in lines} >= {("SUCCESS", "204"), ("NONE", "401")}
    tool.apply().must(0, "unchanged")
    assert tool.run("verify").code == 0
    today = tool.run("agents", "--format", "json").document
    assert today["enforced"] == "require"
    # The proof called from here, and is no agent.
    assert not [agent for agent in today["agents"] if agent["address"] == "127.0.0.1"], today

    session = nim1.hold("session", dataclasses.replace(with_issued(AGENTS[0]), client="h2"))
    assert session.report()["grpc"] == 12
    tool.run("certs", "revoke", AGENTS[0], "--yes", "--format", "json").must(0, "applied")
    assert session.report()["grpc"] != 12
    outcomes = nim1.attempt([each for agent in AGENTS for each in both_services(with_issued(agent))])
    assert [each.reached for each in outcomes] == [False, False, True, True], outcomes
    tool.rollback().must(0, "rolled-back")
    tool.rollback().must(0, "rolled-back")
    assert take(nim1) == before


def test_what_is_passed_through_is_judged_by_the_manager(nim1: Nim1, tool: Tool) -> None:
    """Whether the product refuses anybody is not known here: both are played by the stand-in."""
    before = take(nim1)
    failed = tool.apply(nim1_answers(more=PASSED)).must(3)
    assert {row["case"] for row in failed["proof"] if row["ok"] is False} >= {"no certificate"}
    assert take(nim1) == before

    # No file differs between the methods: it is tried all the same.
    tool.apply(nim1_answers("ssl-termination", PASSED)).must(0, "applied")
    failed = tool.apply(nim1_answers(more=PASSED)).must(1)
    assert "proof does not hold" in failed["problem"], failed["problem"]
    tool.rollback().must(0, "rolled-back")
    assert take(nim1) == before

    nim1.write("/mnt/verifies", "")
    nim1.start_services()
    done = tool.apply(nim1_answers(more=PASSED)).must(0, "applied")
    assert {row["ok"] for row in done["proof"] if row["case"] == "TLS 1.1" and ":10443" in row["leg"]} == {None}
    assert "ssl" not in nim1.read(FILE).replace("listen", "").split("server {")[1]
    outcomes = nim1.attempt([with_issued(AGENTS[0]), without()])
    assert [each.reached for each in outcomes] == [True, False], outcomes
    page = nim1.run("curl", "-sS", "--cacert", issued(AGENTS[0], "ca.pem"), f"https://{NAME}/ui").stdout
    assert '"path": "/ui"' in page
    assert nim1.listens_on(10000) == {"127.0.0.1"}
    tool.rollback().must(0, "rolled-back")
    assert take(nim1) == before


def judged(nim1: Nim1, by_certificate: bool) -> None:
    """The manager is told whom to let in, and started anew."""
    nim1.run(*(["touch"] if by_certificate else ["rm", "-f"]), "/mnt/verifies")
    nim1.start_services()


@pytest.mark.parametrize("way", ["no proxy", "passed through"])
def test_what_no_file_tells_is_told_by_the_run_that_proved_it(nim1: Nim1, tool: Tool, way: str) -> None:
    """Methods that differ in no file: to which one it was switched decides what verify asks, and is undone first.

    What makes it red: in src/plan a plan without steps for the method without certificates; in src/worker/apply.rs the
    run that only proves called unchanged; in src/receipt.rs such a run left out of those in force; in
    src/worker/target.rs a run before it that may be undone first.
    """

    def cell(method: str) -> str:
        if way == "passed through":
            return nim1_answers(method, PASSED)
        return nim1_answers(method).replace("proxy: nginx-oss", "proxy: none")

    def verifies() -> int:
        return tool.run("verify").code

    before = take(nim1)
    judged(nim1, by_certificate=True)
    mutual = tool.apply(cell("client-mtls")).must(0, "applied")
    tree = take(nim1)
    # Nobody is let in without a certificate: this is not what is asked for.
    refused = tool.apply(cell("ssl-termination")).must(1)
    assert "proof does not hold" in refused["problem"], refused["problem"]
    judged(nim1, by_certificate=False)
    assert verifies() == 1

    switched = tool.apply(cell("ssl-termination")).must(0, "applied")
    assert switched["changed"] == [], switched
    assert differences(tree, take(nim1)) == []
    assert verifies() == 0
    tool.apply().must(0, "unchanged")
    judged(nim1, by_certificate=True)
    assert verifies() == 1

    # And back again, which is a run of its own too.
    again = tool.apply(cell("client-mtls")).must(0, "applied")
    assert again["changed"] == [] and verifies() == 0
    tool.apply().must(0, "unchanged")
    tool.rollback().must(0, "rolled-back")
    assert verifies() == 1
    judged(nim1, by_certificate=False)
    assert verifies() == 0

    # What it stands on is not taken away from below it.
    early = tool.run("rollback", mutual["run"], "--yes", "--format", "json")
    assert early.code == 1 and switched["run"] in early.err, early
    tool.rollback().must(0, "rolled-back")
    assert verifies() == 1
    judged(nim1, by_certificate=True)
    assert verifies() == 0
    tool.rollback().must(0, "rolled-back")
    assert take(nim1) == before


def test_from_one_context_to_the_other_and_back(nim1: Nim1, tool: Tool) -> None:
    cells = [
        nim1_answers(),
        nim1_answers(more=STREAM),
        nim1_answers("ssl-termination", STREAM),
        nim1_answers("ssl-termination", PASSED),
        nim1_answers("ssl-termination"),
        nim1_answers(more=STREAM),
        nim1_answers(),
    ]
    there_and_back(tool, cells, lambda cell: agents_are_met_by(nim1, cell))


def agents_are_met_by(nim1: Nim1, cell: str) -> None:
    outcomes = nim1.attempt(both_services(without()))
    assert all(each.reached for each in outcomes) != ("client-mtls" in cell), cell
    assert any(each.reached for each in outcomes) != ("client-mtls" in cell), cell
    if "client-mtls" in cell:
        assert all(each.reached for each in nim1.attempt(both_services(with_issued(AGENTS[0])))), cell
    in_stream = "stream" in cell
    assert nim1.run("test", "-e", FILE, check=False).returncode == (0 if in_stream else 1)
    assert nim1.run("test", "-e", f"{CONF_D}/nginx-manager-grpc.conf", check=False).returncode == int(in_stream)


def test_a_file_that_another_one_reads_stays(nim1: Nim1, tool: Tool) -> None:
    tool.apply(nim1_answers()).must(0, "applied")
    nim1.write(f"{CONF_D}/other.conf", f"server {{ listen 81; include {CONF_D}/errors.grpc_conf; }}\n")
    nim1.restart_tree()
    tool.apply(nim1_answers(more=STREAM)).must(0, "applied")
    assert nim1.run("test", "-e", f"{CONF_D}/errors.grpc_conf").returncode == 0
    assert nim1.run("test", "-e", f"{CONF_D}/nginx-manager-grpc.conf", check=False).returncode == 1


BLOCK = "stream {\n\t# ours\n\tupstream other { server 127.0.0.1:9; }\n}\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (BLOCK, "\tinclude /etc/nginx/stream.conf.d/*.conf;\n"),
        (BLOCK.replace("}\n}", "}\n\tinclude streams/*.conf;\n}"), ""),
        (BLOCK.replace("\n", "\r\n"), "\tinclude /etc/nginx/stream.conf.d/*.conf;\r\n"),
    ],
)
def test_a_stream_block_that_is_there_is_used(nim1: Nim1, tool: Tool, text: str, line: str) -> None:
    nim1.write("/etc/nginx/nginx.conf", nim1.read("/etc/nginx/nginx.conf") + text)
    nim1.restart_tree()
    before = take(nim1)
    main = nim1.run("cat", "/etc/nginx/nginx.conf").stdout
    tool.apply(nim1_answers(more=STREAM)).must(0, "applied")
    place = FILE if line else "/etc/nginx/streams/nginx-grpc-stream.conf"
    assert nim1.run("test", "-e", place).returncode == 0
    after = nim1.run("cat", "/etc/nginx/nginx.conf").stdout
    assert after == main[: -len("}\n")] + line.replace("\r\n", "\n") + "}\n"
    # As each other line ends, so does that one.
    ends = nim1.run("grep", "-c", "\r$", "/etc/nginx/nginx.conf", check=False).stdout
    assert int(ends) == text.count("\r\n") + line.count("\r\n")
    tool.rollback().must(0, "rolled-back")
    assert take(nim1) == before


WAYS_ROUND = {
    "a second stream": ("stream { server { listen 10444; proxy_pass 127.0.0.1:10000; } }\n", "straight to a service"),
    "lent": (
        "stream { server { listen 10444; proxy_ssl on; proxy_ssl_certificate /a; proxy_ssl_certificate_key /b; "
        "proxy_pass 127.0.0.1:10443; } }\n",
        "certificate of its own",
    ),
    "trusted for all": (
        "stream { ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt; include stream.conf.d/*.conf; }\n",
        "could vouch for an agent",
    ),
    "the same port": ("stream { server { listen 10443; proxy_pass 127.0.0.1:9; } }\n", "agents need for themselves"),
}


@pytest.mark.parametrize("way", WAYS_ROUND)
def test_ways_round_the_stream_are_refused(nim1: Nim1, tool: Tool, way: str) -> None:
    text, said = WAYS_ROUND[way]
    key = certs.issue(nim1.work, certs.authority(nim1.work, "other"), "a", "clientAuth")
    nim1.write("/a", key.cert.read_bytes())
    nim1.write("/b", key.key.read_bytes())
    nim1.write("/etc/nginx/nginx.conf", nim1.read("/etc/nginx/nginx.conf") + text)
    nim1.restart_tree()
    before = take(nim1)
    refused = tool.apply(nim1_answers(more=STREAM))
    assert refused.code == 1 and said in refused.err, refused
    assert take(nim1) == before


def test_http_that_passes_to_the_manager_is_refused(nim1: Nim1, tool: Tool) -> None:
    nim1.write(f"{CONF_D}/other.conf", "server { listen 8123; location / { proxy_pass http://127.0.0.1:10000; } }\n")
    nim1.restart_tree()
    refused = tool.apply(nim1_answers(more=STREAM))
    assert refused.code == 1 and "which is the manager" in refused.err, refused


@pytest.mark.both
def test_a_module_that_is_not_loaded_is_said(nim1: Nim1, tool: Tool) -> None:
    if nim1.nginx.binary:
        pytest.skip("this build has it built in")
    main = nim1.read("/etc/nginx/nginx.conf")
    nim1.write("/etc/nginx/nginx.conf", main.replace("include /etc/nginx/modules-enabled/*.conf;\n", ""))
    nim1.restart_tree()
    refused = tool.apply(nim1_answers(more=STREAM))
    assert refused.code == 1 and "apt-get install libnginx-mod-stream" in refused.err, refused


def test_a_port_of_somebody_else_is_said(nim1: Nim1, tool: Tool) -> None:
    nim1.spawn("python3", "-m", "http.server", str(AGENTS_PORT))
    wait = nim1.run("sh", "-c", f"for i in $(seq 50); do ss -ltnH | grep -q :{AGENTS_PORT} && exit 0; sleep 0.1; done")
    assert wait.returncode == 0
    refused = tool.apply(nim1_answers(more=STREAM))
    assert refused.code == 1 and f"port {AGENTS_PORT} belongs to python3" in refused.err, refused


@pytest.mark.parametrize(
    ("method", "options", "said"),
    [
        ("client-mtls", "grpc_context: stream, enforce: observe", "options.enforce"),
        ("client-mtls", "grpc_context: stream, backend_tls: true", "options.backend_tls"),
        ("client-mtls", "grpc_passthrough: true", "belongs to grpc_context: stream"),
        ("client-mtls", "grpc_context: udp", "say http or stream"),
        ("client-mtls", "grpc_context: stream, grpc_passthrough: true, crl: true", "options.crl"),
        ("client-mtls", "grpc_context: stream, grpc_passthrough: true, trust_store: false", "trust_store is false"),
    ],
)
def test_what_a_stream_cannot_do_is_refused(nim1: Nim1, tool: Tool, method: str, options: str, said: str) -> None:
    before = take(nim1)
    refused = tool.apply(nim1_answers(method, f"options: {{{options}}}\n"))
    assert refused.code == 2 and said in refused.err, refused
    assert take(nim1) == before
