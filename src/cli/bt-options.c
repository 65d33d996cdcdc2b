/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/bt-options.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "lib/buntime-sandbox.h"

#define PERMISSION(name_, letter_, value_, help_, number_, allow_, completion_)                  \
  {                                                                                              \
    .name = (name_), .letter = (letter_), .use = BT_VALUE_OPTIONAL, .value = (value_),           \
    .help = (help_), .id = BT_OPTION_PERMISSION, .number = (number_), .allow = (allow_),         \
    .completion = (completion_), .commands = BT_IN_GRANTING,                                     \
  }

#define LIMIT(name_, value_, help_, number_)                                                     \
  {                                                                                              \
    .name = (name_), .use = BT_VALUE_REQUIRED, .value = (value_), .help = (help_),               \
    .id = BT_OPTION_LIMIT, .number = (number_), .commands = BT_IN_RUN | BT_IN_INIT_POLICY,       \
  }

const BtOption bt_options[] = {
  PERMISSION("allow-net", 'N', N_("HOST[:PORT],…"),
             N_("reach these hosts or ranges; bare: any"),
             BUNTIME_PERMISSION_NET, TRUE, BT_COMPLETE_NOTHING),
  PERMISSION("deny-net", '\0', N_("HOST[:PORT],…"), N_("never reach these"),
             BUNTIME_PERMISSION_NET, FALSE, BT_COMPLETE_NOTHING),
  PERMISSION("allow-read", 'R', N_("PATH,…"), N_("see and read these paths; bare: all"),
             BUNTIME_PERMISSION_READ, TRUE, BT_COMPLETE_FILES),
  PERMISSION("deny-read", '\0', N_("PATH,…"), N_("never read these"), BUNTIME_PERMISSION_READ,
             FALSE, BT_COMPLETE_FILES),
  PERMISSION("allow-write", 'W', N_("PATH,…"), N_("write to these paths; bare: all"),
             BUNTIME_PERMISSION_WRITE, TRUE, BT_COMPLETE_FILES),
  PERMISSION("deny-write", '\0', N_("PATH,…"), N_("never write to these"),
             BUNTIME_PERMISSION_WRITE, FALSE, BT_COMPLETE_FILES),
  PERMISSION("allow-env", 'E', N_("NAME,…"),
             N_("see these variables, PREFIX_*; bare: all"),
             BUNTIME_PERMISSION_ENV, TRUE, BT_COMPLETE_VARIABLES),
  PERMISSION("deny-env", '\0', N_("NAME,…"), N_("never see these"), BUNTIME_PERMISSION_ENV, FALSE,
             BT_COMPLETE_VARIABLES),
  PERMISSION("allow-run", '\0', N_("PROGRAM,…"), N_("run these programs; bare: any"),
             BUNTIME_PERMISSION_RUN, TRUE, BT_COMPLETE_FILES),
  PERMISSION("deny-run", '\0', N_("PROGRAM,…"), N_("never run these"), BUNTIME_PERMISSION_RUN,
             FALSE, BT_COMPLETE_FILES),
  PERMISSION("allow-unix", '\0', N_("PATH,…"), N_("connect to these Unix sockets; bare: any"),
             BUNTIME_PERMISSION_UNIX, TRUE, BT_COMPLETE_FILES),
  PERMISSION("deny-unix", '\0', N_("PATH,…"), N_("never connect to these"),
             BUNTIME_PERMISSION_UNIX, FALSE, BT_COMPLETE_FILES),
  PERMISSION("allow-ffi", '\0', N_("PATH,…"), N_("load these libraries; bare: any"),
             BUNTIME_PERMISSION_FFI, TRUE, BT_COMPLETE_FILES),
  PERMISSION("deny-ffi", '\0', N_("PATH,…"), N_("never load these"), BUNTIME_PERMISSION_FFI,
             FALSE, BT_COMPLETE_FILES),
  PERMISSION("allow-sys", '\0', N_("FACT,…"),
             N_("learn of the machine: hostname, loadavg…; bare: all"),
             BUNTIME_PERMISSION_SYS, TRUE, BT_COMPLETE_NOTHING),
  PERMISSION("deny-sys", '\0', N_("FACT,…"), N_("never learn these"), BUNTIME_PERMISSION_SYS,
             FALSE, BT_COMPLETE_NOTHING),
  {
    .name = "allow-all", .letter = 'A', .id = BT_OPTION_ALLOW_ALL,
    .help = N_("everything that the sandbox can grant"),
    .commands = BT_IN_GRANTING,
  },
  {
    .name = "policy", .use = BT_VALUE_REQUIRED, .value = N_("NAME|FILE"), .id = BT_OPTION_POLICY,
    .completion = BT_COMPLETE_POLICIES,
    .help = N_("add a preset's or file's rules, below the flags"),
    .commands = BT_IN_RUN | BT_IN_CHECK,
  },
  LIMIT("memory", N_("SIZE"), N_("use at most this much memory: 512M"), BUNTIME_LIMIT_MEMORY),
  LIMIT("cpu", N_("N"), N_("use at most so many processors: 0.5 or 50%"), BUNTIME_LIMIT_CPU),
  LIMIT("pids", N_("N"), N_("have at most N processes and threads"), BUNTIME_LIMIT_PIDS),
  LIMIT("timeout", N_("TIME"), N_("end the program after this time: 90s, 5m"),
        BUNTIME_LIMIT_WALL_TIME),
  LIMIT("cpu-time", N_("TIME"), N_("end it after it has computed so long"),
        BUNTIME_LIMIT_CPU_TIME),
  LIMIT("max-output", N_("SIZE"), N_("end it after so much output; isatty() is false then"),
        BUNTIME_LIMIT_OUTPUT),
  LIMIT("tmp-size", N_("SIZE"), N_("size of /tmp and of /dev/shm (256M)"),
        BUNTIME_LIMIT_TMP_SIZE),
  LIMIT("shm-size", N_("SIZE"), N_("size of /dev/shm, if another"), BUNTIME_LIMIT_SHM_SIZE),
  LIMIT("open-files", N_("N"), N_("open at most N files a process"), BUNTIME_LIMIT_OPEN_FILES),
  LIMIT("net-rate", N_("N"), N_("make at most N connections a second"), BUNTIME_LIMIT_NET_RATE),
  LIMIT("net-bytes", N_("SIZE"), N_("send and receive at most so much"),
        BUNTIME_LIMIT_NET_BYTES),
  {
    .name = "interactive", .letter = 'i', .id = BT_OPTION_INTERACTIVE,
    .help = N_("take code line by line, in Python or Bun; without ENTRY"),
  },
  {
    .name = "debug-ui", .use = BT_VALUE_OPTIONAL, .value = N_("PORT"), .id = BT_OPTION_DEBUG_UI,
    .help = N_("open ENTRY in the debug UI, as 'buntime ui' does without it"),
  },
  {
    .name = "worker", .use = BT_VALUE_REQUIRED, .value = "python|bun|exec",
    .id = BT_OPTION_WORKER, .completion = BT_COMPLETE_WORDS,
    .help = N_("how to run ENTRY, whatever its name"),
  },
  {
    .name = "net", .use = BT_VALUE_REQUIRED, .value = "auto|slirp|tap|veth", .id = BT_OPTION_NET,
    .completion = BT_COMPLETE_WORDS,
    .help = N_("how connections leave the sandbox"),
  },
  {
    .name = "tier", .use = BT_VALUE_REQUIRED, .value = "namespaces|landlock",
    .id = BT_OPTION_TIER, .completion = BT_COMPLETE_WORDS,
    .help = N_("hold it by Landlock alone, where no namespace can be made"),
    .commands = BT_IN_RUN | BT_IN_CHECK,
  },
  {
    .name = "publish", .use = BT_VALUE_REQUIRED, .value = N_("[ADDR:]PORT[:PORT]"),
    .id = BT_OPTION_PUBLISH,
    .help = N_("lead a port of this machine to the program's"),
  },
  {
    .name = "json-status-fd", .use = BT_VALUE_REQUIRED, .value = N_("N"),
    .id = BT_OPTION_JSON_STATUS_FD,
    .help = N_("write the outcome as JSON to descriptor N"),
  },
  {
    .name = "events", .use = BT_VALUE_REQUIRED, .value = N_("FILE|FD|-"),
    .id = BT_OPTION_EVENTS, .completion = BT_COMPLETE_FILES,
    .help = N_("write what was refused as JSON lines"),
  },
  {
    .name = "audit", .use = BT_VALUE_OPTIONAL, .value = N_("FILE"), .id = BT_OPTION_AUDIT,
    .completion = BT_COMPLETE_FILES,
    .help = N_("report what was allowed, too, and refused reads"),
  },
  {
    .name = "pcap", .use = BT_VALUE_REQUIRED, .value = N_("FILE"), .id = BT_OPTION_PCAP,
    .completion = BT_COMPLETE_FILES,
    .help = N_("record the packets for Wireshark"),
  },
  {
    .name = "no-sandbox", .id = BT_OPTION_NO_SANDBOX,
    .help = N_("run ENTRY without any isolation"),
  },
  {
    .name = "host", .id = BT_OPTION_HOST,
    .help = N_("inside Flatpak: have the host's buntime do it, outside"),
    .commands = BT_IN_PLACE,
  },
  {
    .name = "quiet", .letter = 'q', .id = BT_OPTION_QUIET, .help = N_("do not explain refusals"),
  },
  {
    .name = "json", .id = BT_OPTION_JSON, .help = N_("answer in JSON"),
    .commands = BT_IN_CHECK | BT_IN_POLICY | BT_IN_DOCTOR,
  },
  {
    .name = "merged", .id = BT_OPTION_MERGED,
    .help = N_("show the policy with all that it extends"),
    .commands = BT_IN_POLICY,
  },
  {
    .name = "socket", .use = BT_VALUE_OPTIONAL, .value = N_("NAME"), .id = BT_OPTION_SOCKET,
    .help = N_("serve many clients, by a socket of that name (serve)"),
    .commands = BT_IN_SERVE,
  },
  {
    .name = "port", .use = BT_VALUE_REQUIRED, .value = N_("N"), .id = BT_OPTION_PORT,
    .help = N_("listen on this port; 0: any that is free (3000)"),
    .commands = BT_IN_UI,
  },
  {
    .name = "listen", .use = BT_VALUE_REQUIRED, .value = N_("ADDR"), .id = BT_OPTION_LISTEN,
    .help = N_("listen on this address, for other machines (127.0.0.1)"),
    .commands = BT_IN_UI,
  },
  {
    .name = "open", .id = BT_OPTION_OPEN, .help = N_("open the page in the browser"),
    .commands = BT_IN_UI,
  },
  {
    .name = "print-apparmor", .id = BT_OPTION_PRINT_APPARMOR,
    .help = N_("print the AppArmor profile that buntime needs on Ubuntu"),
    .commands = BT_IN_DOCTOR,
  },
  {
    .name = "version", .letter = 'V', .id = BT_OPTION_VERSION, .help = N_("show the version"),
    .commands = BT_IN_ALL,
  },
  {
    .name = "help", .letter = 'h', .id = BT_OPTION_HELP, .help = N_("show this help"),
    .commands = BT_IN_ALL,
  },
};
const guint bt_n_options = G_N_ELEMENTS(bt_options);

