"""Role instance: the agent gets its certificate and its settings, and shows that it reaches the manager.

The agent and its service are stand-ins (agent_stand_in.py, services_stand_in.py); nginx, the manager's gate and all
connections are real. What makes these tests red: in src/plan/agent_settings.rs, a setting that is left out; in
src/verify/reach.rs, a row that says yes to what it has not seen.
"""

import pytest
import snapshot
import yaml
from conftest import each_build_and, newer_build_and
from instance import (
    AGENT, BUNDLE, CERTS, PACKAGED, SETTINGS, STAND_IN, agent_calls, asked, hand_out, instance_answers, with_agent,
)
from lab import wait_for
from manager import NAME, Manager
from nim_tree import PLAIN
from tool import STATE, Tool, answers

pytestmark = pytest.mark.alternating

CALLS = {"Commander/CommandChannel", "MetricsService/Stream", "MetricsService/StreamEvents"}


def both(manager: Manager, tool: Tool, **kwargs: str) -> None:
    """A manager that enforces client mTLS, and an instance that was brought its files."""
    tool.apply(answers()).must(0, "applied")
    with_agent(manager, tool, **kwargs)
    hand_out(manager)


def settings(manager: Manager) -> dict:
    return yaml.safe_load(manager.read(SETTINGS))


@each_build_and([PLAIN])
def test_the_agent_gets_through_with_what_was_written(manager: Manager, tool: Tool) -> None:
    both(manager, tool)
    before = snapshot.take(manager)
    assert agent_calls(manager) == set()
    done = tool.apply(instance_answers()).must(0, "applied")
    wait_for(lambda: agent_calls(manager) == CALLS, f"three calls, and there are {agent_calls(manager)}")

    found = settings(manager)
    assert found["server"] == {
        "host": NAME, "grpcPort": 443, "metrics": NAME, "command": NAME, "token": "not-for-your-eyes",
    }  # fmt: skip
    assert found["tls"] == {
        "enable": True, "skip_verify": False, "ca": f"{CERTS}/agent-ca.pem", "cert": f"{CERTS}/agent.crt",
        "key": f"{CERTS}/agent.key",
    }  # fmt: skip
    text = manager.read(SETTINGS)
    assert all(line in text for line in PACKAGED.splitlines() if "#" in line), text
    modes = {name: manager.path(f"{CERTS}/{name}").stat().st_mode & 0o777 for name in ("agent.key", "agent.crt")}
    assert modes == {"agent.key": 0o600, "agent.crt": 0o644}
    assert manager.path(SETTINGS).stat().st_mode & 0o777 == 0o640

    rows = {(row["leg"].split(" at ")[0], row["case"]): row for row in done["proof"]}
    assert all(row["ok"] for row in rows.values()), rows
    for service in ("Commander", "MetricsService"):
        assert rows[service, "this certificate"]["expected"] == "through", rows
        assert rows[service, "no certificate"]["expected"] == "refused", rows
        assert rows[service, "certificate of another CA"]["expected"] == "refused", rows
    assert "connected" in rows["manager", "the agent itself"]["seen"], rows
    assert asked(manager).count(["restart", "nginx-agent"]) == 2

    assert tool.apply(instance_answers()).must(0)["outcome"] == "unchanged"
    done = tool.run("verify", "--format", "json")
    wrong = [row for row in done.document["proof"] if row["ok"] is False]
    assert done.code == 0 and done.document["holds"], wrong

    tool.rollback().must(0, "rolled-back")
    assert snapshot.differences(before, snapshot.take(manager)) == []
    assert asked(manager).count(["restart", "nginx-agent"]) == 3, "the agent reads what was there before"


@newer_build_and([PLAIN])
def test_an_agent_that_would_not_come_up_with_the_system_is_said(manager: Manager, tool: Tool) -> None:
    both(manager, tool)

    def said() -> tuple[list[str], list[dict]]:
        manager.write("/mnt/instance.yaml", instance_answers())
        plan = tool.run("plan", "--answers", "/mnt/instance.yaml", "--format", "json").document
        checks = tool.run("check", "--format", "json").document["checks"]
        return (
            [note for note in plan["notes"] if "systemctl enable" in note],
            [check for check in checks if check["id"] == "services"],
        )

    notes, (check,) = said()
    assert notes == [] and check["status"] == "ok", (notes, check)
    manager.write("/mnt/disabled-units", "nginx-agent\n")
    notes, (check,) = said()
    assert len(notes) == 1 and "nginx-agent (disabled)" in notes[0], notes
    assert (check["status"], check["remedy"]) == ("warning", "systemctl enable nginx-agent"), check


