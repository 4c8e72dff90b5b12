"""Commands that are printed to be pasted: a shell takes each as it is meant, whatever is in a name, and what it names is
there.

What makes these tests red: in src/values/word.rs, `path_word` that gives the word back, or puts a byte down as it is; in
src/host/failure.rs, `remedy` that names the folder of a path, be it there or not, or none where something is refused; in
src/worker/job.rs, `take_lock` without the command that moves it away; in src/probe/config.rs, `glob` that passes over
names that are no lines of text; in src/values/word.rs, the blank behind a colon left as it is.
"""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import newer_build_and
from folder import Folder, FolderTool
from manager import Manager
from nim_tree import NMS_HTTP, PLAIN
from tool import ANSWERS_FILE, STATE, Done, Tool, answers

AWKWARD = "it's a $HOME \"tree\" `id` é\\n"
LOCK = f"{STATE}/lock"
# What only looks, or does what it says in a lab.
HARMLESS = ("ls", "df", "findmnt", "namei", "lsattr", "getent", "diff", "nginx")
# Sentences begin with one of these, or with a capital letter.
VERBS = ("add", "apply", "give", "install", "name", "run", "say", "start", "take", "where")
LOOKING = ("history", "watch", "check", "verify", "plan", "doctor")


def commands(done: Done) -> list[str]:
    """Those that stand behind `do:`, and those in lines of their own."""
    found = re.findall(r"^ *do: (.*)$", done.out + done.err, re.MULTILINE)
    return found + re.findall(r"^ +((?:nim-tls|scp|diff|cp|mv|ln) .*)$", done.out + done.err, re.MULTILINE)


class Shell:
    """Takes commands as bash does; `nim-tls` is the program under test."""

    def __init__(self, place: Manager | Folder, binary: Path) -> None:
        self.place, self.binary = place, binary
        self.ran: list[str] = []

    def bash(self, text: str) -> subprocess.CompletedProcess[str]:
        return self.place.run("bash", "-c", f'nim-tls() {{ {shlex.quote(str(self.binary))} "$@"; }}\n{text}', check=False)

    def check(self, done: Done) -> list[str]:
        """Each command of this output is one for a shell, and names programs that exist; those that only look work."""
        found = [command for command in commands(done) if command[0].islower() or command[0] == "("]
        found = [command for command in found if command.split()[0] not in VERBS]
        for command in found:
            read = subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True, check=False)
            assert read.returncode == 0, (command, read)
            word = command.split()[0]
            assert word in ("nim-tls", "sudo", "(umask", "scp") or shutil.which(word), command
            looks = word in HARMLESS or word == "nim-tls" and command.split()[1] in LOOKING and "NEW_FILE" not in command
            if looks:
                ended = self.bash(command)
                assert ended.returncode in (0, 1) and "rror: unexp" not in ended.stderr, (command, ended)
                assert not re.search(r"No such|cannot access|not found", ended.stderr), (command, ended)
                self.ran.append(word)
        return found


@pytest.fixture
def awkward(binary: Path, tmp_path: Path) -> tuple[FolderTool, Shell]:
    (tmp_path / AWKWARD).mkdir()
    folder = Folder(tmp_path / AWKWARD / "root")
    return FolderTool(folder, binary), Shell(folder, binary)


def test_where_every_path_is_awkward(awkward: tuple[FolderTool, Shell], tmp_path: Path) -> None:
    tool, shell = awkward
    folder = tool.manager
    file = tool.inside(ANSWERS_FILE)
    beside = tmp_path / AWKWARD
    saved = str(beside / "plan.json")
    plan = ("plan", "--answers", file)
    assert tool.run(*plan, "--save", saved).code == 0
    (beside / "wrong.json").write_text("{}")
    for argv, code, count in (
        (("apply", "--answers", file), 2, 1),
        (("apply", "--plan", saved), 2, 1),
        (("plan", "--answers", f"{file}.none"), 2, 1),
        ((*plan, "--save", saved), 2, 1),
        ((*plan, "--save", f"{beside}/none/plan.json"), 2, 1),
        (("doctor", "--log", f"{beside}/wrong.json/x"), 2, 1),
        (("verify",), 1, 0),
        (("check",), 1, 0),
    ):
        done = tool.run(*argv)
        assert done.code == code or argv == ("check",), (argv, done)
        assert len(shell.check(done)) >= count, (argv, done)
    done = shell.place.run(str(tool.binary), "plan", "--plan", saved)
    found = shell.check(Done(done.returncode, done.stdout, done.stderr))
    assert any(command.startswith("nim-tls apply --plan ") for command in found), found
    # It is a command that does it.
    (command,) = (command for command in found if command.startswith("nim-tls apply --plan "))
    assert shell.bash(f"{command} --yes").returncode == 0, command
    found = shell.check(tool.run("watch"))
    assert found, found
    assert shell.bash(f"nim-tls rollback --yes --root {shlex.quote(str(folder.root))}").returncode == 0
    done = tool.run("apply", "--answers", file, "--yes")
    found = shell.check(done)
    assert {command.split()[0] for command in found} == {"nim-tls"}, found
    handed_out = [shell.bash(command).stdout for command in found if command.startswith("nim-tls certs hand-out ")]
    assert handed_out, found
    for said in handed_out:
        (command,) = re.findall(r"^  scp (.*) root@", said, re.MULTILINE)
        listed = shell.bash(f"ls {command.removeprefix('-pr ')}")
        assert listed.returncode == 0 and "agent.key" in listed.stdout, (command, listed)
    # Somebody edits, and it is left: what finishes the undoing by hand does.
    with folder.path(NMS_HTTP).open("a") as edited:
        edited.write("# mine\n")
    done = tool.run("rollback", "--yes")
    assert done.code == 4, done
    found = shell.check(done)
    assert "diff" in shell.ran, found
    for command in found:
        if command.startswith(("cp ", "mv ", "nim-tls rollback ")):
            assert shell.bash(command).returncode == 0, command
    assert "# mine" not in folder.path(NMS_HTTP).read_text()
    assert "nim-tls" in shell.ran and "ls" in shell.ran, shell.ran