const BtCommand bt_commands[] = {
  {
    .name = "run", .words = N_("ENTRY [ARGS...]"), .set = BT_IN_RUN,
    .completion = BT_COMPLETE_FILES,
    .help = N_("run a program in a sandbox; the word may be left out"),
    .more = N_("ENTRY is a file, a program on PATH, or '-' for a program on standard input.\n"
               "Flags end at ENTRY or at '--'."),
  },
  {
    .name = "init-policy", .words = "", .set = BT_IN_INIT_POLICY,
    .help = N_("print permission flags as a policy file"),
    .more = N_("A run with the file permits what a run with the flags permits."),
  },
  {
    .name = "check", .words = N_("KIND VALUE"), .set = BT_IN_CHECK,
    .choices = "net|read|write|run|env|ffi|sys|unix", .completion = BT_COMPLETE_FILES,
    .help = N_("say whether something would be permitted, and why"),
    .more = N_("KIND is net, read, write, run, env, ffi, sys or unix; VALUE is written as in\n"
               "that kind's flags: github.com:443, time.example:123/udp, a path, a program's\n"
               "name, a variable. Exit status: 0 permitted, 3 permitted with a warning, 1 not."),
  },
  {
    .name = "policy", .words = N_("list | show P | diff P P | validate P... | schema"),
    .set = BT_IN_POLICY, .choices = "list|show|diff|validate|schema",
    .completion = BT_COMPLETE_POLICIES,
    .help = N_("list, show, compare and check policies"),
    .more = N_("P is a preset's name or a file's path, '-' for standard input. Presets are\n"
               "looked for in the user's buntime/policies, in /etc/buntime/policies and among\n"
               "those that came with buntime. Exit status of diff and validate: 1 if the\n"
               "policies differ or one is not valid."),
  },
  {
    .name = "serve", .words = "", .set = BT_IN_SERVE,
    .help = N_("start and drive workers for another program, by lines of JSON"),
    .more = N_("Requests come on standard input and are answered on standard output; with\n"
               "--socket by $XDG_RUNTIME_DIR/buntime/NAME, whose path is printed, from any\n"
               "number of programs of the same user. A program's workers end with it.\n"
               "buntime-serve(7) describes each request."),
  },
  {
    .name = "ui", .words = "", .set = BT_IN_UI,
    .help = N_("try policies on code and watch what happens, in a browser"),
    .more = N_("The page's address is printed. Whoever has it can run programs as you; the\n"
               "programs themselves cannot reach it. 'buntime run --debug-ui ENTRY' opens the\n"
               "page with a program and its flags. buntime-debug-ui(7) says more."),
  },
  {
    .name = "doctor", .words = "", .set = BT_IN_DOCTOR,
    .help = N_("say what this machine can enforce, and how to have the rest"),
    .more = N_("Each layer is tried by a child without privileges; nothing is changed. Exit\n"
               "status: 0 if the default policy can be enforced whole, 1 if not."),
  },
};
const guint bt_n_commands = G_N_ELEMENTS(bt_commands);

