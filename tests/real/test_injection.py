"""Hostile texts that the answers take (tests/hostile/accepted.txt), read back by those who consume them.

Which texts are taken, and that all others are refused in one bounded sentence, is seen for each text in each field by
the unit tests (src/answers/tests/hostile.rs). Here they go all the way: into certificates that openssl reads, YAML that
a YAML reader reads, and folders.

What makes it red: a subject that is written in another string type than UTF-8, a name that is put into the template of
nginx-agent.conf as it was typed, or into a path before it was judged.
"""

import ipaddress
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, newer_build_and
from manager import Manager
from nim_tree import PLAIN
from tool import ANSWERS_FILE, STATE, Tool, answers

SUBJECT = {"organization": "organizationName", "state": "stateOrProvinceName", "locality": "localityName"}
# So many subjects are written in the quick form, three texts in each.
QUICK = 50


def accepted(kind: str) -> list[tuple[str, str]]:
    """Each text of this kind of field as it is typed, and as it is taken."""
    lines = (ROOT / "tests" / "hostile" / "accepted.txt").read_text().splitlines()
    return [tuple(json.loads(pair)) for name, pair in (line.split("\t", 1) for line in lines) if name == kind]


def shown_by_openssl(certificate: Path) -> dict[str, str]:
    """The subject, as openssl reads it, with nothing of its own."""
    options = ("-noout", "-subject", "-nameopt", "sep_multiline,space_eq,lname,utf8")
    done = subprocess.run(["openssl", "x509", "-in", str(certificate), *options], capture_output=True, check=True)
    lines = done.stdout.decode().split("\n")[1:-1]
    return dict(line.strip(" ").split(" = ", 1) for line in lines)


def written(binary: Path, folder: Path, rounds: range) -> int:
    """Applies each round on a tree of its own, and reads all back; gives how many values were the same."""
    taken = {field: accepted(field) for field in SUBJECT}
    names = accepted("manager_name")
    same = 0
    for number in rounds:
        tree = shutil.copytree(ROOT / "assets" / "sample-host", folder / str(number))
        of = {field: taken[field][(number * 3 + at) % len(taken[field])] for at, field in enumerate(SUBJECT)}
        typed, name = names[number % len(names)]
        asked = yaml.safe_load((ROOT / "assets" / "sample-answers.yaml").read_text())
        asked["manager_name"] = typed
        asked["certificates"]["subject"] = {field: text for field, (text, _) in of.items()}
        asked["certificates"]["ca_key"] = {"keep": "plaintext"}
        file = folder / f"{number}.yaml"
        file.write_text(yaml.safe_dump(asked, allow_unicode=True))
        done = subprocess.run(
            [str(binary), "apply", "--root", str(tree), "--answers", str(file), "--yes"],
            capture_output=True, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (asked, done)
        state = tree / STATE.lstrip("/")
        for certificate in ("root.crt", "intermediate.crt"):
            subject = shown_by_openssl(state / "ca" / certificate)
            for field, (_, value) in of.items():
                assert subject[SUBJECT[field]] == value, (certificate, field, value, subject)
                same += 1
        agent = asked["agents"][0]
        config = yaml.safe_load((state / "issued" / agent / "nginx-agent.conf").read_text())
        assert config["server"]["host"] == name, (name, config)
        alternatives = ("-noout", "-ext", "subjectAltName")
        server = subprocess.run(
            ["openssl", "x509", "-in", str(tree / "etc/nms/certs/server.crt"), *alternatives],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert f":{name}" in server.stdout.replace("\n", ",").replace(" ", "").replace("IPAddress", ""), (name, server)
        same += 2
        shutil.rmtree(tree)
    return same


def test_what_is_taken_comes_back_from_openssl_and_yaml_as_it_was(binary: Path, tmp_path: Path) -> None:
    same = written(binary, tmp_path, range(QUICK))
    print(f"hostile values read back by openssl and a YAML reader: {same}, all as they were taken")


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_all_that_is_taken_comes_back(binary: Path, tmp_path: Path) -> None:
    same = written(binary, tmp_path, range(len(accepted("organization"))))
    print(f"hostile values read back by openssl and a YAML reader: {same}, all as they were taken")


@newer_build_and([PLAIN])
def test_names_of_agents_are_folders_and_nothing_else(manager: Manager, tool: Tool) -> None:
    by_value = {value: typed for typed, value in accepted("name") if len(value) <= 64 and not is_address(value)}
    asked = yaml.safe_load(answers())
    asked["agents"] = list(by_value.values())
    manager.write(ANSWERS_FILE, yaml.safe_dump(asked, allow_unicode=True))
    tool.apply().must(0, "applied")
    issued = manager.run("ls", f"{STATE}/issued").stdout.split()
    assert sorted(issued) == sorted(by_value) and len(issued) > 50, issued
    assert manager.run("find", f"{STATE}/issued", "-name", "agent.key").stdout.count("\n") == len(issued)
    assert manager.test_config().returncode == 0


def is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True
