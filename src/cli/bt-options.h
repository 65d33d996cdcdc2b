/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The command line: one table, from which parsing, --help, the manual page's
 * synopsis and the shells' completions are all made.
 *
 * Options are not GOption's: its optional arguments swallow the next word, so
 * that `--allow-net w.py` would lose the program.  Here a value follows '='.
 */

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  BT_OPTION_PERMISSION, /* number: BuntimePermission, allow says which way */
  BT_OPTION_LIMIT,      /* number: BuntimeLimit */
  BT_OPTION_ALLOW_ALL,
  BT_OPTION_POLICY,
  BT_OPTION_INTERACTIVE,
  BT_OPTION_DEBUG_UI,
  BT_OPTION_WORKER,
  BT_OPTION_NET,
  BT_OPTION_TIER,
  BT_OPTION_PUBLISH,
  BT_OPTION_JSON_STATUS_FD,
  BT_OPTION_EVENTS,
  BT_OPTION_PCAP,
  BT_OPTION_AUDIT,
  BT_OPTION_NO_SANDBOX,
  BT_OPTION_HOST,
  BT_OPTION_QUIET,
  BT_OPTION_JSON,
  BT_OPTION_MERGED,
  BT_OPTION_SOCKET,
  BT_OPTION_PORT,
  BT_OPTION_LISTEN,
  BT_OPTION_OPEN,
  BT_OPTION_PRINT_APPARMOR,
  BT_OPTION_VERSION,
  BT_OPTION_HELP,
} BtOptionId;

typedef enum {
  BT_VALUE_NONE,
  BT_VALUE_OPTIONAL, /* a bare flag means everything */
  BT_VALUE_REQUIRED,
} BtValueUse;

/* What completions offer after '='; of a list's items if `value` ends in ",…". */
typedef enum {
  BT_COMPLETE_NOTHING,
  BT_COMPLETE_FILES,
  BT_COMPLETE_WORDS, /* those of `value`, which are parted by '|' */
  BT_COMPLETE_POLICIES,
  BT_COMPLETE_VARIABLES,
} BtCompletion;

/* The commands that take an option. */
typedef enum {
  BT_IN_RUN = 1 << 0,
  BT_IN_INIT_POLICY = 1 << 1,
  BT_IN_CHECK = 1 << 2,
  BT_IN_POLICY = 1 << 3,
  BT_IN_SERVE = 1 << 4,
  BT_IN_UI = 1 << 5,
  BT_IN_DOCTOR = 1 << 6,
} BtCommandSet;

/* What depends on where it is done. */
#define BT_IN_PLACE ((BtCommandSet)(BT_IN_RUN | BT_IN_SERVE | BT_IN_UI | BT_IN_DOCTOR))
#define BT_IN_ALL                                                                                \
  ((BtCommandSet)(BT_IN_RUN | BT_IN_INIT_POLICY | BT_IN_CHECK | BT_IN_POLICY | BT_IN_SERVE |     \
                  BT_IN_UI | BT_IN_DOCTOR))
/* What says what is granted. */
#define BT_IN_GRANTING ((BtCommandSet)(BT_IN_RUN | BT_IN_INIT_POLICY | BT_IN_CHECK))

typedef struct {
  const char *name; /* without dashes */
  char letter;      /* or '\0' */
  BtValueUse use;
  const char *value; /* "HOST,…" as help shows it, or "tap|veth" */
  const char *help;  /* to be translated */
  BtOptionId id;
  BtCompletion completion;
  int number;
  gboolean allow;
  BtCommandSet commands; /* 0: run alone */
} BtOption;

extern const BtOption bt_options[];
extern const guint bt_n_options;

typedef struct {
  const char *name;
  const char *words; /* "ENTRY [ARGS...]": what follows it, as help shows it */
  const char *help;  /* to be translated */
  const char *more;  /* to be translated: what else --help says; NULL: nothing */
  const char *choices; /* "net|read": what the first word can be; NULL: anything */
  BtCompletion completion; /* of the words after that */
  BtCommandSet set;
} BtCommand;

/* Bare ENTRY means the first. */
extern const BtCommand bt_commands[];
extern const guint bt_n_commands;

gboolean bt_command_takes(const BtCommand *command, const BtOption *option);

/* Is its value a list of items? */
gboolean bt_option_takes_list(const BtOption *option);
/* Can its value, or an item of it, be the path of a file? */
gboolean bt_option_takes_paths(const BtOption *option);

typedef struct {
  const BtOption *option;
  const char *value; /* NULL: bare */
} BtGiven;

/* Borrows from argv. */
typedef struct {
  GArray *given;            /* BtGiven, in the order written */
  const BtCommand *command; /* never NULL after parsing */
  gboolean named;           /* its word was written */
  const char *entry;        /* run: NULL if there is none */
  const char *const *args;  /* run: what follows the entry, NULL-terminated */
  GPtrArray *words;         /* other commands: const char *, what is no option, NULL-terminated */
  const char *bare;         /* the flag right before the entry, if it could have had a value */
} BtCommandLine;

#define BT_COMMAND_LINE_INIT ((BtCommandLine){ 0 })
void bt_command_line_clear(BtCommandLine *line);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BtCommandLine, bt_command_line_clear)

/*
 * argv[0] is skipped. Stops early at --help and --version, which come last in
 * `given` then. Options of run end at the entry, those of other commands can
 * stand anywhere before "--".
 */
gboolean bt_command_line_parse(const char *const *argv, BtCommandLine *line_out, GError **error);

/* Was this option given? (Those of the table are told apart by their id.) */
gboolean bt_command_line_has(const BtCommandLine *line, BtOptionId id);

G_END_DECLS
