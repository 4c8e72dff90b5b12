"""The guided session, by keys alone, in a terminal of 80x24: from "agents offline" to "proven again".

`t` names the cause; Enter shows a plan that mends it, which goes through preview, yes, proof and keep as any other. What
this program does not mend by itself, it names a command for: the test runs that, and looks again.

What makes these tests red: in src/doctor, a check that is left out, or a plan offered that does not change what was
seen; in src/front/tui/update/overlay.rs, other answers than those that stand.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path

import certs
import pytest
from clients import Attempt
from conftest import newer_build_and
from instance import SETTINGS, hand_out, instance_answers, with_agent, without_manager
from lab import wait_for
from manager import NAME, Manager
from nim_tree import NMS_HTTP, PLAIN, TRAPS, follow_vendor
from screen import Screen, keep, wizard
from talk import LocalTalk
from test_gate import issuing_ca
from test_wizard import ENTER, RIGHT, to_apply
from tool import AGENTS, STATE, Tool, answers, issued

pytestmark = pytest.mark.alternating

CONF = "/etc/nginx/conf.d/nms-http.conf"
CERTS = "/etc/nms/certs"


def edited(manager: Manager, pattern: str, put: str) -> None:
    text = manager.read(CONF)
    changed = re.sub(pattern, put, text)
    assert changed != text, f"{pattern} is not in:\n{text}"
    manager.write(CONF, changed)
    manager.restart_tree()


def other_authority(manager: Manager) -> None:
    manager.write(f"{CERTS}/nim-tls-ca.pem", certs.authority(manager.work, "another-ca").cert.read_bytes())
    manager.restart_tree()


def without_http2(manager: Manager) -> None:
    edited(manager, r" http2(?=[ ;])|\n *http2 on;", "")


def expired(manager: Manager) -> None:
    served(manager, NAME, life=certs.PAST)


def other_name(manager: Manager) -> None:
    served(manager, "other.example.com")


def served(manager: Manager, name: str, **life: object) -> None:
    """The server shows a certificate of another authority, for this name."""
    pair = certs.issue(manager.work, certs.authority(manager.work, "their-ca"), name, "serverAuth", **life)
    manager.write(f"{CERTS}/server.crt", pair.cert.read_bytes())
    manager.write(f"{CERTS}/server.key", pair.key.read_bytes(), 0o600)
    manager.restart_tree()


def stock_file(manager: Manager) -> None:
    manager.write(CONF, manager.stock)
    manager.restart_tree()


def key_of_another(manager: Manager) -> None:
    """Written, and not loaded: nginx refuses it."""
    pair = certs.issue(manager.work, certs.authority(manager.work, "their-ca"), "other", "serverAuth")
    manager.write(f"{CERTS}/server.key", pair.key.read_bytes(), 0o600)


def anybody_of_the_office(manager: Manager) -> None:
    edited(manager, r"satisfy +all;", "satisfy any;\n        allow 127.0.0.0/8;")


def agent_ran_out(manager: Manager) -> None:
    """The agent comes with a certificate of our authority that has expired; nobody has renewed it."""
    folder = f"/var/lib/nim-tls/issued/{AGENTS[0]}"
    ca = issuing_ca(manager)
    old = certs.issue(manager.work, ca, AGENTS[0], "clientAuth", life=certs.PAST, chain=ca.cert)
    manager.write(f"{folder}/agent.crt", old.cert.read_bytes(), 0o600)
    manager.write(f"{folder}/agent.key", old.key.read_bytes(), 0o600)
    now = time.strftime("%Y/%m/%d %H:%M:%S")
    # From elsewhere: what comes from this host itself counts as its own proof.
    line = "client SSL certificate verify error: (10:certificate has expired) while reading client request headers"
    log = manager.path("/var/log/nginx/error.log")
    log.write_text(log.read_text() + f"{now} [info] 7#7: *9 {line}, client: 10.9.8.7, server: {NAME}\n")


def proven_again(screen: Screen) -> None:
    screen.wait_for("6/8 Files")
    # Whoever is there before the host has been looked at is told so, and asks again.
    for _ in range(20):
        screen.settle()
        screen.type(ENTER)
        screen.settle()
        if "still being looked at" not in screen.text:
            break
        time.sleep(1)
    screen.wait_for("7/8 Apply")
    while "> [ Yes, change this host ] <" not in screen.text:
        screen.type(RIGHT)
        screen.settle()
    screen.type(ENTER)
    screen.wait_for("PROVEN", seconds=120)
    keep(screen)


@newer_build_and([PLAIN])
@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (stock_file, "drift"),
        (other_authority, "client-cert-wrong-ca"),
        (without_http2, "http2-missing"),
        (expired, "server-cert-expired"),
        (other_name, "server-name-mismatch"),
        (key_of_another, "key-mismatch"),
        (anybody_of_the_office, "bypass-satisfy-any"),
        (agent_ran_out, "client-cert-expired"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_enter_mends_it(
    manager: Manager, tool: Tool, binary: Path, fault: Callable[[Manager], None], cause: str
) -> None:
    manager.stock = manager.read(CONF)
    tool.apply(answers()).must(0, "applied")
    fault(manager)
    with wizard(manager, binary) as screen:
        screen.wait_for("> [ Next ] <")
        screen.type("t")
        shown = screen.wait_for("(" + cause, seconds=40)
        if by_hand := re.search(r"^ *(mv /\S+ /\S+)$", shown, re.M):
            # What keeps the plan from being made is named, with the command that helps.
            assert "No plan: " in shown, shown
            assert manager.run("sh", "-c", by_hand[1]).returncode == 0
            screen.type("a")
        shown = screen.wait_for("Enter: ", seconds=40)
        assert "shows a plan that mends this" in re.sub(r"\s+", " ", shown), shown
        screen.type(ENTER)
        proven_again(screen)
    found = tool.run("doctor", "--since", "1s", "--format", "json").document["findings"]
    assert [finding["cause"] for finding in found if finding["severity"] == "error"] == [], found
    assert tool.run("verify").code == 0


def server_of_before(manager: Manager) -> Callable[[], None]:
    path = "/etc/nginx/conf.d/aaa.conf"
    upstream = re.search(r"grpc_pass +(\S+);", manager.read(CONF))[1]
    manager.write(
        path,
        "server {\n    listen 443 ssl;\n    server_name old.example.com;\n"
        f"    ssl_certificate {CERTS}/server.crt;\n    ssl_certificate_key {CERTS}/server.key;\n"
        "    location /f5.nginx.agent.sdk.Commander {\n"
        f"        grpc_pass {upstream};\n    }}\n"
        "    location /f5.nginx.agent.sdk.MetricsService {\n"
        f"        grpc_pass {upstream};\n    }}\n}}\n",
    )
    manager.restart_tree()
    return lambda: manager.path(path).unlink()


def services_died(manager: Manager) -> Callable[[], None]:
    manager.run("pkill", "-f", "upstream.py")
    ca, cert, key = (issued(AGENTS[0], file) for file in ("ca.pem", "agent.crt", "agent.key"))
    manager.attempt([Attempt(sni=NAME, ca=ca, cert=cert, key=key)])

    def again() -> None:
        manager.run("find", "/run/nms", "/var/run/nms", "-type", "s", "-delete", check=False)
        manager.start_services()

    return again


def commands_of(tool: Tool, cause: str) -> list[str]:
    found = tool.run("doctor", "--format", "json").document["findings"]
    return next(one for one in found if one["cause"] == cause)["fix"]["commands"]


def stream_of_before(manager: Manager) -> Callable[[], None]:
    """Somebody without a certificate is connected from before, and stays."""
    enforced = manager.read(CONF)
    manager.write(CONF, enforced.replace("auth_request /nim-tls/agent-certificate;", ""))
    manager.restart_tree()
    stream = manager.hold("stream", Attempt(sni=NAME, ca=issued(AGENTS[0], "ca.pem")))
    assert stream.report()["flowing"]
    manager.write(CONF, enforced)
    manager.restart_tree()
    assert stream.report()["flowing"] and manager.old_workers()

    def end() -> None:
        assert manager.run("sh", "-c", commands_of(manager.tool, "old-workers-serving")[-1]).returncode == 0
        wait_for(lambda: not manager.old_workers(), "the end of the old workers")

    return end


def other_program_was_faster(manager: Manager) -> Callable[[], None]:
    """The port that agents are to have now is another program's: nginx reloads, says nothing, and goes on as before."""
    taker = manager.run("sh", "-c", "setsid python3 -m http.server 9443 >/dev/null 2>&1 & echo $!").stdout.strip()
    wait_for(lambda: ":9443 " in manager.run("ss", "-ltn").stdout, "the other program")
    listens = re.search(r"^ *listen .*443.*;$", manager.read(CONF), re.M)[0]
    manager.edit(CONF, listens, listens + "\n" + listens.replace("443", "9443"))
    manager.run(*manager.nginx.argv, "-s", "reload")
    wait_for(lambda: "(98: " in manager.read("/var/log/nginx/error.log"), "what nginx says of it")

    def free() -> None:
        (look,) = [one for one in commands_of(manager.tool, "port-taken") if one.startswith("ss ")]
        assert f"pid={taker}," in manager.run("sh", "-c", look).stdout
        manager.run("kill", taker)
        wait_for(lambda: ":9443 " not in manager.run("ss", "-ltn").stdout, "the end of the other program")
        manager.restart_tree()

    return free