@newer_build_and([PLAIN])
def test_no_secret_is_shown(manager: Manager, tool: Tool) -> None:
    both(manager, tool)
    manager.write("/mnt/answers.yaml", instance_answers())
    key = manager.read(f"{BUNDLE}/agent.key").splitlines()[1]
    for format in ("text", "json", "diff"):
        done = tool.run("plan", "--answers", "/mnt/answers.yaml", "--format", format)
        assert done.code == 0 and "not-for-your-eyes" not in done.out + done.err, done
        assert key not in done.out + done.err, done
    tool.apply().must(0, "applied")
    kept = manager.run("grep", "-rl", key, STATE, check=False).stdout.split()
    assert all("/issued/" in path for path in kept), kept
    assert "not-for-your-eyes" in manager.read(SETTINGS)


@newer_build_and([PLAIN])
@pytest.mark.parametrize("says", ["HTTP 400", "grpc-status 16"])
def test_an_agent_that_does_not_get_through_is_put_back(manager: Manager, tool: Tool, says: str) -> None:
    """Of another authority: everything fits together, and the manager refuses it. Where its refusals are mapped to
    statuses of gRPC, they look like words of the service."""
    both(manager, tool)
    tool.run("rollback", "--yes")
    tool.apply(answers("ssl-termination")).must(0, "applied")
    manager.run("rm", "-r", BUNDLE)
    hand_out(manager)
    tool.rollback().must(0, "rolled-back")
    tool.apply(answers()).must(0, "applied")
    if says == "grpc-status 16":
        mapped = "error_page 495 496 = @grpc_unauthenticated;\n"
        manager.edit("/etc/nms/nginx/errors-grpc.server_conf", "location @grpc_unauth", f"{mapped}location @grpc_unauth")
        manager.reload_nginx()
    before = snapshot.take(manager)
    agent = f"{{cert: {BUNDLE}/agent.crt, key: {BUNDLE}/agent.key, ca: {STATE}/ca/root.crt}}"
    done = tool.apply(instance_answers(agent=agent))
    found = done.must(3)
    assert f", this certificate: expected through, seen {says}" in found["problem"], found["problem"]
    rows = {row["case"]: row for row in found["proof"]}
    refused = None if says == "grpc-status 16" else True
    assert rows["certificate of another CA"]["ok"] is refused, rows
    assert snapshot.differences(before, snapshot.take(manager)) == []
    assert asked(manager).count(["restart", "nginx-agent"]) == 3


@newer_build_and([PLAIN])
def test_an_agent_that_ends_at_once_is_put_back(manager: Manager, tool: Tool) -> None:
    both(manager, tool)
    start = manager.read(f"{STAND_IN}/start-agent")
    ends = f"#!/bin/bash\ngrep -q agent.crt {SETTINGS} && exit 1\n"
    manager.write(f"{STAND_IN}/start-agent", start.replace("#!/bin/bash\n", ends), 0o755)
    before = snapshot.take(manager)
    found = tool.apply(instance_answers()).must(3)
    assert "nginx-agent does not stay up" in found["problem"], found["problem"]
    assert snapshot.differences(before, snapshot.take(manager)) == []
    assert up(manager, tool)


@newer_build_and([PLAIN])
def test_an_agent_that_does_not_come_back_with_what_was_there_is_said(manager: Manager, tool: Tool) -> None:
    both(manager, tool)
    manager.write(f"{STAND_IN}/start-agent", "#!/bin/sh\nexit 1\n", 0o755)
    before = snapshot.take(manager)
    found = tool.apply(instance_answers()).must(4, "incomplete")
    assert "by hand: systemctl restart nginx-agent" in found["problem"], found["problem"]
    assert snapshot.differences(before, snapshot.take(manager)) == []
    assert not up(manager, tool)


