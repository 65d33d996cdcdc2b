# SPDX-License-Identifier: LGPL-2.1-or-later
"""Code that is loaded: from which files a process may map any, and what gets around it."""

import shutil
import subprocess

import pytest

from native import Attack, compile_c

ANSWER = "int answer(void) { return 42; }\n"
# What the kernel says, and the loader of it.
REFUSED = {"EACCES", "EPERM", "ENOSYS", "failed", "not mapped"}
WAYS = ["dlopen", "map", "map-shared", "map-all", "mprotect", "preload"]


def is_refused(value):
    """By the kernel, as dlopen() words it."""
    return isinstance(value, str) and "failed to map segment" in value


@pytest.fixture
def attack(box):
    return Attack(box)


@pytest.fixture
def library(box):
    source = box.write("answer.c", ANSWER)
    compile_c(source, box.directory / "lib/other.so", "-shared", "-fPIC")
    return compile_c(source, box.directory / "lib/answer.so", "-shared", "-fPIC")


def test_every_way_works_without_a_sandbox(attack, library):
    found = attack.without_sandbox(on=library, ops=[*WAYS, "dlopen-memfd"])
    assert found.pop(("dlopen", str(library))) == found.pop(("dlopen-memfd", str(library))) == \
        "called"
    assert found.pop(("preload", str(library))) == "ran"
    assert set(found.values()) == {"mapped"}


@pytest.mark.parametrize("grant", ["--allow-read=lib", "--allow-write=lib,.", "--allow-run=./lib/x"])
def test_without_a_grant_nothing_is_mapped(box, attack, library, grant):
    box.write("lib/x", "#!/bin/sh\n", 0o755)
    found, result = attack("--allow-read=lib", grant, on=library, ops=[*WAYS, "dlopen-memfd", "jit"])
    # What is compiled in memory of its own is no file.
    assert found.pop(("jit", str(library))) == "mapped"
    assert set(found.values()) <= REFUSED, str(result)


def test_a_granted_file_is_mapped_and_no_other(box, attack, library):
    other = box.directory / "lib/other.so"
    found, result = attack("--allow-ffi=lib/answer.so", "--allow-read=lib", on=[library, other],
                           ops=WAYS)
    assert found["dlopen", str(library)] == "called", str(result)
    assert {found[op, str(library)] for op in WAYS} == {"called", "mapped", "ran"}
    assert {found[op, str(other)] for op in WAYS} <= REFUSED, str(result)


def test_a_refusal_is_explained(box, library):
    """By one event, whose flag makes it pass."""
    code = """
        import ctypes
        for path in sys.argv[1:]:
            out[path] = attempt(lambda: ctypes.CDLL(path).answer())
    """
    other = box.directory / "lib/other.so"
    out, result = box.json("--allow-read=lib", code=code, args=[library, other])
    assert all(map(is_refused, out.values())), str(result)
    events = result.denied("ffi")
    assert [event.object for event in events] == [str(library), str(other)], str(result)
    assert events[0].rule == "defaults.ffi = deny (built-in)"
    assert events[0].allow == f"--allow-ffi={library}"
    out, result = box.json("--allow-read=lib", events[0].allow, code=code, args=[library, other])
    assert out[str(library)] == 42 and is_refused(out[str(other)]), str(result)
    assert [event.object for event in result.denied("ffi")] == [str(other)], str(result)
    out, result = box.json("--allow-ffi=lib", f"--deny-ffi={library}", code=code, args=[library])
    [event] = result.denied("ffi")
    assert event.rule.startswith("--deny-ffi=") and event.allow == "", str(result)


def test_what_was_made_during_the_run_has_no_flag(box, library):
    _, result = box.json("--allow-read=lib", code="""
        import ctypes, shutil
        attempt(ctypes.CDLL, shutil.copy(sys.argv[1], "/tmp/x.so"))
    """, args=[library])
    [event] = result.denied("ffi", "/tmp/x.so")
    assert event.allow == "" and "made during the run" in event.line, str(result)


def test_what_is_loaded_gives_no_event(box):
    result = box.run(code="import ctypes, mmap, ssl, sqlite3, decimal\nmmap.mmap(-1, 4096)\n")
    assert result.status == 0 and result.events == [], str(result)


def test_a_granted_file_is_seen_without_a_grant_to_read(box, attack, library):
    found, result = attack("--allow-ffi=lib/answer.so", on=library, ops=["dlopen"])
    assert set(found.values()) == {"called"}, str(result)