void
bt_command_line_clear(BtCommandLine *line)
{
  g_clear_pointer(&line->given, g_array_unref);
  g_clear_pointer(&line->words, g_ptr_array_unref);
  *line = BT_COMMAND_LINE_INIT;
}

/* ---- the nearest known flag ---- */

gboolean
bt_command_takes(const BtCommand *command, const BtOption *option)
{
  return ((option->commands != 0 ? option->commands : BT_IN_RUN) & command->set) != 0;
}

/* command: whose flags; NULL: any's. "--allow-net", or NULL (transfer full). */
static char *
find_nearest(const BtCommand *command, const char *word)
{
  g_autofree const char **names = g_new0(const char *, bt_n_options + 1);

  for (guint i = 0, n = 0; i < bt_n_options; i++)
    if (command == NULL || bt_command_takes(command, &bt_options[i]))
      names[n++] = bt_options[i].name;
  word += strspn(word, "-");
  g_autofree char *name = g_strndup(word, strcspn(word, "="));
  const char *nearest = bt_nearest(name, names);
  return nearest != NULL ? g_strconcat("--", nearest, NULL) : NULL;
}

/* ---- parsing ---- */

static const BtCommand *
find_command(const char *word)
{
  for (guint i = 0; i < bt_n_commands; i++)
    if (strcmp(bt_commands[i].name, word) == 0)
      return &bt_commands[i];
  return NULL;
}

