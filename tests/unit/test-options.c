/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cli/bt-help.h"
#include "cli/bt-options.h"
#include "lib/buntime.h"

/* argv is parted by blanks; given by blanks, "NAME" bare or "NAME=VALUE". */
static const struct {
  const char *argv;
  const char *given;
  const char *entry;
  const char *args;
  const char *bare;
} good[] = {
  { "w.py", "", "w.py", "", NULL },
  { "run w.py", "", "w.py", "", NULL },
  { "run w.py a --allow-net -N", "", "w.py", "a --allow-net -N", NULL },
  { "--allow-net=github.com run w.py", "allow-net=github.com", "w.py", "", NULL },
  { "run --allow-net=github.com w.py", "allow-net=github.com", "w.py", "", NULL },
  { "-N=github.com w.py", "allow-net=github.com", "w.py", "", NULL },
  { "-N -R=/a,/b run -W w.py x", "allow-net allow-read=/a,/b allow-write", "w.py", "x", "-W" },
  { "-NR w.py", "allow-net allow-read", "w.py", "", "-NR" },
  { "-E=A=B w.py", "allow-env=A=B", "w.py", "", NULL },
  { "-A -q w.py", "allow-all quiet", "w.py", "", NULL },
  { "--allow-net github.com w.py", "allow-net", "github.com", "w.py", "--allow-net" },
  { "--allow-net run w.py", "allow-net", "w.py", "", NULL },
  { "--allow-net -- w.py", "allow-net", "w.py", "", NULL },
  { "run -- --foo --allow-net", "", "--foo", "--allow-net", NULL },
  { "-- run x", "", "run", "x", NULL },
  { "run run", "", "run", "", NULL },
  { "run w.py -- -h", "", "w.py", "-- -h", NULL },
  { "-", "", "-", "", NULL },
  { "--worker=bun --net=veth --policy=p.json w", "worker=bun net=veth policy=p.json", "w", "", NULL },
  { "--net=slirp w", "net=slirp", "w", "", NULL },
  { "--json-status-fd=3 w", "json-status-fd=3", "w", "", NULL },
  { "--help --nonsense", "help", NULL, "", NULL },
  { "run -V", "version", NULL, "", NULL },
  { "", "", NULL, "", NULL },
  { "run", "", NULL, "", NULL },
};

static char *
describe_given(const BtCommandLine *line)
{
  GString *text = g_string_new(NULL);
  for (guint i = 0; i < line->given->len; i++) {
    const BtGiven *given = &g_array_index(line->given, BtGiven, i);
    g_string_append_printf(text, "%s%s%s%s", i > 0 ? " " : "", given->option->name,
                           given->value != NULL ? "=" : "",
                           given->value != NULL ? given->value : "");
  }
  return g_string_free(text, FALSE);
}

/* "buntime" and the words. */
static GStrv
make_argv(const char *words)
{
  g_autofree char *text = g_strconcat("buntime", words[0] != '\0' ? " " : "", words, NULL);
  return g_strsplit(text, " ", -1);
}

static void
test_good(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
    g_auto(GStrv) argv = make_argv(good[i].argv);
    g_auto(BtCommandLine) line = BT_COMMAND_LINE_INIT;
    g_autoptr(GError) error = NULL;
    const char *const none[] = { NULL };

    g_test_message("%s", good[i].argv);
    gboolean ok = bt_command_line_parse((const char *const *)argv, &line, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
    g_autofree char *given = describe_given(&line);
    g_autofree char *args = g_strjoinv(" ", (char **)(line.args != NULL ? line.args : none));
    g_assert_cmpstr(given, ==, good[i].given);
    g_assert_cmpstr(line.entry, ==, good[i].entry);
    g_assert_cmpstr(args, ==, good[i].args);
    g_assert_cmpstr(line.bare, ==, good[i].bare);
  }
}

