"""What `doctor` makes of a real nginx's logs and configuration."""

import certs
import snapshot
from clients import Attempt
from conftest import each_build_and, newer_build_and
from manager import NAME, Manager
from nim_tree import NMS_HTTP, PLAIN
from tool import Tool, answers

MAIN = "/etc/nginx/nginx.conf"
LOG = "/var/log/nginx/error.log"
AGENT_LOG = "/var/log/nginx-agent/agent.log"
DISTRUST = (
    'time="2026-11-26T11:00:00Z" level=error msg="Unable to create command channel: rpc error: code = Unavailable '
    'desc = connection error: desc = \\"transport: authentication handshake failed: tls: failed to verify '
    'certificate: x509: certificate signed by unknown authority\\""\n'
)


def examined(tool: Tool, *options: str, code: int = 0, before: tuple[str, ...] = ()) -> tuple[dict[str, dict], dict]:
    """Findings by name, and by path what was said of each log."""
    done = tool.run("doctor", "--format", "json", *options, before=before)
    assert done.code == code and "panicked" not in done.err, done
    found = done.document
    return {each["id"]: each for each in found["findings"]}, {each["path"]: each for each in found["sources"]}


@each_build_and([PLAIN])
def test_from_a_stock_manager_to_refused_clients(manager: Manager, tool: Tool) -> None:
    before = snapshot.take(manager)
    found, sources = examined(tool)
    asked = found["agents-not-asked"]
    assert asked["cause"] == "mtls-not-asked" and asked["severity"] == "warning"
    (line,) = asked["evidence"]
    assert line["file"] == NMS_HTTP and "ssl_verify_client" in line["text"]
    assert manager.read(NMS_HTTP).splitlines()[line["line"] - 1].strip() == line["text"]
    hides = found["log-level-hides"]
    assert hides["severity"] == "warning" and hides["evidence"][0]["text"] == f"error_log {LOG};"
    assert sources[LOG]["read"] and not sources[AGENT_LOG]["read"]
    assert snapshot.differences(before, snapshot.take(manager)) == []

    tool.apply(answers()).must(0, "applied")
    found, sources = examined(tool)
    # The proof's wrong clients are known for what they are, and all is well.
    assert found == {}

    manager.edit(MAIN, f"error_log {LOG};", f"error_log {LOG} info;")
    manager.restart_tree()
    authority = certs.authority(manager.work, "foreign-ca")
    pair = certs.issue(manager.work, authority, "foreign", "clientAuth")
    foreign = Attempt(sni=NAME, cert=manager.carry(pair.cert), key=manager.carry(pair.key))
    refused = manager.attempt([foreign, Attempt(client="http1", sni="other.example.com", authority=NAME)])
    assert not any(outcome.reached for outcome in refused)
    found, _ = examined(tool)
    assert "log-level-hides" not in found
    seen = found["client-chain-incomplete"]
    assert seen["cause"] == "client-chain-incomplete"
    log = manager.read(LOG).splitlines()
    for evidence in seen["evidence"]:
        assert evidence["file"] == LOG and evidence["text"] == log[evidence["line"] - 1][:400], evidence
    # The same lines from another address are no note.
    manager.write("/mnt/theirs.log", manager.read(LOG).replace("client: 127.", "client: 10."))
    found, sources = examined(tool, "--log", "/mnt/theirs.log", code=1)
    assert found["client-chain-incomplete"]["severity"] == "error" and sources["/mnt/theirs.log"]["read"]
    text = tool.run("doctor", "--log", "/mnt/theirs.log")
    assert text.code == 1 and "(client-chain-incomplete" in text.out and "\x1b" not in text.out, text
    assert all(len(line) <= 80 for line in text.out.splitlines() if "    " not in line), text


@each_build_and([PLAIN])
def test_a_configuration_that_does_not_load_is_named_with_its_line(manager: Manager, tool: Tool) -> None:
    manager.edit(NMS_HTTP, "server_name", "status_zone nim;\n    server_name")
    found, _ = examined(tool, code=1)
    refused = found["plus-only"]
    assert refused["cause"] == "plus-only-directive"
    (line,) = refused["evidence"]
    assert line["file"] == NMS_HTTP
    assert manager.read(NMS_HTTP).splitlines()[line["line"] - 1].strip() == "status_zone nim;"


@each_build_and([PLAIN])
def test_services_that_are_down_and_an_agent_that_distrusts(make_manager, nginx, shape, binary) -> None:  # noqa: ANN001
    manager = make_manager(nginx, shape)
    manager.start_nginx()
    tool = Tool(manager, binary)
    manager.run("curl", "-sko", "/dev/null", "https://127.0.0.1/api/platform/v1/systems")
    manager.write(AGENT_LOG, DISTRUST, 0o600)
    found, sources = examined(tool, code=1)
    assert found["service-socket-missing"]["cause"] == "upstream-socket-missing"
    assert found["agent-distrusts-manager"]["cause"] == "server-cert-untrusted"
    assert sources[AGENT_LOG]["read"]
    # What is old is told and is no error; what is older than asked for is passed over.
    manager.write(AGENT_LOG, DISTRUST.replace("2026-11-26", "2020-01-01"))
    found, _ = examined(tool, code=1)
    assert found["agent-distrusts-manager"]["severity"] == "info"
    found, _ = examined(tool, "--since", "1h", code=1)
    assert "agent-distrusts-manager" not in found and "service-socket-missing" in found


@newer_build_and([PLAIN])
def test_who_may_not_read_a_log_is_told(manager: Manager, tool: Tool) -> None:
    manager.path(LOG).chmod(0o600)
    _, sources = examined(tool, before=("setpriv", "--reuid", "65534", "--clear-groups"))
    assert not sources[LOG]["read"] and "ermission" in sources[LOG]["why"], sources
    done = tool.run("doctor", before=("setpriv", "--reuid", "65534", "--clear-groups"))
    assert "Only root" in done.err and "sudo nim-tls doctor" in done.err, done


@newer_build_and([PLAIN])
def test_a_log_that_was_asked_for_must_be_one(manager: Manager, tool: Tool) -> None:
    manager.write("/mnt/bytes", bytes(range(256)))
    manager.run("mkfifo", "/mnt/fifo")
    for name, why in (("bytes", "no text"), ("fifo", "FIFO"), ("none", "not there"), ("", "folder")):
        done = tool.run("doctor", "--log", f"/mnt/{name}")
        assert done.code == 2 and why in done.err and done.err.count(f"/mnt/{name}".rstrip("/")) <= 3, done


@newer_build_and([PLAIN])
def test_an_nginx_that_does_not_run_is_said(make_manager, nginx, shape, binary) -> None:  # noqa: ANN001
    found, _ = examined(Tool(make_manager(nginx, shape), binary), code=1)
    assert "nginx-not-running" in found, list(found)
