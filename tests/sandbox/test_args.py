# SPDX-License-Identifier: LGPL-2.1-or-later
"""What follows ENTRY is the worker's; what ENTRY may be."""

import pytest

SHOW = "import json, sys\nprint(json.dumps(sys.argv[1:]))\n"


@pytest.mark.parametrize("args", [
    [], [""], ["a b", "c\td", "e\nf"], ["--allow-net", "--help", "-A", "--"], ["--", "x"],
    ["run", "w.py"], ["*", "$HOME", "`id`", "\\", "'\""], ["ünïcödé", "日本"], ["x" * 100000],
    [str(n) for n in range(2000)],
])
def test_arguments_are_untouched(box, args):
    import json
    result = box.run(code=SHOW, args=args)
    assert result.status == 0, str(result)
    assert json.loads(result.stdout) == args


def test_bare_entry_means_run(box, world):
    box.write("w.py", SHOW)
    result = world.run(["w.py", "--quiet", "x"], cwd=box.directory)
    assert result.stdout == '["--quiet", "x"]\n', str(result)


def test_flags_before_and_after_run(box, world):
    box.write("w.py", "import os\nprint(sorted(n for n in os.environ if n in 'AB'))\n")
    result = world.run(["--allow-env=A", "run", "--allow-env=B", "w.py"], cwd=box.directory,
                       env={"A": "1", "B": "2"})
    assert result.stdout == "['A', 'B']\n", str(result)


def test_entry_called_like_an_option(box, world):
    box.write("--foo.py", SHOW)
    result = world.run(["run", "--", "--foo.py", "--", "x"], cwd=box.directory)
    assert result.stdout == '["--", "x"]\n', str(result)
    box.write("--foo", "#!/usr/bin/python3\n" + SHOW, 0o755)
    result = world.run(["--", "--foo", "y"], cwd=box.directory)
    assert result.stdout == '["y"]\n', str(result)


def test_entry_called_run(box, world):
    box.write("run", SHOW)
    result = world.run(["--worker=python", "run", "run", "x"], cwd=box.directory)
    assert result.stdout == '["x"]\n', str(result)


def test_module(world):
    result = world.run(["--worker=python", "--", "-m", "json.tool", "--help"])
    assert result.status == 0 and "usage" in result.stdout, str(result)


def test_program_from_standard_input(world):
    result = world.run(["--worker=python", "run", "-", "x"], stdin="import sys; print(sys.argv[1:])")
    assert result.stdout == "['x']\n", str(result)


def test_stdin_beside_a_grant_for_writing(world, box):
    """Where something may be written and not read, each readable file has a Landlock rule of its own."""
    for grant, sight in (("write", "refused"), ("read", "allowed")):
        place = box.directory / grant
        place.mkdir()
        (place / "seen").write_text("text")
        result = world.run([f"--allow-{grant}={place}", "run", "--worker=python", "-"], stdin=f"""
try:
    open({str(place / "seen")!r}).read()
    print("allowed")
except OSError:
    print("refused")
""")
        assert result.status == 0 and result.stdout == f"{sight}\n", str(result)


def test_program_from_path(box):
    result = box.run(name="printf", args=["%s|", "a b", "--x"])
    assert result.stdout == "a b|--x|", str(result)


def test_executable_with_interpreter_line(box):
    result = box.run(name="./tool", code="#!/usr/bin/python3\nimport sys\nprint(sys.argv[1:])\n",
                     args=["a"])
    assert result.stdout == "['a']\n", str(result)


def test_a_file_here_goes_before_the_path(box):
    result = box.run("--worker=python", name="env", code="print('mine')\n")
    assert result.stdout == "mine\n", str(result)


def test_symbolic_link_as_entry(box):
    box.write("real/w.py", "print(__file__)\n")
    (box.directory / "link.py").symlink_to("real/w.py")
    result = box.run(name="link.py")
    assert result.status == 0 and "w.py" in result.stdout or "link.py" in result.stdout, str(result)


def test_virtual_environment(box, world):
    """An active venv's python and its site-packages, read-only."""
    made = world.run_command(["/usr/bin/python3", "-m", "venv", "--without-pip",
                              "--symlinks", box.directory / "venv"])
    assert made.status == 0, str(made)
    site = next((box.directory / "venv/lib").glob("python3.*")) / "site-packages"
    (site / "lucky.py").write_text("number = 13\n", encoding="utf-8")
    result = box.run(code="import lucky, sys\nprint(lucky.number, sys.prefix)\n",
                     env={"PATH": f"{box.directory}/venv/bin:/usr/bin:/bin",
                          "VIRTUAL_ENV": f"{box.directory}/venv"})
    assert result.stdout == f"13 {box.directory}/venv\n", str(result)
