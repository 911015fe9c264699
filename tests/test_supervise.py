"""The supervisor, watched from outside with /proc, over small children of the tests' own."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collab import listening, supervise

ROOT = Path(__file__).resolve().parent.parent

# Answers every connection like /readyz does, after writing down each request's first line.
WEB = """
import pathlib, socket, sys
port, status, asked = int(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
server = socket.create_server(("127.0.0.1", port))
while True:
    connection, _ = server.accept()
    with connection:
        line = connection.recv(4096).split(b"\\r\\n")[0].decode()
        with asked.open("a") as notes:
            notes.write(line + "\\n")
        connection.sendall(f"HTTP/1.1 {status} x\\r\\nContent-Length: 2\\r\\n\\r\\nok".encode())
"""
SLEEP = "import time; time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
FAILING = "import sys; sys.exit(3)"


class House:
    """A supervisor in a process of its own, and what can be seen of it from outside."""

    def __init__(self, folder: Path, commands: dict[str, list[str]], port: int) -> None:
        self.port = port
        program = folder / "house.py"
        program.write_text(
            textwrap.dedent(f"""
            import pathlib, sys
            from collab import supervise
            supervise.STOP_PATIENCE = 1.0
            folder = pathlib.Path({str(folder / "instance")!r})
            sys.exit(supervise.run("127.0.0.1:{port}", folder, {commands!r}))
            """)
        )
        self.out, self.err = folder / "out", folder / "err"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, program],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                # Whoever runs the tests by `nohup` must not have it ignored here.
                preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509
            )

    def children(self) -> set[int]:
        """The processes it has started and that still run."""
        return children_of(self.process.pid)

    def child(self, word: str) -> int | None:
        """The one child whose command line holds `word`."""
        return next((pid for pid in self.children() if word in command_of(pid)), None)

    def wait_for_ready(self) -> None:
        wait_until(lambda: "ready" in self.out.read_text(), "the address is announced")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(15)


def children_of(pid: int) -> set[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except FileNotFoundError:
        return set()
    return {int(word) for word in text.split() if is_alive(int(word))}


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except FileNotFoundError:
        return ""


def is_alive(pid: int) -> bool:
    """Whether it runs; one that has ended but was not taken leave of does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_until(is_so: Callable[[], object], what: str, seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as trial:
        return int(trial.getsockname()[1])


def python(code: str, *words: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, words)]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    started: list[House] = []

    def start(
        web: list[str] | None = None,
        worker: list[str] | None = None,
        port: int | None = None,
        prepare: list[str] | None = None,
    ) -> House:
        port = port or free_port()
        commands = {
            "web": web or python(WEB, port, "200", tmp_path / "asked"),
            "worker": worker or python(SLEEP, "the-worker"),
        }
        if prepare:
            commands["prepare"] = prepare
        started.append(House(tmp_path, commands, port))
        return started[-1]

    yield start
    for one in started:
        left = one.children()
        one.process.kill()
        one.process.wait()
        for pid in filter(is_alive, left):
            os.kill(pid, signal.SIGKILL)


def test_the_address_is_announced_once_when_pages_can_be_opened(house, tmp_path):
    running = house()
    running.wait_for_ready()
    os.kill(running.child("asked"), signal.SIGKILL)
    wait_until(lambda: listening.answers_ready("127.0.0.1", running.port), "web is back")
    worker = running.child("the-worker")
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: running.child("the-worker") not in {None, worker}, "one more round")
    assert running.stop() == 0
    (line,) = running.out.read_text().splitlines()
    assert line.startswith("collab: http://127.0.0.1:")
    assert line.endswith(" ready")
    assert (tmp_path / "asked").read_text().splitlines()[0] == "GET /readyz HTTP/1.0"


def test_nothing_is_announced_while_readyz_answers_otherwise(house, tmp_path):
    port = free_port()
    asked = tmp_path / "asked"
    running = house(web=python(WEB, port, "503", asked), port=port)
    wait_until(lambda: asked.exists() and asked.read_text().count("\n") > 2, "it is asked often")
    running.stop()
    assert running.out.read_text() == ""