def test_a_granted_directory_and_a_denial_below_it(box, attack, library):
    other = box.directory / "lib/other.so"
    found, result = attack("--allow-ffi=lib", "--deny-ffi=lib/other.so", on=[library, other],
                           ops=["dlopen", "map"])
    assert [found[op, str(library)] for op in ("dlopen", "map")] == ["called", "mapped"]
    assert {found[op, str(other)] for op in ("dlopen", "map")} <= REFUSED, str(result)


def test_a_granted_place_runs_no_program(box, attack, library):
    tool = compile_c(box.write("tool.c", "int main(void) { return 0; }\n"),
                     box.directory / "lib/tool")
    ops = ["exec", "empty-path", "proc-fd", "dirfd", "symlink", "copy", "memfd"]
    found, result = attack("--allow-ffi=lib", on=tool, ops=ops)
    assert set(found.values()) <= REFUSED, str(result)
    assert result.denied("run", str(tool)), str(result)


WRITE = """
    import ctypes, shutil
    path, copy = sys.argv[1:]
    out["write"] = attempt(open, path, "r+b")
    out["copy"] = attempt(shutil.copy, path, copy)
    for name in (path, copy, "/tmp/copy.so"):
        attempt(shutil.copy, path, name)
        out["load " + os.path.basename(os.path.dirname(name))] = \\
            attempt(lambda: ctypes.CDLL(name).answer())
    out["replace"] = attempt(os.replace, copy, path)
    out["parent"] = attempt(os.rename, os.path.dirname(path), "moved")
    out["again"] = attempt(lambda: ctypes.CDLL(path).answer())
"""


def test_what_is_written_is_not_mapped(box, library):
    (box.directory / "work").mkdir()
    out, result = box.json("--allow-ffi=lib", "--allow-write=.", "--allow-read=.", code=WRITE,
                           args=[library, box.directory / "work/copy.so"])
    assert out["load lib"] == out["again"] == 42, str(result)
    assert is_refused(out["load work"]) and is_refused(out["load tmp"]), str(result)
    assert out["write"] == "EACCES" and out["replace"] in ("EXDEV", "EROFS", "EBUSY")
    assert out["parent"] in ("EBUSY", "EROFS", "EXDEV")
    assert "is granted to be loaded as code, so it is read-only" in result.stderr, str(result)


def test_everything_is_mapped_but_what_can_be_written(box, library):
    (box.directory / "work").mkdir()
    flags = ("--allow-ffi", "--allow-read=lib", "--allow-write=work", "--allow-read=work")
    out, result = box.json(*flags, code=WRITE + """
    out["memfd"] = attempt(os.memfd_create, "x") != "EPERM"
    out["exec"] = attempt(subprocess.run, ["/usr/bin/env"])
    """, args=[library, box.directory / "work/copy.so"])
    assert out["load lib"] == 42, str(result)
    assert is_refused(out["load work"]) and is_refused(out["load tmp"]), str(result)
    assert out["memfd"] is True and out["exec"] == "EACCES", str(result)
    out, result = box.json(*flags, f"--deny-ffi={library}", code=WRITE + """
    out["memfd"] = attempt(os.memfd_create, "x") != "EPERM"
    """, args=[library, box.directory / "work/copy.so"])
    assert is_refused(out["load lib"]) and out["memfd"] is False, str(result)


@pytest.mark.parametrize("flags", [[], ["--allow-read=."], ["--allow-write=.", "--allow-read=."]])
def test_from_python(box, library, flags):
    """Beside the entry, in /tmp, in /dev/shm, by LD_LIBRARY_PATH, through a link."""
    shutil.copy(library, box.directory / "beside.so")
    out, result = box.json(*flags, code="""
        import ctypes, glob, shutil
        system = glob.glob("/usr/lib/*/libz.so.1")[0]
        out["system"] = attempt(ctypes.CDLL, system)
        for place in ("/tmp/z.so", "/dev/shm/z.so"):
            shutil.copy(system, place)
            out[place] = attempt(ctypes.CDLL, place)
        out["beside"] = attempt(ctypes.CDLL, os.path.abspath("beside.so"))
        os.symlink(os.path.abspath("lib/answer.so"), "/tmp/link.so")
        out["link"] = attempt(ctypes.CDLL, "/tmp/link.so")
        for name, value in (("LD_LIBRARY_PATH", os.path.abspath("lib")),
                            ("LD_PRELOAD", os.path.abspath("lib/answer.so"))):
            code = "import ctypes; print(ctypes.CDLL(%r).answer())" % (
                "answer.so" if name == "LD_LIBRARY_PATH" else None)
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                                  env={**os.environ, name: value})
            out[name] = done.stdout
    """)
    assert out.pop("system") == "ok"
    assert out.pop("LD_LIBRARY_PATH") == out.pop("LD_PRELOAD") == "", str(result)
    for name, value in out.items():
        assert is_refused(value) or (not flags and name in ("beside", "link") and
                                     "No such file" in value), str(result)


