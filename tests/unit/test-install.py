#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs are built by what is installed: by pkg-config alone, and each header by itself.

test-install.py BUILD SOURCE PEER VALAC CC...    VALAC is "" where there is none
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BUILD, SOURCE, PEER, VALAC, CC = Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:5], sys.argv[5:]
HOST = """
#include <buntime.h>
int main(void) {
  g_autoptr(BuntimePolicy) policy = buntime_policy_new();
  g_autoptr(BuntimeSandbox) sandbox = buntime_sandbox_new(policy);
  g_autoptr(GError) error = NULL;
  g_autoptr(BuntimeVerdict) verdict =
    buntime_policy_check(policy, BUNTIME_PERMISSION_ENV, "A", &error);
  g_assert_true(g_type_is_a(BUNTIME_TYPE_WORKER, G_TYPE_OBJECT));
  return verdict != NULL && buntime_verdict_get_action(verdict) == BUNTIME_ACTION_DENY ? 0 : 1;
}
"""


def run(*command, **kwargs):
    result = subprocess.run(command, capture_output=True, text=True, check=False, **kwargs)
    if result.returncode != 0 or result.stderr:
        raise AssertionError(f"{command}: {result.stdout}{result.stderr}")
    return result.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = Path(cls.folder.name)
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", f"--destdir={cls.root}")
        cls.files = sorted(cls.root.rglob("buntime*-1.0.pc"))
        for file in cls.files:
            text = file.read_text(encoding="utf-8")
            file.write_text(text.replace("prefix=/", f"prefix={cls.root}/", 1), encoding="utf-8")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def environment(self):
        return {**os.environ, "PKG_CONFIG_PATH": ":".join({str(file.parent) for file in self.files}),
                "LD_LIBRARY_PATH": str(next(self.root.rglob("libbuntime.so.1")).parent)}

    def flags(self, package):
        return run("pkg-config", "--cflags", "--libs", package, env=self.environment()).split()

    def build(self, source, package, *more):
        program = self.root / "program"
        run(*CC, "-Wall", "-Werror", "-o", program, source, *self.flags(package), *more)
        return program

    def test_a_host_program(self):
        source = self.root / "host.c"
        source.write_text(HOST, encoding="utf-8")
        program = self.build(source, "buntime-1.0")
        run(program, env=self.environment())

    def test_the_first_program(self):
        """That of the reference pages."""
        page = (SOURCE / "data/reference/start.md").read_text(encoding="utf-8")
        source = self.root / "start.c"
        source.write_text(re.search(r"^```c\n(.*?)^```$", page, re.M | re.S)[1], encoding="utf-8")
        self.build(source, "buntime-1.0")

    @unittest.skipIf(VALAC == "", "without Vala")
    def test_a_host_in_vala(self):
        program = self.root / "host-in-vala"
        vapi = next(self.root.rglob("buntime-1.0.vapi")).parent
        # What valac writes is not C that a compiler has no doubts about.
        run(VALAC, "--vapidir", vapi, "--pkg=buntime-1.0", "--directory", self.root, "--output", program,
            "-X", "-w", SOURCE / "tests/unit/host.vala", env=self.environment())
        self.assertEqual(run(program, PEER, env=self.environment()).splitlines(), [
            "other.example: denied", "answer: hello", "failed: fail", "output on 1: 3 bytes",
            "code: 42", "event: state", "exited: 7"])

    def test_the_examples_in_c(self):
        """host.c starts worker.c."""
        host = self.build(SOURCE / "data/examples/host.c", "buntime-1.0").rename(self.root / "host")
        # In the sandbox the library is found by the program itself, outside of the system's folders.
        library = next(self.root.rglob("libbuntime-worker.so.1"))
        worker = self.build(SOURCE / "data/examples/worker.c", "buntime-worker-1.0",
                            f"-Wl,-rpath,{library.parent}")
        self.assertEqual(run(host, worker, env=self.environment()).splitlines(), [
            "the worker says: ready", "the answer is: WHO IS THERE?",
            "the worker writes: github.com:443: allowed\\ntold: that was all",
            "the worker ended with 0"])

    def test_both_headers(self):
        """One program can be a host, and speak a channel that it was given."""
        for order in ("buntime.h", "buntime-worker.h"), ("buntime-worker.h", "buntime.h"):
            source = self.root / "both.c"
            source.write_text("".join(f"#include <{name}>\n" for name in order) +
                              "int main(void) { return BUNTIME_ERROR == 0 || BUNTIME_REPLY_ERROR != 0x33; }\n",
                              encoding="utf-8")
            # In this order: the host's library has a header of the same name, which buntime.h includes.
            self.build(source, "buntime-worker-1.0", *self.flags("buntime-1.0"))

    def test_each_header_by_itself(self):
        headers = sorted(self.root.rglob("buntime-1.0/*.h"))
        self.assertIn("buntime-sandbox.h", [header.name for header in headers])
        for header in headers:
            source = self.root / "one.c"
            source.write_text(f"#include <{header.name}>\nint main(void) {{ return 0; }}\n",
                              encoding="utf-8")
            self.build(source, "buntime-1.0")

    def test_nothing_internal_is_installed(self):
        for header in self.root.rglob("*.h"):
            self.assertNotIn("bt-", header.name)
            self.assertNotRegex(header.read_text(encoding="utf-8"), r'#include "[^"]*/')


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