def up(manager: Manager, tool: Tool) -> bool:
    done = manager.run(*tool.before, "systemctl", "show", "--property=ActiveState", "nginx-agent")
    return done.stdout.strip() == "ActiveState=active"


@newer_build_and([PLAIN])
def test_a_manager_that_enforces_nothing_yet_is_said(manager: Manager, tool: Tool) -> None:
    tool.apply(answers() + "options: {enforce: observe}\n").must(0, "applied")
    with_agent(manager, tool)
    hand_out(manager)
    found = tool.apply(instance_answers()).must(0, "applied")
    row = next(row for row in found["proof"] if row["case"] == "no certificate")
    assert row["ok"] is None and "does not refuse agents without a certificate yet" in row["why"], row


@newer_build_and([PLAIN])
def test_a_bundle_may_be_one_file(manager: Manager, tool: Tool) -> None:
    both(manager, tool)
    manager.run("tar", "-C", "/mnt", "-czf", "/mnt/web-1.tar.gz", "web-1")
    key = manager.read(f"{BUNDLE}/agent.key")
    manager.run("rm", "-r", BUNDLE)
    found = tool.apply(instance_answers(agent="{bundle: /mnt/web-1.tar.gz}")).must(0, "applied")
    assert manager.read(f"{CERTS}/agent.key") == key
    assert manager.path(f"{CERTS}/agent.key").stat().st_mode & 0o777 == 0o600
    assert any("/mnt/web-1.tar.gz stays" in note for note in found["notes"]), found["notes"]
    assert not manager.path(BUNDLE).exists(), "nothing was unpacked"


@newer_build_and([PLAIN])
def test_encryption_alone(manager: Manager, tool: Tool) -> None:
    tool.apply(answers("ssl-termination")).must(0, "applied")
    with_agent(manager, tool)
    hand_out(manager)
    tool.apply(instance_answers("ssl-termination", f"{{ca: {BUNDLE}/ca.pem}}")).must(0, "applied")
    wait_for(lambda: agent_calls(manager) == CALLS, "three calls")
    assert settings(manager)["tls"] == {"enable": True, "skip_verify": False, "ca": f"{CERTS}/agent-ca.pem"}


REFUSED = {
    "agent-3": ("", "3.11.3", "speaks to version 2 only",
                f"curl --cacert {BUNDLE}/ca.pem https://{NAME}/install/nginx-agent"),
    "form-of-1": ('sed -i "s/^server:.*/server: nim.example.com:10443/; /^  host/d; /^  grpcPort/d; /^  token/d" ' + SETTINGS,
                  "2.46.7", "server is no section there", "take that line out"),
    "tabs": (f"sed -i 's/^  host/\\thost/' {SETTINGS}", "2.46.7", "it is not YAML", "sudoedit"),
    "no-bundle": (f"rm -r {BUNDLE}", "2.46.7", f"{BUNDLE} is not there", f"ls -ld {BUNDLE}"),
    "other-key": (f"cp {STATE}/issued/db-1.example.com/agent.key {BUNDLE}/agent.key", "2.46.7",
                  "is not the key of the certificate beside it", "openssl pkey"),
    "server-certificate": (f"cp {CERTS}/server.crt {BUNDLE}/agent.crt; cp {CERTS}/server.key {BUNDLE}/agent.key", "2.46.7",
                           "not made for clients", "openssl x509"),
    "encrypted-key": (f"openssl pkey -in {BUNDLE}/agent.key -aes256 -passout pass:abcd -out {BUNDLE}/k; mv {BUNDLE}/k {BUNDLE}/agent.key",
                      "2.46.7", "is encrypted", "openssl pkey"),
    "leaf-as-ca": (f"cp {BUNDLE}/agent.crt {BUNDLE}/ca.pem", "2.46.7", "is not an authority", "openssl x509"),
    "dynamic": ("mkdir -p /var/lib/nginx-agent; printf 'server:\\n  host: 10.9.9.9\\n' >/var/lib/nginx-agent/agent-dynamic.conf",
                "2.46.7", 'agent-dynamic.conf sets server.host to "10.9.9.9"', "sudoedit /var/lib/nginx-agent/agent-dynamic.conf"),
    "half-a-bundle": (f"rm {BUNDLE}/agent.crt", "2.46.7", "agent.crt is not there", f"ls -l {BUNDLE}/agent.crt"),
    "flat-names": (f"echo 'tls_skip_verify: true' >>{SETTINGS}", "2.46.7", 'sets tls.skip_verify to "true"', f"sudoedit {SETTINGS}"),
    "two-spellings": (f"sed -i 's/^  skip_verify/  Skip_Verify: true\\n  skip_verify/' {SETTINGS}", "2.46.7", "has skip_verify twice", "sudoedit"),
    "environment": ("echo NGINX_AGENT_TLS_ENABLE=false >/mnt/agent.env; PATH=/mnt/stand-in:$PATH systemctl restart nginx-agent",
                    "2.46.7", "the unit of nginx-agent (NGINX_AGENT_TLS_ENABLE) sets tls.enable", "systemctl cat nginx-agent"),
}  # fmt: skip