def test_a_full_disk_is_shown_by_the_folder_that_is_there(awkward: tuple[FolderTool, Shell]) -> None:
    """The folder of a file that was to be made is not there, and the tree has a root that needs quotes."""
    tool, shell = awkward
    fault = (
        "strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", "trace=mkdirat",
        "-e", "inject=mkdirat:error=ENOSPC:when=2+",
    )  # fmt: skip
    done = tool.run("apply", "--answers", tool.inside(ANSWERS_FILE), "--yes", before=fault)
    assert done.code in (1, 3) and "No space left" in done.err, done
    found = shell.check(done)
    shown = [shlex.split(command)[2] for command in found if command.startswith("df -h ")]
    assert shown and all(path.startswith(f"{tool.manager.root}/") for path in shown), (found, done)
    assert "df" in shell.ran, (found, done)


def lock_is(tool: Tool, make: str) -> Done:
    tool.manager.run("sh", "-c", f"mkdir -p -m 0700 {STATE}; {make}")
    tool.manager.write(ANSWERS_FILE, answers())
    return tool.run("apply", "--answers", ANSWERS_FILE, "--yes")


@newer_build_and([PLAIN])
def test_a_lock_that_is_no_file_is_moved_away_by_what_is_printed(manager: Manager, tool: Tool) -> None:
    shell = Shell(manager, tool.binary)
    for make in (f"mkfifo {LOCK}", f"ln -s /etc/shadow {LOCK}", f"mkdir {LOCK}"):
        done = lock_is(tool, make)
        assert done.code in (1, 3) and LOCK in done.err, done
        found = shell.check(done)
        assert f"mv {LOCK} {LOCK}.aside" in found, done
        assert shell.bash(f"mv {LOCK} {LOCK}.aside && mv {LOCK}.aside {LOCK}.$RANDOM").returncode == 0
    # More than one name: somebody may hold it, so it is looked at, and stays.
    done = lock_is(tool, f"touch {LOCK}; chmod 600 {LOCK}; ln {LOCK} {LOCK}.second")
    found = shell.check(done)
    assert done.code in (1, 3) and f"ls -ld {LOCK}" in found, done
    manager.path(f"{LOCK}.second").unlink()
    assert tool.run("apply", "--answers", ANSWERS_FILE, "--yes").code == 0


@newer_build_and([PLAIN])
@pytest.mark.parametrize("name", [b"a\xff.conf", b"a\nb.conf"], ids=["bytes", "line-end"])
def test_a_name_that_is_no_line_of_text_is_found_by_what_is_printed(manager: Manager, tool: Tool, name: bytes) -> None:
    shell = Shell(manager, tool.binary)
    path = os.path.join(os.fsencode(manager.path("/etc/nginx/conf.d")), name)
    Path(os.fsdecode(path)).write_text("# nothing\n")
    assert manager.test_config().returncode == 0
    manager.write(ANSWERS_FILE, answers())
    for argv in (("check",), ("apply", "--answers", ANSWERS_FILE, "--yes")):
        done = tool.run(*argv)
        assert done.code in (0, 1) and "do: ls -lb /etc/nginx/conf.d\n" in done.out + done.err, done
        shell.check(done)
    assert "ls" in shell.ran


@newer_build_and([PLAIN])
def test_a_name_is_no_command(manager: Manager, tool: Tool) -> None:
    """The user of a service leaves a link whose target ends as a remedy does."""
    manager.run("sh", "-c", f"mkdir -p -m 0700 {STATE}; ln -s 'x: rm -rf /mnt' {STATE}/ca")
    manager.write(ANSWERS_FILE, answers())
    for argv in (("check",), ("apply", "--answers", ANSWERS_FILE, "--yes")):
        done = tool.run(*argv)
        assert done.code == 1 and "rm" in done.out + done.err, done
        assert not any(command.startswith("rm") for command in commands(done)), done