/* Which has flags, but no program. */
static const BtCommand *
other_command(const BtCommandLine *line)
{
  return line->named && line->command != &bt_commands[0] ? line->command : NULL;
}

static gboolean
unknown_flag(const BtCommandLine *line, const char *word, GError **error)
{
  const BtCommand *other = other_command(line);
  g_autofree char *flag = g_strndup(word, strcspn(word, "="));
  g_autofree char *nearest = find_nearest(line->named ? line->command : NULL, word);
  g_autofree char *cure = NULL;

  if (other != NULL)
    cure = nearest != NULL
             ? g_strdup_printf(_("did you mean %s?"), nearest)
             : g_strdup_printf(_("'buntime %s --help' lists those it has"), other->name);
  else
    cure = nearest != NULL ? g_strdup_printf(_("did you mean %s? A program of that name is written "
                                               "after '--'"),
                                             nearest)
                           : g_strdup(_("'buntime --help' lists the flags; a program of that name "
                                        "is written after '--'"));
  return bt_fail(error, BUNTIME_ERROR_USAGE, flag, _("unknown flag"), cure);
}

/* choices: "tap|veth" */
static gboolean
is_one_of(const char *choices, const char *word)
{
  g_auto(GStrv) words = g_strsplit(choices, "|", -1);

  return g_strv_contains((const char *const *)words, word);
}