/* contains: what the message has to say. */
static const struct {
  const char *argv;
  const char *contains[2];
} bad[] = {
  { "--allow-nett w.py", { "--allow-nett: unknown flag", "--allow-net" } },
  { "--alow-read=/x w.py", { "--alow-read", "did you mean --allow-read" } },
  { "-allow-net w.py", { "unknown flag", "--allow-net" } },
  { "--frobnicate w.py", { "--frobnicate: unknown flag", "--help" } },
  { "-x w.py", { "-x: unknown flag", "'--'" } },
  { "-Nx w.py", { "unknown flag", NULL } },
  { "-Ngithub.com w.py", { "-Ngithub.com: unknown flag", "write -N=github.com" } },
  { "-Aq7 w.py", { "-Aq7: unknown flag", "'buntime --help'" } },
  { "-NR=/x w.py", { "-NR=/x", "by itself" } },
  { "--policy p.json w.py", { "--policy: needs a value", "--policy=p.json" } },
  { "--policy run w.py", { "--policy: needs a value", "--policy=NAME|FILE" } },
  { "--net run w.py", { "--net: needs a value", "--net=auto|slirp|tap|veth" } },
  { "--net w.py", { "--net: needs a value", "--net=auto|slirp|tap|veth" } },
  { "--net slirp w.py", { "--net: needs a value", "--net=slirp" } },
  { "--worker w.py", { "--worker: needs a value", "'='" } },
  { "--policy", { "--policy: needs a value", "--policy=NAME|FILE" } },
  { "--policy= w.py", { "--policy: needs a value", "--policy=NAME|FILE" } },
  { "--policy --quiet w.py", { "--policy: needs a value", "--policy=NAME|FILE" } },
  { "--worker=perl w.py", { "--worker=perl: unknown value", "--worker=python|bun|exec" } },
  { "--worker=python|bun w.py", { "unknown value", NULL } },
  { "--net=host w.py", { "--net=host: unknown value", "auto|slirp|tap|veth" } },
  { "--quiet=yes w.py", { "--quiet: takes no value", NULL } },
  { "-A=x w.py", { "-A: takes no value", NULL } },
  { "--allow-net= w.py", { "--allow-net: an empty list", "for everything" } },
  { "-N= w.py", { "-N: an empty list", "write -N" } },
  { "--= w.py", { "unknown flag", NULL } },
  { "check --worker=bun net x", { "--worker: not a flag of 'buntime check'", "check --help" } },
  { "--quiet policy list", { "--quiet: not a flag of 'buntime policy'", NULL } },
  { "init-policy --policy=p.json", { "--policy: not a flag of 'buntime init-policy'", NULL } },
  { "init-policy --opem", { "--opem: unknown flag", "'buntime init-policy --help'" } },
  { "init-policy --alow-net", { "--alow-net: unknown flag\ndid you mean --allow-net?", NULL } },
  { "--opem ui", { "--opem: unknown flag", "did you mean --open" } },
  { "--json w.py", { "--json: not a flag of 'buntime run'", NULL } },
};

static void
test_bad(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_auto(GStrv) argv = make_argv(bad[i].argv);
    g_auto(BtCommandLine) line = BT_COMMAND_LINE_INIT;
    g_autoptr(GError) error = NULL;

    g_test_message("%s", bad[i].argv);
    g_assert_false(bt_command_line_parse((const char *const *)argv, &line, &error));
    g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_USAGE);
    g_assert_cmpint(buntime_error_exit_status(error), ==, 2);
    for (gsize j = 0; j < 2 && bad[i].contains[j] != NULL; j++)
      if (strstr(error->message, bad[i].contains[j]) == NULL)
        g_error("'%s' does not say '%s'", error->message, bad[i].contains[j]);
  }
}

static const struct {
  const char *argv, *command, *given, *words;
} commands[] = {
  { "check net github.com:443", "check", "", "net github.com:443" },
  { "--allow-net check --json net x", "check", "allow-net json", "net x" },
  { "check net x --json -R=/a", "check", "json allow-read=/a", "net x" },
  { "check write -- --odd", "check", "", "write --odd" },
  { "policy list --json", "policy", "json", "list" },
  { "policy show check", "policy", "", "show check" },
  { "policy validate -", "policy", "", "validate -" },
  { "init-policy -NA", "init-policy", "allow-net allow-all", "" },
  { "run --interactive", "run", "interactive", "" },
  { "-i --worker=bun", "run", "interactive worker=bun", "" },
  { "serve", "serve", "", "" },
  { "serve --socket", "serve", "socket", "" },
  { "--socket=x serve", "serve", "socket=x", "" },
  { "ui --port=0 --listen=::1 --open", "ui", "port=0 listen=::1 open", "" },
  { "doctor --json --print-apparmor", "doctor", "json print-apparmor", "" },
};

static void
test_commands(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
    g_auto(GStrv) argv = make_argv(commands[i].argv);
    g_auto(BtCommandLine) line = BT_COMMAND_LINE_INIT;
    g_autoptr(GError) error = NULL;

    bt_command_line_parse((const char *const *)argv, &line, &error);
    g_assert_no_error(error);
    g_autofree char *given = describe_given(&line);
    g_autofree char *words = g_strjoinv(" ", (char **)line.words->pdata);
    g_assert_cmpstr(line.command->name, ==, commands[i].command);
    g_assert_cmpstr(given, ==, commands[i].given);
    g_assert_cmpstr(words, ==, commands[i].words);
    g_assert_null(line.entry);
  }
}