@pytest.mark.parametrize("name", ["asked", "the-worker"])
def test_a_process_killed_with_9_is_started_again_and_the_other_left_alone(house, name):
    running = house()
    running.wait_for_ready()
    before = running.children()
    victim = running.child(name)
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: running.child(name) not in {None, victim}, "it is back")
    assert len(running.children()) == 2
    assert before - running.children() == {victim}
    assert "ended by signal 9; starting it again" in running.err.read_text()


def test_one_that_dies_at_once_is_tried_less_and_less_often_with_a_line_each_time(house):
    running = house(worker=python(FAILING))
    wait_until(lambda: "4 times in a row" in running.err.read_text(), "four deaths")
    running.wait_for_ready()
    assert running.stop() == 0
    lines = running.err.read_text().splitlines()
    assert lines[0] == "collab: worker ended with status 3; starting it again in 0.2 s"
    assert [line.split(" again in ")[1] for line in lines[:4]] == [
        "0.2 s",
        "0.4 s",
        "0.8 s",
        "1.6 s",
    ]


def test_the_wait_between_tries_ends_at_ten_seconds_however_often_it_died():
    child = supervise.Child("worker", ["true"])
    child.early_deaths = 5000
    child.started = now = time.monotonic()
    child.postpone(now, "ended with status 1")
    assert child.due == now + 10


def test_a_command_that_cannot_be_started_is_said_and_tried_again(house, tmp_path):
    missing = tmp_path / "not-there"
    running = house(worker=[str(missing)])
    wait_until(lambda: "could not be started" in running.err.read_text(), "it is said")
    missing.write_text("#!/bin/sh\nexec sleep 600\n")
    missing.chmod(0o755)
    wait_until(lambda: running.child("600"), "the worker runs")


def test_what_prepares_the_instance_is_done_before_anything_else_starts(house, tmp_path):
    done, seen = tmp_path / "done", tmp_path / "seen"
    prepare = python(
        "import pathlib, sys, time; time.sleep(0.3); pathlib.Path(sys.argv[1]).touch()", done
    )
    look = """
import pathlib, sys, time
done, seen = map(pathlib.Path, sys.argv[1:])
seen.write_text(str(done.exists()))
time.sleep(600)"""
    running = house(worker=python(look, done, seen), prepare=prepare)
    running.wait_for_ready()
    wait_until(lambda: seen.exists() and seen.read_text(), "the worker has looked")
    assert seen.read_text() == "True"


def test_nothing_starts_when_what_prepares_the_instance_refuses(house, tmp_path):
    code = "import sys; sys.exit('settings: site.base_url is not an address')"
    running = house(prepare=python(code))
    assert running.process.wait(15) == 1
    assert running.err.read_text() == "settings: site.base_url is not an address\n"
    assert not (tmp_path / "asked").exists()


def test_a_stop_while_the_instance_is_prepared_is_no_failure(house):
    running = house(prepare=python(SLEEP, "the-preparation"))
    wait_until(lambda: running.child("the-preparation"), "it is being prepared")
    (pid,) = running.children()
    assert running.stop() == 0
    assert not is_alive(pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_ends_every_process_and_is_no_failure(house, number):
    running = house()
    running.wait_for_ready()
    left = running.children()
    assert len(left) == 2
    assert running.stop(number) == 0
    assert not any(map(is_alive, left))
    assert running.err.read_text() == ""


def test_a_process_deaf_to_sigterm_is_ended_all_the_same_with_what_it_started(house, tmp_path):
    note = tmp_path / "grandchild"
    deaf = f"""
import pathlib, subprocess
started = subprocess.Popen(["sleep", "600"])
pathlib.Path({str(note)!r}).write_text(str(started.pid))
{DEAF}"""
    running = house(worker=python(deaf))
    running.wait_for_ready()
    wait_until(lambda: note.exists() and note.read_text(), "the grandchild runs")
    grandchild = int(note.read_text())
    left = running.children() | {grandchild}
    assert running.stop() == 0
    wait_until(lambda: not any(map(is_alive, left)), "all are gone")
    assert "worker did not stop in 1 s and was ended" in running.err.read_text()


def test_nobody_is_left_behind_when_the_supervisor_is_killed_with_9(house):
    running = house()
    running.wait_for_ready()
    left = running.children()
    assert len(left) == 2
    running.stop(signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, left)), "the children have ended too")