static gboolean
check_words(const BtOption *option, const char *flag, const char *value, GError **error)
{
  if (option->completion != BT_COMPLETE_WORDS || is_one_of(option->value, value))
    return TRUE;
  g_autofree char *object = g_strconcat(flag, "=", value, NULL);
  g_autofree char *cure = g_strdup_printf(_("write %s=%s"), flag, option->value);
  return bt_fail(error, BUNTIME_ERROR_USAGE, object, _("unknown value"), cure);
}

/* Can it be what a flag without a value was meant to have? */
static gboolean
looks_like_value(const BtOption *option, const char *word)
{
  if (word == NULL || word[0] == '-' || find_command(word) != NULL)
    return FALSE;
  return option->completion != BT_COMPLETE_WORDS || is_one_of(option->value, word);
}

/* next is the word after it, NULL at the end. */
static gboolean
add_given(BtCommandLine *line, const BtOption *option, const char *flag, const char *value,
          const char *next, GError **error)
{
  const BtGiven given = { .option = option, .value = value };
  g_autofree char *cure = NULL;

  if (option->use == BT_VALUE_NONE && value != NULL)
    return bt_fail(error, BUNTIME_ERROR_USAGE, flag, _("takes no value"), NULL);
  if (option->use == BT_VALUE_REQUIRED && (value == NULL || value[0] == '\0')) {
    gboolean separate = value == NULL && looks_like_value(option, next);
    cure = g_strdup_printf(_("values are written after '=': %s=%s"), flag,
                           separate ? next : g_dgettext(GETTEXT_PACKAGE, option->value));
    return bt_fail(error, BUNTIME_ERROR_USAGE, flag, _("needs a value"), cure);
  }
  if (option->use == BT_VALUE_OPTIONAL && value != NULL && value[0] == '\0') {
    cure = g_strdup_printf(_("write %s for everything, or %s=%s"), flag, flag,
                           g_dgettext(GETTEXT_PACKAGE, option->value));
    return bt_fail(error, BUNTIME_ERROR_USAGE, flag, _("an empty list"), cure);
  }
  if (value != NULL && !check_words(option, flag, value, error))
    return FALSE;
  g_array_append_val(line->given, given);
  return TRUE;
}

static gboolean
parse_long(BtCommandLine *line, const char *word, const char *next, GError **error)
{
  gsize length = strcspn(word + 2, "=");
  const char *value = word[2 + length] == '=' ? word + 2 + length + 1 : NULL;

  for (guint i = 0; i < bt_n_options; i++)
    if (strlen(bt_options[i].name) == length &&
        strncmp(bt_options[i].name, word + 2, length) == 0) {
      g_autofree char *flag = g_strndup(word, 2 + length);
      return add_given(line, &bt_options[i], flag, value, next, error);
    }
  return unknown_flag(line, word, error);
}

static const BtOption *
find_letter(char letter)
{
  for (guint i = 0; i < bt_n_options; i++)
    if (bt_options[i].letter != '\0' && bt_options[i].letter == letter)
      return &bt_options[i];
  return NULL;
}

/* -Ngithub.com */
static gboolean
unknown_letter(const BtCommandLine *line, const char *word, GError **error)
{
  const BtOption *first = find_letter(word[1]);
  g_autofree char *nearest = find_nearest(NULL, word);

  if (nearest != NULL || first->use == BT_VALUE_NONE)
    return unknown_flag(line, word, error);
  g_autofree char *flag = g_strndup(word, 2);
  g_autofree char *cure = g_strdup_printf(_("write %s=%s"), flag, word + 2);
  return bt_fail(error, BUNTIME_ERROR_USAGE, word, _("unknown flag"), cure);
}

