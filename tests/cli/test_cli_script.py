from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from prefect_lineage.cli.script import split_arguments


@pytest.fixture
def script(home: Path) -> Callable[[str], str]:
    """Write a script; its name."""

    def write(source: str, name: str = "script.py") -> str:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(source))
        return name

    return write


@pytest.fixture
def bare(shell: Callable[..., Any]) -> Callable[..., Any]:
    """``run`` with capture switched off: how a script is run does not depend on it, and it starts sooner."""

    def call(*arguments: str) -> Any:
        return shell("run", *arguments, PREFECT_LINEAGE_ENABLED="0")

    return call


@pytest.fixture
def here(cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The same in this process, which is quicker; what a script is given of it is put back."""
    monkeypatch.setenv("PREFECT_LINEAGE_ENABLED", "0")
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    return lambda *arguments: cli("run", *arguments)


def test_all_that_follows_the_script_is_its_own() -> None:
    words = ["s.py", "--url", "x", "-m", "y", "--help", "--", "z"]
    assert split_arguments(words) == ["--", *words]
    assert split_arguments(["--url", "u", *words]) == ["--url", "u", "--", *words]
    assert split_arguments(["--", *words]) == ["--", *words]
    assert split_arguments(["-m", "pkg", "--json"]) == ["-m", "pkg", "--", "--json"]
    assert split_arguments(["-mpkg", "--json"]) == ["-mpkg", "--", "--json"]


def test_a_script_sees_itself_as_main_with_its_own_arguments(bare: Any, script: Any, home: Path) -> None:
    name = script("import sys; print(__name__, __file__, __spec__, sys.argv, sys.path[0], sep='|')", "d/s.py")
    done = bare(name, "--help", "--json", "--url", "-m")
    argv = str([name, "--help", "--json", "--url", "-m"])
    assert done.out == f"__main__|{home / name}|None|{argv}|{home / 'd'}\n"
    assert (done.code, done.err) == (0, "")


def test_a_script_can_import_its_neighbours(bare: Any, script: Any) -> None:
    script("VALUE = 41", "d/neighbour.py")
    assert bare(script("import neighbour; print(neighbour.VALUE + 1)", "d/s.py")).out == "42\n"


@pytest.mark.parametrize(
    ("end", "code", "words"),
    [
        ("", 0, ""),
        ("raise SystemExit", 0, ""),
        ("raise SystemExit(0)", 0, ""),
        ("raise SystemExit(7)", 7, ""),
        ("raise SystemExit(True)", 1, ""),
        ("raise SystemExit('words')", 1, "words\n"),
        ("raise SystemExit(['a'])", 1, "['a']\n"),
    ],
)
def test_the_exit_code_is_the_scripts(here: Any, script: Any, end: str, code: int, words: str) -> None:
    done = here(script(f"import sys\n{end}"))
    assert (done.code, done.err) == (code, words)


def test_an_exception_prints_the_traceback_that_python_prints(bare: Any, script: Any, home: Path) -> None:
    name = script(
        """
        def inner():
            raise ValueError("boom")
        try:
            inner()
        except ValueError as error:
            raise RuntimeError("outer") from error
        """
    )
    done = bare(name)
    plain = subprocess.run(
        [sys.executable, str(home / name)], capture_output=True, text=True, cwd=home, check=False
    )
    assert (done.code, done.err) == (1, plain.stderr)


def test_a_syntax_error_is_told_as_python_tells_it(bare: Any, script: Any, home: Path) -> None:
    name = script("def f(:\n")
    plain = subprocess.run(
        [sys.executable, str(home / name)], capture_output=True, text=True, cwd=home, check=False
    )
    done = bare(name)
    assert (done.code, done.err) == (1, plain.stderr)


def test_a_scripts_own_excepthook_is_called(bare: Any, script: Any) -> None:
    name = script(
        "import sys\nsys.excepthook = lambda kind, error, trace: print('mine', error)\nraise KeyError(1)"
    )
    assert bare(name).out == "mine 1\n"


def test_what_a_script_leaves_running_keeps_its_globals(bare: Any, script: Any) -> None:
    name = script(
        """
        import atexit, threading, time
        WORD = "still here"
        atexit.register(lambda: print("atexit", WORD))
        def late():
            time.sleep(0.2)
            print("thread", WORD)
        threading.Thread(target=late).start()
        """
    )
    assert bare(name).out == "thread still here\natexit still here\n"


def test_processes_that_a_script_spawns_find_its_functions(bare: Any, script: Any) -> None:
    name = script(
        """
        import multiprocessing
        def double(number):
            return 2 * number
        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(double, [21]))
        """
    )
    assert bare(name).out == "[42]\n"


def test_a_module_runs_as_with_python_m(bare: Any, script: Any, home: Path) -> None:
    script("", "pkg/__init__.py")
    path = script(
        "import sys; print(__name__, __package__, __spec__.name, sys.argv, sys.path[0])", "pkg/mod.py"
    )
    done = bare("-m", "pkg.mod", "--url", "x")
    assert done.out == f"__main__ pkg pkg.mod {[str(home / path), '--url', 'x']} {home}\n"


def test_a_package_runs_its_main(bare: Any, script: Any) -> None:
    script("", "pkg/__init__.py")
    script("print(__name__, __spec__.name)", "pkg/__main__.py")
    assert bare("-m", "pkg").out == "__main__ pkg.__main__\n"


def test_an_import_that_fails_inside_a_package_is_the_users_traceback(bare: Any, script: Any) -> None:
    script("import surely_missing", "pkg/__init__.py")
    script("", "pkg/mod.py")
    done = bare("-m", "pkg.mod")
    assert done.code == 1
    assert "No module named 'surely_missing'" in done.err
    assert "prefect_lineage" not in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.py"], "There is no script 'nowhere.py'"),
        (["folder"], "'folder' is a directory"),
        (["data.bin"], "'data.bin' is not Python source"),
        (["-m", "surely_missing"], "There is no module 'surely_missing'"),
        (["-m", "folder"], "The package 'folder' cannot be run"),
        (["-m", "a b"], "'a b' is no module name"),
        (["-m"], "-m requires an argument"),
        (["--bogus", "s.py"], "Unknown option: --bogus"),
        ([], "There is no script to run"),
    ],
)
def test_what_cannot_be_run_is_one_sentence(here: Any, home: Path, arguments: list[str], words: str) -> None:
    (home / "folder").mkdir()
    (home / "data.bin").write_bytes(b"a\0b")
    done = here(*arguments)
    assert done.code == 2
    assert words in done.sentence


def test_a_script_may_close_its_output(bare: Any, script: Any) -> None:
    done = bare(script("import sys; print('done'); sys.stdout.close()"))
    assert (done.code, done.out, done.err) == (0, "done\n", "")


def test_a_lineage_error_of_a_package_is_its_own_traceback(bare: Any, script: Any) -> None:
    script("from prefect_lineage.errors import LineageError\nraise LineageError('theirs')", "pkg/__init__.py")
    script("", "pkg/mod.py")
    done = bare("-m", "pkg.mod")
    assert done.code == 1
    assert done.err.startswith("Traceback")


def test_ctrl_c_ends_with_130(home: Path, script: Any) -> None:
    name = script("import time\nprint('ready', flush=True)\ntime.sleep(60)")
    command = [sys.executable, "-m", "prefect_lineage", "run", name]
    environment = {**os.environ, "PREFECT_LINEAGE_ENABLED": "0"}
    with subprocess.Popen(
        command, cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.endswith("KeyboardInterrupt\n")
    assert "prefect_lineage" not in err


def test_without_the_switch_nothing_of_prefect_is_imported(bare: Any, script: Any) -> None:
    name = script(
        "import os, sys; print('prefect' in sys.modules, os.environ.get('PREFECT_PLUGINS_ENABLED'))"
    )
    assert bare(name).out == "False None\n"


def test_capture_is_on_in_the_script_and_in_the_processes_it_starts(
    shell: Any, script: Any, home: Path
) -> None:
    name = script(
        """
        import os
        print(os.environ["PREFECT_PLUGINS_ENABLED"], os.environ["PREFECT_LINEAGE_URL"])
        """
    )
    done = shell("run", "--url", f"sqlite:///{home / 'x.db'}", name)
    assert done.out == f"1 sqlite:///{home / 'x.db'}\n"
    assert done.code == 0


ETL = """
    from pathlib import Path
    import prefect_lineage
    Path("raw.txt").write_text("x")
    with prefect_lineage.run("etl"):
        Path("out.txt").write_text(Path("raw.txt").read_text() * 3)
    print("done")
"""


def test_what_a_script_read_and_wrote_is_recorded(shell: Any, script: Any) -> None:
    done = shell("run", script(ETL))
    assert (done.code, done.out) == (0, "done\n")
    graph = shell("upstream", "out.txt", "--json").json
    assert [node["name"] for node in graph["nodes"]] == ["out.txt", "etl", "raw.txt"]
    assert {(edge["direction"], edge["how"]) for edge in graph["edges"]} == {
        ("input", "observed"),
        ("output", "observed"),
    }


def test_a_store_that_cannot_be_used_does_not_stop_the_script(shell: Any, script: Any, home: Path) -> None:
    (home / "notes.txt").write_text("no database")
    done = shell("run", "--url", "notes.txt", script(ETL))
    assert (done.code, done.out) == (0, "done\n")
    assert "notes.txt" in done.err
    assert shell("sync", "--json").json["records"] > 0
    assert [run["job"] for run in shell("ls", "runs", "--json").json] == ["etl"]