static void
test_empty_entry(void)
{
  const char *const argv[] = { "buntime", "", NULL };
  g_auto(BtCommandLine) line = BT_COMMAND_LINE_INIT;
  g_autoptr(GError) error = NULL;

  g_assert_false(bt_command_line_parse(argv, &line, &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_USAGE);
}

/* A name or a letter that stands twice would make the second unreachable. */
static void
test_table(void)
{
  for (guint i = 0; i < bt_n_options; i++)
    for (guint j = 0; j < i; j++) {
      g_assert_cmpstr(bt_options[i].name, !=, bt_options[j].name);
      if (bt_options[i].letter != '\0')
        g_assert_cmpint(bt_options[i].letter, !=, bt_options[j].letter);
    }
}

/* Every text made of the table has every flag, and help is right for 80 columns and more. */
static void
test_texts(void)
{
  g_autoptr(GString) help = g_string_new(NULL);
  g_autofree char *manual =
    bt_help_manual("@SYNOPSIS@\n@COMMANDS@\n@OPTIONS@\n", "1", NULL);
  g_autofree char *bash = bt_help_bash("@NAMES@\n@COMMANDS@\n@VALUES@\n", NULL);
  g_autofree char *zsh = bt_help_zsh("@NAMES@\n@COMMANDS@\n", NULL);
  g_autofree char *fish = bt_help_fish("@NAMES@\n@COMMANDS@\n@OPTIONS@\n", NULL);

  for (guint i = 0; i < bt_n_commands; i++) {
    g_autofree char *text = bt_help_text(&bt_commands[i]);
    g_autofree char *usage = bt_help_usage(&bt_commands[i]);
    g_string_append(help, text);
    g_assert_nonnull(strstr(usage, bt_commands[i].name));
    g_assert_nonnull(strstr(bash, bt_commands[i].name));
    g_assert_nonnull(strstr(zsh, bt_commands[i].name));
    g_assert_nonnull(strstr(fish, bt_commands[i].name));
  }
  for (guint i = 0; i < bt_n_options; i++) {
    const char *name = bt_options[i].name;
    g_autofree char *flag = g_strconcat("--", name, NULL);
    g_auto(GStrv) parts = g_strsplit(flag, "-", -1);
    g_autofree char *roff = g_strjoinv("\\-", parts);
    g_autofree char *long_flag = g_strconcat("-l ", name, NULL);
    g_assert_nonnull(strstr(help->str, flag));
    g_assert_nonnull(strstr(manual, roff));
    g_assert_nonnull(strstr(bash, flag));
    g_assert_nonnull(strstr(zsh, flag));
    g_assert_nonnull(strstr(fish, long_flag));
  }
}

/* A command's own page has its flags and no others. */
static void
test_command_manual(void)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *page = bt_help_command_manual(
    "check", "@SYNOPSIS@\n@MORE@\n@OPTIONS@\n", "1", &error);

  g_assert_no_error(error);
  g_assert_true(g_str_has_prefix(page, ".B buntime check\n[\\fIFLAGS\\fR]\nKIND VALUE\n"));
  g_assert_nonnull(strstr(page, "\\-\\-json\\fR"));
  g_assert_null(strstr(page, "\\-\\-memory"));
  g_assert_null(bt_help_command_manual("chek", "@SYNOPSIS@\n@MORE@\n@OPTIONS@\n", "1", &error));
  g_assert_nonnull(error);
}

/* Parts of the manual page that are missing, twice there or misspelt stop the build. */
static void
test_manual(void)
{
  static const char *const broken[] = {
    "", "@SYNOPSIS@\n@COMMANDS@\n", "@SYNOPSIS@\n@COMMANDS@\n@OPTIONS@\n@OPTIONS@\n",
    "@SYNOPSIS@\n@COMMANDS@\n@OPTIONS@\n@FILES@\n", "@SYNOPSIS@\n@COMMANDS@\n @OPTIONS@\n",
  };
  g_autofree char *page =
    bt_help_manual(".TH X 1 \"@VERSION@\"\n@SYNOPSIS@\n@COMMANDS@\n.SH O\n@OPTIONS@\nend", "7.1",
                   NULL);

  g_assert_nonnull(page);
  g_assert_true(g_str_has_prefix(page, ".TH X 1 \"7.1\"\n.B buntime\n"));
  g_assert_true(g_str_has_suffix(page, "\nend\n"));
  g_assert_true(g_str_is_ascii(page));
  for (gsize i = 0; i < G_N_ELEMENTS(broken); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(bt_help_manual(broken[i], "1", &error));
    g_assert_nonnull(error);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/options/good", test_good);
  g_test_add_func("/options/bad", test_bad);
  g_test_add_func("/options/commands", test_commands);
  g_test_add_func("/options/empty-entry", test_empty_entry);
  g_test_add_func("/options/table", test_table);
  g_test_add_func("/options/manual", test_manual);
  g_test_add_func("/options/command-manual", test_command_manual);
  g_test_add_func("/options/texts", test_texts);
  return g_test_run();
}