KEPT = ("/etc/nginx-agent", BUNDLE, "/var/lib/nginx-agent")


@newer_build_and([PLAIN])
def test_what_cannot_work_is_refused_before_anything_is_touched(manager: Manager, tool: Tool) -> None:
    both(manager, tool)
    manager.run("mkdir", "-p", "/var/lib/nginx-agent", "/mnt/kept")
    manager.run("cp", "-a", *KEPT, "/mnt/kept")
    for why, (command, version, words, remedy) in REFUSED.items():
        manager.run("sh", "-ec", command)
        manager.write("/mnt/agent.version", version)
        before = snapshot.take(manager)
        restarts = asked(manager).count(["restart", "nginx-agent"])
        done = tool.apply(instance_answers())
        said = " ".join(done.err.split())
        assert done.code == 1 and words in said and remedy in said, (why, done)
        assert snapshot.differences(before, snapshot.take(manager)) == [], why
        assert asked(manager).count(["restart", "nginx-agent"]) == restarts, why
        for path in KEPT:
            manager.run("sh", "-ec", f"rm -rf {path}; cp -a /mnt/kept/$(basename {path}) {path}")
        manager.run("rm", "-f", "/mnt/agent.env")


@newer_build_and([PLAIN])
@pytest.mark.parametrize("made", ["TLS_SKIP_VERIFY=true", "SERVER_HOST=10.0.0.5"])
def test_what_the_agent_really_goes_by_is_part_of_the_proof(manager: Manager, tool: Tool, made: str) -> None:
    """Set where nobody sees it beforehand: by what starts the agent. 10.0.0.5 is the manager by another address."""
    both(manager, tool)
    before = snapshot.take(manager)
    manager.run("sed", "-i", f"s/^export /export NGINX_AGENT_{made} /", "/mnt/stand-in/start-agent")
    found = tool.apply(instance_answers()).must(3)
    words = "what the agent goes by" if made.startswith("TLS") else "the agent itself: expected connected"
    assert words in found["problem"], found["problem"]
    assert snapshot.differences(before, snapshot.take(manager)) == []


@newer_build_and([PLAIN])
def test_bad_answers_name_the_field(manager: Manager, tool: Tool) -> None:
    for text, words in (
        (instance_answers(agent="{cert: /a.crt}"), "certificates.agent (line 8, column 10) cert and key belong together"),
        (instance_answers(agent="{bundle: /a, cert: /a.crt, key: /a.key}"), "takes either a bundle, or cert, key and ca"),
        (instance_answers(agent="{ca: /a.pem}"), "with method client-mtls say the agent's cert and key"),
        (instance_answers() + f"agents: [{AGENT}]\n", "agents (line 10, column 9) belongs to roles manager and ca"),
        (instance_answers().replace("nginx-oss", "none"), "is N/A"),
        (instance_answers().replace("trust_store: false", "redirect_http: true"), "belong to role manager"),
    ):
        done = tool.apply(text)
        assert done.code == 2 and words in " ".join(done.err.split()), done
