/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What only a whole run can tell: it is made, of this very program, and what it says is what
 * any run would say.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/bt-doctor.h"

/* A program that is everywhere and does nothing. */
#define NOTHING "/usr/bin/true"
#define TIMEOUT "--timeout=20"

/* Grants of the caller's variables are for the caller's runs. */
static void
drop_grants(void)
{
  g_auto(GStrv) names = g_listenv();

  for (char **name = names; *name != NULL; name++)
    if (g_str_has_prefix(*name, "POD_") || g_str_has_prefix(*name, "BUNTIME_"))
      g_unsetenv(*name);
}

static void
execute(gconstpointer data)
{
  char *const *argv = (char *const *)data;

  drop_grants();
  execv("/proc/self/exe", argv);
  g_printerr("buntime: /proc/self/exe: %s\n", g_strerror(errno));
  _exit(125);
}

/* "buntime: object: reason" and, in a line of its own, the cure. */
static void
take_error(const char *text, BtFinding *finding_out)
{
  g_auto(GStrv) lines = g_strsplit(text, "\n", 3);
  static const char prefix[] = "buntime: ";

  finding_out->found = BT_FOUND_MISSING;
  if (lines[0] == NULL || lines[0][0] == '\0') {
    finding_out->reason = g_strdup(_("a run ended without a word"));
    return;
  }
  gsize skipped = g_str_has_prefix(lines[0], prefix) ? strlen(prefix) : 0;
  finding_out->reason = g_strdup(lines[0] + skipped);
  if (lines[1] != NULL && lines[1][0] == ' ')
    finding_out->cure = g_strdup(g_strchug(lines[1]));
}

/* Flags: NULL: none. */
static void
try_flags(const char *flag, const char *other, BtFinding *finding_out)
{
  g_autofree char *own = bt_own_path(), *text = NULL;
  const char *entry = access(NOTHING, X_OK) == 0 || own == NULL ? NOTHING : own;
  const char *argv[10] = { "buntime", "--quiet", TIMEOUT, "--worker=exec" };
  guint n = 4;

  if (flag != NULL)
    argv[n++] = flag;
  if (other != NULL)
    argv[n++] = other;
  argv[n++] = "run";
  argv[n++] = entry;
  argv[n] = "--version";
  if (bt_doctor_child(execute, argv, &text) != 0)
    take_error(text, finding_out);
}

void
bt_probe_run(BtFinding *finding_out)
{
  try_flags(NULL, NULL, finding_out);
}

/* Of this one a whole run is the only test, too. */
void
bt_probe_tier(BtFinding *finding_out)
{
  try_flags("--tier=landlock", NULL, finding_out);
}

/* An address of the documentation's, which nobody has: only the device is asked for. */
void
bt_probe_tap(BtFinding *finding_out)
{
  try_flags("--net=tap", "--allow-net=192.0.2.1:1", finding_out);
}

void
bt_probe_veth(BtFinding *finding_out)
{
  try_flags("--net=veth", "--allow-net=192.0.2.1:1", finding_out);
}

/* No other limit stops a run where no control group can be had. */
void
bt_probe_cgroup(BtFinding *finding_out)
{
  try_flags("--cpu=1", NULL, finding_out);
}

/* ---- interpreters ---- */

typedef struct {
  const char *worker;
  const char *code;
} Interpreter;

/* Its program is on standard input. */
static void
interpret(gconstpointer data)
{
  const Interpreter *interpreter = data;
  const char *argv[] = { "buntime", "--quiet", TIMEOUT, interpreter->worker, "run", "-", NULL };
  int ends[2];

  if (pipe(ends) != 0 || write(ends[1], interpreter->code, strlen(interpreter->code)) < 0 ||
      dup2(ends[0], STDIN_FILENO) < 0)
    _exit(125);
  close(ends[0]);
  close(ends[1]);
  execute(argv);
}

static void
try_interpreter(const Interpreter *interpreter, BtFinding *finding_out)
{
  g_autofree char *text = NULL;

  if (bt_doctor_child(interpret, interpreter, &text) != 0)
    take_error(text, finding_out);
  else
    finding_out->value = g_strdup(g_strchomp(text));
}

void
bt_probe_python(BtFinding *finding_out)
{
  const Interpreter python = {
    "--worker=python",
    "import sys; print(sys.executable, '.'.join(map(str, sys.version_info[:3])))\n",
  };
  try_interpreter(&python, finding_out);
}

void
bt_probe_bun(BtFinding *finding_out)
{
  const Interpreter bun = { "--worker=bun", "console.log(process.execPath, Bun.version)\n" };
  try_interpreter(&bun, finding_out);
}