def test_ctrl_c_reaches_the_children_only_through_the_supervisor(house):
    running = house()
    running.wait_for_ready()
    groups = {os.getpgid(pid) for pid in running.children()}
    assert len(groups) == 2
    assert os.getpgid(running.process.pid) not in groups


def test_the_supervisor_is_light(house):
    running = house()
    running.wait_for_ready()
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    kilobytes = int(status.split("VmRSS:")[1].split()[0])
    assert kilobytes < 20_000


def test_the_usual_processes_are_this_programs_own():
    commands = supervise.usual_commands("127.0.0.1:8000", Path("there"))
    words = [sys.executable, "-P", "-m", "collab"]
    assert commands == {
        "prepare": [*words, "prepare", "--instance", "there", "--bind", "127.0.0.1:8000"],
        "web": [*words, "web", "--instance", "there", "--bind", "127.0.0.1:8000"],
        "worker": [*words, "worker", "--instance", "there"],
    }


def test_a_taken_port_is_one_line_that_says_what_to_do(tmp_path, capfd):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert supervise.run(f"127.0.0.1:{port}", tmp_path, {"web": ["false"]}) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"collab: port {port} is already in use: stop the program")
    assert "--bind 127.0.0.1:8001" in line


def test_an_instance_is_run_once_at_a_time(tmp_path, capfd):
    with supervise.only_one(tmp_path):
        assert supervise.run("127.0.0.1:0", tmp_path, {"web": ["false"]}) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"collab: the instance in {tmp_path} is running already: stop it first")


def test_a_port_that_is_let_go_of_in_a_moment_is_waited_for(house):
    held = socket.create_server(("127.0.0.1", 0))
    running = house(port=held.getsockname()[1])
    wait_until(lambda: running.process.poll() is None, "it has started")
    time.sleep(1)
    held.close()
    running.wait_for_ready()
    assert running.stop() == 0


@pytest.mark.parametrize("bind", ["8000x", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "a:-1"])
def test_an_address_that_is_none_is_refused_with_an_example(tmp_path, capfd, bind):
    assert supervise.run(bind, tmp_path, {"web": ["false"]}) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line == f"collab: {bind!r} is no address to listen on: write it like 127.0.0.1:8000"


def test_an_address_of_another_machine_is_refused(tmp_path, capfd):
    assert supervise.run("192.0.2.1:8000", tmp_path, {"web": ["false"]}) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("collab: cannot listen on 192.0.2.1")


def test_a_folder_that_takes_no_files_is_one_line_that_says_what_to_do(tmp_path, capfd):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    folder = in_the_way / "instance"
    assert supervise.run("127.0.0.1:0", folder, {"web": ["false"]}) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"collab: the folder {folder} cannot be written to (")
    assert line.endswith("or choose another one with --instance")


def test_a_new_folder_is_readable_by_its_owner_alone(tmp_path):
    supervise.check_folder(tmp_path / "instance")
    assert (tmp_path / "instance").stat().st_mode & 0o777 == 0o700
    assert list((tmp_path / "instance").iterdir()) == []


@pytest.mark.parametrize(
    ("bind", "parts"),
    [("localhost:80", ("localhost", 80)), ("[::1]:8000", ("::1", 8000)), (":9", ("0.0.0.0", 9))],
)
def test_addresses_are_read_as_people_write_them(bind, parts):
    assert listening.address(bind) == parts
