# SPDX-License-Identifier: LGPL-2.1-or-later
"""A release (meson dist) builds without git, node and a network: as a part of another program."""

import re

from tree import bare, run

HOST = {"meson.build": '''
project('host', 'c', default_options: ['werror=true', 'warning_level=3'])
# Options, targets and variables have the names that buntime's own have.
if get_option('tests') != 'mine'
  error('that is not our option')
endif
lib_sources = 'host.c'
executable('buntime-host', lib_sources, dependencies: dependency('buntime-1.0'))
executable('worker', 'worker.c', dependencies: dependency('buntime-worker-1.0'))
run_target('buntime-doctor', command: 'true')
test('install', find_program('true'))
''', "meson_options.txt": "option('tests', type: 'string', value: 'mine')\n", "host.c": '''
#include <buntime.h>
int main(int argc, char **argv) {
  g_autoptr(BuntimePolicy) policy = buntime_policy_new();
  g_autoptr(BuntimeSandbox) sandbox = buntime_sandbox_new(policy);
  g_autoptr(GError) error = NULL;
  const char *const none[] = { NULL };
  int status = 125;
  (void)argv;
  if (!buntime_sandbox_run(sandbox, "/usr/bin/true", none, &status, &error))
    g_printerr("%s\\n", error->message);
  return argc > 1 ? 3 : status;
}
''', "worker.c": '''
#include <buntime-worker.h>
int main(void) {
  BuntimeChannel *channel;
  return buntime_channel_open(&channel) == 0;
}
''', "subprojects/buntime.wrap": "[wrap-file]\ndirectory = buntime\n\n[provide]\ndependency_names = "
     "buntime-1.0, buntime-worker-1.0\n"}


def test_subproject(world, release, box):
    """By the dependency's name alone; it runs from the build, and its helpers are found there."""
    for name, text in HOST.items():
        box.write(f"host/{name}", text)
    (box.directory / "host/subprojects/buntime").symlink_to(release)
    host, build = box.directory / "host", box.directory / "b"
    bare(box.directory, "meson", "setup", build, host, "--optimization=0", "-Dbuntime:debug_ui=disabled")
    targets = re.findall(r"^(\S+buntime-(?:init|json|net|resolver)): \w+$",
                         run("ninja", "-C", build, "-t", "targets", "all"), re.M)
    bare(box.directory, "ninja", "-C", build, "buntime-host", "worker", *targets, timeout=300)
    result = world.run_command([build / "buntime-host"])
    assert result.status == 0 and result.stderr == "", str(result)
    assert world.run_command([build / "worker"]).status == 0