@newer_build_and([PLAIN])
@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (server_of_before, "bypass-default-server"),
        (services_died, "upstream-down"),
        (stream_of_before, "old-workers-serving"),
        (other_program_was_faster, "port-taken"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_mended_by_hand_is_gone_when_it_looks_again(
    manager: Manager, tool: Tool, binary: Path, fault: Callable[[Manager], Callable[[], None]], cause: str
) -> None:
    tool.apply(answers()).must(0, "applied")
    manager.tool = tool
    by_hand = fault(manager)
    with wizard(manager, binary) as screen:
        screen.wait_for("> [ Next ] <")
        screen.type("t")
        shown = screen.wait_for("(" + cause, seconds=40)
        assert "do: " in shown, shown
        by_hand()
        if cause.startswith("bypass"):
            manager.restart_tree()
        screen.type("a")
        screen.settle(3)
        assert "ERROR " not in screen.text, screen.text
    assert tool.run("verify").code == 0


@newer_build_and([PLAIN])
@pytest.mark.parametrize("form", ["lines", "inquire"])
def test_the_same_in_lines(manager: Manager, tool: Tool, binary: Path, form: str) -> None:
    stock = manager.read(CONF)
    tool.apply(answers()).must(0, "applied")
    manager.write(CONF, stock)
    manager.restart_tree()
    with LocalTalk(manager, binary, form) as talk:
        talk.answer("What next?", "troubleshoot")
        shown = talk.wait_for_news("Take them up?", seconds=60)
        assert "(drift)" in shown and "changes nothing yet" in re.sub(r"\s+", " ", shown), shown
        talk.answer("Take them up?", "no")
        talk.answer("What next?", "troubleshoot")
        talk.answer("Take them up?", "yes")
        talk.answer("Show which file?", "next")
        talk.answer("Change this host now?", "yes")
        shown = talk.wait_for_news("Keep it, or put", seconds=90)
        assert "PROVEN" in shown and "NOT PROVEN" not in shown, shown
        talk.answer("Keep it, or put", "keep")
        assert talk.exit_code() == 0
        assert form == "inquire" or b"\x1b" not in talk.bytes
    assert tool.run("verify").code == 0


def only_asked(manager: Manager) -> None:
    """Certificates are asked for, and nobody looks at them."""
    manager.edit(NMS_HTTP, "# ssl_client_certificate", "ssl_client_certificate")
    manager.edit(NMS_HTTP, "ssl_verify_client      off;", "ssl_verify_client      optional;")


def trapped(trap: str) -> Callable[[Manager], None]:
    """The vendor's procedure to the letter, and what lets everybody in all the same."""

    def follow(manager: Manager) -> None:
        follow_vendor(manager)
        manager.edit(NMS_HTTP, "    root /var/www/nms;\n", "    root /var/www/nms;\n" + TRAPS[trap])

    return follow


@newer_build_and([PLAIN])
@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (only_asked, "mtls-not-enforced"),
        (trapped("error-page-named"), "bypass-error-page"),
        (trapped("recursive-error-pages"), "bypass-error-page"),
        (trapped("satisfy-any"), "bypass-satisfy-any"),
    ],
    ids=["only-asked", "error-page-named", "recursive-error-pages", "satisfy-any"],
)
def test_what_was_set_up_by_hand_and_can_be_got_round_is_set_up_by_the_wizard(
    manager: Manager, tool: Tool, binary: Path, fault: Callable[[Manager], None], cause: str
) -> None:
    fault(manager)
    manager.restart_tree()
    with wizard(manager, binary) as screen:
        screen.wait_for("> [ Next ] <")
        screen.type("t")
        screen.wait_for("(" + cause, seconds=40)
        screen.type("\x1b")
        to_apply(screen)
        screen.type(RIGHT + RIGHT)
        screen.wait_for("> [ Yes, change this host ] <")
        screen.type(ENTER)
        shown = screen.wait_for("PROVEN", seconds=120)
        assert "NOT PROVEN" not in shown, shown
        keep(screen)
    found = tool.run("doctor", "--since", "1s", "--format", "json").document["findings"]
    assert [finding["cause"] for finding in found if finding["severity"] == "error"] == [], found


@newer_build_and([PLAIN])
def test_an_agent_whose_tls_is_off_is_mended_on_its_own_host(manager: Manager, tool: Tool, binary: Path) -> None:
    tool.apply(answers()).must(0, "applied")
    with_agent(manager, tool)
    hand_out(manager)
    around = without_manager(manager)
    # Nor was a manager ever set up there.
    manager.run("mv", STATE, "/mnt/hidden/state")
    path = f"PATH={around['PATH']}"
    manager.write("/mnt/instance.yaml", instance_answers())
    done = manager.run("env", path, str(binary), "apply", "--answers", "/mnt/instance.yaml", "--yes", check=False)
    assert done.returncode == 0, done
    manager.edit(SETTINGS, "enable: true", "enable: false")
    manager.run("env", path, "systemctl", "restart", "nginx-agent")
    with wizard(manager, binary, **around) as screen:
        screen.wait_for("> [ Next ] <")
        screen.type("t")
        screen.wait_for("(agent-tls-off", seconds=40)
        screen.wait_for("Enter: ", seconds=40)
        screen.type(ENTER)
        proven_again(screen)
    assert "enable: true" in manager.read(SETTINGS)