# ---- extension modules ----

MODULE = """
#include <Python.h>
#ifdef HELPED
int answer(void);
#else
static int answer(void) { return 42; }
#endif
static PyObject *get(PyObject *self, PyObject *args) { return PyLong_FromLong(answer()); }
static PyMethodDef methods[] = { { "get", get, METH_NOARGS, "" }, { NULL, NULL, 0, NULL } };
static struct PyModuleDef definition = { PyModuleDef_HEAD_INIT, "pkg_ext", "", -1, methods };
PyMODINIT_FUNC PyInit_ext(void) { return PyModule_Create(&definition); }
"""


@pytest.fixture
def wheel(box):
    """An environment with a package as wheels are: an extension, and its libraries beside it."""
    # The declarations that are needed, so that no header package is.
    declarations = """
#include <stddef.h>
typedef struct _object PyObject;
typedef PyObject *(*PyCFunction)(PyObject *, PyObject *);
typedef struct { const char *name; PyCFunction f; int flags; const char *doc; } PyMethodDef;
typedef struct { long refs; void *type; PyObject *(*init)(void); long index; PyObject *copy; }
  PyModuleDef_Base;
typedef struct PyModuleDef { PyModuleDef_Base base; const char *name; const char *doc; long size;
  PyMethodDef *methods; void *slots, *traverse, *clear, *free; } PyModuleDef;
#define PyModuleDef_HEAD_INIT { 1, NULL, NULL, 0, NULL }
#define PyMODINIT_FUNC __attribute__((visibility("default"))) PyObject *
#define METH_NOARGS 4
PyObject *PyLong_FromLong(long);
PyObject *PyModule_Create2(PyModuleDef *, int);
#define PyModule_Create(definition) PyModule_Create2(definition, 1013)
"""
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", box.directory / "venv"],
                   check=True)
    [site] = (box.directory / "venv/lib").glob("python3*/site-packages")
    suffix = subprocess.run(["/usr/bin/python3", "-c",
                             "import sysconfig; print(sysconfig.get_config_var('EXT_SUFFIX'))"],
                            capture_output=True, text=True, check=True).stdout.strip()
    box.write("Python.h", declarations)
    source = box.write("ext.c", MODULE)
    compile_c(box.write("answer.c", ANSWER), site / "pkg.libs/libanswer-1234.so", "-shared",
              "-fPIC")
    (site / "pkg").mkdir()
    (site / "pkg/__init__.py").write_text("from .ext import get\n")
    compile_c(source, site / f"pkg/ext{suffix}", "-shared", "-fPIC", "-DHELPED",
              f"-I{box.directory}", f"-L{site}/pkg.libs", "-l:libanswer-1234.so",
              "-Wl,-rpath,$ORIGIN/../pkg.libs")
    return site


IMPORT = """
    import pkg
    out["answer"] = pkg.get()
"""


def test_wheels_of_the_active_environment_work(box, wheel):
    environment = {"VIRTUAL_ENV": str(box.directory / "venv")}
    for flags in ([], ["--allow-write=.", "--allow-read=."], ["--deny-run"],
                  ["--allow-run", "--deny-run=."]):
        out, result = box.json(*flags, code=IMPORT, env=environment)
        assert out == {"answer": 42}, str(result)


def test_wheels_of_another_environment_need_a_grant(box, wheel):
    code = f"    import sys; sys.path.insert(0, {str(wheel)!r})\n" + IMPORT
    result = box.run("--allow-read=venv", code="import sys\nsys.path.insert(0, "
                     f"{str(wheel)!r})\nimport pkg\nprint(pkg.get())\n")
    assert result.status == 1 and "failed to map segment" in result.stderr, str(result)
    out, result = box.json("--allow-ffi=venv", code=code)
    assert out == {"answer": 42}, str(result)