/* -N, -N=VALUE, and several letters in one word if none has a value. */
static gboolean
parse_short(BtCommandLine *line, const char *word, const char *next, GError **error)
{
  gsize letters = strcspn(word + 1, "=");
  const char *value = word[1 + letters] == '=' ? word + 1 + letters + 1 : NULL;

  if (letters != 1 && value != NULL)
    return bt_fail(error, BUNTIME_ERROR_USAGE, word, _("several flags in one word have no values"),
                   _("write each flag by itself"));
  for (gsize letter = 1; letter <= letters; letter++) {
    const BtOption *found = find_letter(word[letter]);
    char flag[] = { '-', word[letter], '\0' };
    /* "-allow-net" is a flag with a dash too few, not ten letters. */
    if (found == NULL && letter > 1)
      return unknown_letter(line, word, error);
    if (found == NULL)
      return unknown_flag(line, word, error);
    if (!add_given(line, found, flag, value, next, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
ends_parsing(const BtCommandLine *line)
{
  if (line->given->len == 0)
    return FALSE;
  BtOptionId last = g_array_index(line->given, BtGiven, line->given->len - 1).option->id;
  return last == BT_OPTION_HELP || last == BT_OPTION_VERSION;
}

gboolean
bt_option_takes_list(const BtOption *option)
{
  return option->use != BT_VALUE_NONE && g_str_has_suffix(option->value, ",…");
}

gboolean
bt_option_takes_paths(const BtOption *option)
{
  return option->completion == BT_COMPLETE_FILES || option->completion == BT_COMPLETE_POLICIES;
}

/* What a command does not look at would be a wish that nobody hears. */
static gboolean
check_options(const BtCommandLine *line, GError **error)
{
  for (guint i = 0; i < line->given->len; i++) {
    const BtOption *option = g_array_index(line->given, BtGiven, i).option;
    if (bt_command_takes(line->command, option))
      continue;
    g_autofree char *flag = g_strconcat("--", option->name, NULL);
    g_autofree char *reason =
      g_strdup_printf(_("not a flag of 'buntime %s'"), line->command->name);
    g_autofree char *cure =
      g_strdup_printf(_("'buntime %s --help' lists those it has"), line->command->name);
    return bt_fail(error, BUNTIME_ERROR_USAGE, flag, reason, cure);
  }
  return TRUE;
}

static gboolean
parse_option(BtCommandLine *line, const char *word, const char *next, GError **error)
{
  gboolean ok = word[1] == '-' ? parse_long(line, word, next, error)
                               : parse_short(line, word, next, error);
  if (!ok)
    return FALSE;
  const BtGiven *last = &g_array_index(line->given, BtGiven, line->given->len - 1);
  line->bare = last->option->use == BT_VALUE_OPTIONAL && last->value == NULL ? word : NULL;
  return TRUE;
}

/* All that is not an option: a command, the entry, or a word of another command. */
static gboolean
parse_word(BtCommandLine *line, const char *const *word, gboolean options, GError **error)
{
  const BtCommand *command = options && !line->named ? find_command(*word) : NULL;

  if (command != NULL) {
    line->command = command;
    line->named = TRUE;
    line->bare = NULL;
    return TRUE;
  }
  if (line->command != &bt_commands[0]) {
    g_ptr_array_insert(line->words, (int)line->words->len - 1, (gpointer)*word);
    return TRUE;
  }
  if ((*word)[0] == '\0')
    return bt_fail(error, BUNTIME_ERROR_USAGE, "ENTRY", _("the program's name is empty"), NULL);
  if (!options)
    line->bare = NULL;
  line->entry = *word;
  line->args = word + 1;
  return TRUE;
}

gboolean
bt_command_line_parse(const char *const *argv, BtCommandLine *line_out, GError **error)
{
  gboolean options = TRUE;

  *line_out = BT_COMMAND_LINE_INIT;
  line_out->given = g_array_new(FALSE, FALSE, sizeof(BtGiven));
  line_out->words = g_ptr_array_new();
  g_ptr_array_add(line_out->words, NULL);
  line_out->command = &bt_commands[0];
  if (argv[0] == NULL)
    return TRUE;
  for (const char *const *word = argv + 1; *word != NULL && line_out->entry == NULL; word++) {
    if (options && strcmp(*word, "--") == 0) {
      options = FALSE;
    } else if (options && (*word)[0] == '-' && (*word)[1] != '\0') {
      /* "-" alone is standard input, an entry. */
      if (!parse_option(line_out, *word, word[1], error))
        return FALSE;
      if (ends_parsing(line_out))
        return TRUE;
    } else if (!parse_word(line_out, word, options, error)) {
      return FALSE;
    }
  }
  return check_options(line_out, error);
}

gboolean
bt_command_line_has(const BtCommandLine *line, BtOptionId id)
{
  for (guint i = 0; i < line->given->len; i++)
    if (g_array_index(line->given, BtGiven, i).option->id == id)
      return TRUE;
  return FALSE;
}
