/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * buntime-repl FLAGS: `buntime run --interactive`, on the library's public interface.
 *
 * A worker takes code; lines of standard input become code when it says that they are whole:
 *
 *   STARTING ──ready──▶ READING ──line──▶ ASKING ──whole──▶ RUNNING ──answer──▶ READING
 *                          ▲                 └──not yet──▶ READING, with what there is
 *                          └── lines before the last are whole: they are run, then it is asked
 *
 * and ENDING, when standard input is over, or code ends the interpreter by exit().
 *
 * An interrupt drops what was typed, or ends the code that runs.  Code that does not end by two
 * of them is ended by a third with its interpreter, in whose place another is started.
 *
 * Whatever the worker says is its own word: it can show the user anything, as any program can.
 */
#include <gio/gio.h>
#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/bt-language.h"
#include "cli/bt-run.h"
#include "lib/buntime.h"
#include "repl/bt-input.h"
#include "repl/bt-modes.h"
#include "repl/bt-show.h"

/* For a worker that ends by itself, and again for one that was killed. */
#define PATIENCE_SECONDS 10
#define INTERRUPTED 130
#define MAX_INTERRUPTS 3

typedef enum { STARTING, READING, ASKING, RUNNING, ENDING } State;

typedef struct {
  GMainLoop *loop;
  BuntimeSandbox *sandbox;
  BuntimeWorker *worker;
  BtInput *input;
  gboolean bun;
  gboolean quiet;
  State state;
  GString *code;   /* lines of it that are there */
  char *last_line; /* which is perhaps no part of it; NULL: it is in code */
  guint interrupts; /* of what runs */
  gboolean exits;   /* code has called exit() */
  gboolean over;    /* standard input is */
  gboolean restarts;
  gboolean killed;  /* the worker is, or was */
  char *failure;    /* that was told of the worker; NULL: none was */
  int code_status; /* of the last code */
  int status;      /* of all */
} Repl;

static void read_line(Repl *self);
static void ask(Repl *self);
static gboolean start(Repl *self, GError **error);

static const char *
prompt(const Repl *self)
{
  if (self->code->len > 0)
    return "... ";
  return self->bun ? "> " : ">>> ";
}

/* ---- the end ---- */

static void
kill_worker(Repl *self)
{
  self->killed = TRUE;
  buntime_worker_stop(self->worker, 0);
}

static gboolean
on_patience_over(gpointer data)
{
  Repl *self = data;

  if (self->killed)
    g_main_loop_quit(self->loop);
  kill_worker(self);
  return G_SOURCE_CONTINUE;
}

static void
begin_end(Repl *self, int status)
{
  if (self->state == ENDING)
    return;
  self->state = ENDING;
  self->status = status;
  g_timeout_add_seconds(PATIENCE_SECONDS, on_patience_over, self);
}

/* Whatever it does. */
static void
end(Repl *self, int status)
{
  begin_end(self, status);
  kill_worker(self);
}

static void
on_left(GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) answer = buntime_worker_call_finish(BUNTIME_WORKER(object), result, &error);

  /* It does not know how. */
  if (answer == NULL)
    kill_worker(data);
}

/* As an interpreter ends: what it has in hand for its open files is written. */
static void
leave(Repl *self, int status)
{
  static const char request[] = "{\"method\":\"buntime.exit\"}";
  g_autoptr(GBytes) bytes = g_bytes_new_static(request, strlen(request));

  begin_end(self, status);
  buntime_worker_call(self->worker, bytes, -1, NULL, on_left, self);
}

/* At a terminal someone has seen how each code ended. */
static void
end_of_input(Repl *self)
{
  if (bt_input_is_terminal(self->input))
    bt_show(STDOUT_FILENO, "\n", 1);
  leave(self, bt_input_is_terminal(self->input) ? 0 : self->code_status);
}

static void
on_exited(BuntimeWorker *worker, int status, Repl *self)
{
  const GError *failure = buntime_worker_get_error(worker);
  g_autoptr(GError) error = NULL;

  if (self->restarts && self->state != ENDING) {
    self->restarts = FALSE;
    bt_tell(_("the interpreter was ended, and with it what it knew"));
    if (start(self, &error))
      return;
    failure = error;
    status = buntime_error_exit_status(error);
  }
  if (failure != NULL) {
    bt_tell_error(failure);
  } else if (self->state != ENDING) {
    if (self->failure != NULL)
      bt_show(STDERR_FILENO, self->failure, strlen(self->failure));
    g_autofree char *text = g_strdup_printf(_("the interpreter ended, with status %d"), status);
    bt_tell(text);
  }
  if (self->state != ENDING)
    self->status = status;
  self->state = ENDING;
  g_main_loop_quit(self->loop);
}

/* ---- code that runs ---- */

static void
on_state(BuntimeWorker *worker, const char *state, guint id, int exit_code, const char *text,
         Repl *self)
{
  const char *exit = self->bun ? "Exit: " : "SystemExit: ";

  if (strcmp(state, "exec_start") == 0)
    self->exits = FALSE;
  else if (strcmp(state, "exception") == 0)
    self->exits = g_str_has_prefix(text, exit);
  else if (strcmp(state, "exec_end") == 0)
    self->code_status = exit_code & 255;
}

/* exit("a reason") shows it. */
static void
show_exit(const Repl *self, const char *text)
{
  const char *reason = strstr(text, ": ");

  if (!self->bun && self->code_status == 1 && reason != NULL && strcmp(reason, ": 1") != 0)
    bt_show_line(STDERR_FILENO, reason + 2);
}

static void
on_result(GObject *object, GAsyncResult *result, gpointer data)
{
  Repl *self = data;
  g_autoptr(GError) error = NULL;
  g_autofree char *value = buntime_worker_run_code_finish(BUNTIME_WORKER(object), result, &error);

  if (self->state != RUNNING || BUNTIME_WORKER(object) != self->worker)
    return;
  if (g_error_matches(error, BUNTIME_ERROR, BUNTIME_ERROR_FAILED)) {
    if (self->exits) {
      show_exit(self, error->message);
      leave(self, self->code_status);
      return;
    }
    bt_show_line(STDERR_FILENO, error->message);
  } else if (g_error_matches(error, BUNTIME_ERROR, BUNTIME_ERROR_ENDED)) {
    return; /* its end is told */
  } else if (error != NULL) {
    bt_tell_error(error); /* it was not sent */
  } else if (value[0] != '\0') {
    bt_show_line(STDOUT_FILENO, value);
  }
  if (self->last_line != NULL) {
    g_autofree char *line = g_steal_pointer(&self->last_line);
    g_string_assign(self->code, line);
    ask(self);
  } else {
    read_line(self);
  }
}

static void
run(Repl *self)
{
  self->state = RUNNING;
  self->interrupts = 0;
  self->code_status = 1; /* unless it says another */
  buntime_worker_run_code(self->worker, self->code->str, -1, NULL, on_result, self);
  g_string_truncate(self->code, 0);
}

/* ---- lines ---- */

/* Text as a string of JSON. */
static void
append_string(GString *json, const char *text)
{
  g_string_append_c(json, '"');
  for (const char *p = text; *p != '\0'; p++) {
    guchar c = (guchar)*p;
    if (c < 0x20 || c == '"' || c == '\\')
      g_string_append_printf(json, "\\u%04x", c);
    else
      g_string_append_c(json, *p);
  }
  g_string_append_c(json, '"');
}

/* A worker that does not answer as it should is given the code, and shows what it is. */
static void
on_asked(GObject *object, GAsyncResult *result, gpointer data)
{
  Repl *self = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) answer = buntime_worker_call_finish(BUNTIME_WORKER(object), result, &error);
  gsize size = 0;
  const char *bytes = answer != NULL ? g_bytes_get_data(answer, &size) : NULL;
  char word = size == 1 ? bytes[0] : '1';

  if (self->state != ASKING || BUNTIME_WORKER(object) != self->worker ||
      g_error_matches(error, BUNTIME_ERROR, BUNTIME_ERROR_ENDED))
    return;
  if (word == '0' && !self->over) {
    read_line(self);
    return;
  }
  char *newline = word == '2' ? strrchr(self->code->str, '\n') : NULL;
  if (newline != NULL) {
    self->last_line = g_strdup(newline + 1);
    g_string_truncate(self->code, (gsize)(newline - self->code->str));
  }
  run(self);
}

/* Is it whole: 1; is there more to come: 0; or is it whole without its last line: 2? */
static void
ask(Repl *self)
{
  g_autoptr(GString) json = g_string_new("{\"method\":\"buntime.complete\",\"params\":[");

  append_string(json, self->code->str);
  g_string_append(json, "]}");
  g_autoptr(GBytes) request = g_string_free_to_bytes(g_steal_pointer(&json));
  self->state = ASKING;
  self->interrupts = 0;
  buntime_worker_call(self->worker, request, -1, NULL, on_asked, self);
}

static void
on_line(gpointer data, const char *line)
{
  Repl *self = data;

  if (self->state != READING)
    return;
  if (line == NULL) {
    self->over = TRUE;
    /* What is not whole is told to be so; at a terminal it is dropped. */
    if (self->code->len > 0 && !bt_input_is_terminal(self->input))
      run(self);
    else
      end_of_input(self);
    return;
  }
  if (self->code->len == 0 && line[strspn(line, " \t")] == '\0') {
    read_line(self);
    return;
  }
  if (self->code->len > 0)
    g_string_append_c(self->code, '\n');
  g_string_append(self->code, line);
  ask(self);
}

static void
read_line(Repl *self)
{
  self->state = READING;
  if (self->over)
    end_of_input(self);
  else
    bt_input_want(self->input, prompt(self));
}

/* ---- interrupts ---- */

static void
interrupt_code(Repl *self)
{
  self->interrupts++;
  if (self->interrupts < MAX_INTERRUPTS) {
    buntime_worker_interrupt(self->worker);
    if (self->interrupts == MAX_INTERRUPTS - 1)
      bt_tell(_("it has not ended yet; once more ends the interpreter"));
  } else if (!self->restarts) {
    self->restarts = TRUE;
    buntime_worker_stop(self->worker, 0);
  }
}

static gboolean
on_interrupt(gpointer data)
{
  Repl *self = data;

  switch (self->state) {
  case READING:
    if (!bt_input_is_terminal(self->input)) {
      end(self, INTERRUPTED);
      break;
    }
    g_string_truncate(self->code, 0);
    bt_input_discard(self->input);
    bt_show(STDOUT_FILENO, "\n", 1);
    read_line(self);
    break;
  case ASKING:
  case RUNNING:
    interrupt_code(self);
    break;
  case STARTING:
    end(self, INTERRUPTED);
    break;
  case ENDING:
    kill_worker(self);
    break;
  }
  return G_SOURCE_CONTINUE;
}

/* ---- the worker ---- */

static void
on_ready(BuntimeWorker *worker, Repl *self)
{
  if (self->state == STARTING)
    read_line(self);
}

static void
on_output(BuntimeWorker *worker, int stream, GBytes *bytes, Repl *self)
{
  gsize size;
  const char *data = g_bytes_get_data(bytes, &size);

  if (!bt_show(stream == BUNTIME_STREAM_STDOUT ? STDOUT_FILENO : STDERR_FILENO, data, size))
    end(self, 128 + SIGPIPE);
}

static gboolean
is_end_of_output(BuntimeEvent *event)
{
  return strcmp(buntime_event_get_kind(event), "limit") == 0 &&
         g_strcmp0(buntime_event_get_object(event), "output") == 0;
}

/* What else it writes is lost, and the end of the program that lost it is no success: nor if the
   last line was read, and the interpreter is about to end, before that was seen. */
static void
end_of_output(Repl *self, const char *text)
{
  if (!self->quiet)
    bt_show(STDERR_FILENO, text, strlen(text));
  end(self, 128 + SIGKILL);
  self->status = 128 + SIGKILL;
}

/* Refusals, and buntime's own words; not that it started and ended. */
static void
on_event(BuntimeWorker *worker, BuntimeEvent *event, Repl *self)
{
  const char *state = buntime_event_get_state(event);
  g_autofree char *text = buntime_event_format(event);

  if (is_end_of_output(event)) {
    end_of_output(self, text);
  } else if (self->state != ENDING && g_strcmp0(state, "failed") == 0) {
    g_free(self->failure);
    self->failure = g_steal_pointer(&text);
  } else if (self->state != ENDING && !self->quiet && g_strcmp0(state, "notice") == 0) {
    bt_tell(buntime_event_get_reason(event));
  } else if (self->state != ENDING && !self->quiet && state == NULL) {
    bt_show(STDERR_FILENO, text, strlen(text));
  }
}

static void
release_worker(Repl *self)
{
  if (self->worker != NULL)
    g_signal_handlers_disconnect_by_data(self->worker, self);
  g_clear_object(&self->worker);
}

static gboolean
start(Repl *self, GError **error)
{
  release_worker(self);
  self->state = STARTING;
  g_clear_pointer(&self->last_line, g_free);
  g_string_truncate(self->code, 0);
  self->worker = buntime_sandbox_spawn(self->sandbox, NULL, NULL, error);
  if (self->worker == NULL)
    return FALSE;
  g_signal_connect(self->worker, "ready", G_CALLBACK(on_ready), self);
  g_signal_connect(self->worker, "output", G_CALLBACK(on_output), self);
  g_signal_connect(self->worker, "state", G_CALLBACK(on_state), self);
  g_signal_connect(self->worker, "event", G_CALLBACK(on_event), self);
  g_signal_connect(self->worker, "exited", G_CALLBACK(on_exited), self);
  return TRUE;
}

/* ---- the command line ---- */

/* Of what only a program in the foreground has. */
static gboolean
check_flags(Repl *self, const BtCommandLine *line, GError **error)
{
  for (guint i = 0; i < line->given->len; i++) {
    const BtGiven *given = &g_array_index(line->given, BtGiven, i);
    g_autofree char *flag = g_strconcat("--", given->option->name, NULL);
    switch (given->option->id) {
    case BT_OPTION_JSON_STATUS_FD:
    case BT_OPTION_NO_SANDBOX:
      return bt_fail(error, BUNTIME_ERROR_USAGE, flag, _("not with --interactive"),
                     _("leave one of both out"));
    case BT_OPTION_WORKER:
      self->bun = strcmp(given->value, "bun") == 0;
      break;
    case BT_OPTION_QUIET:
      self->quiet = TRUE;
      break;
    default:
      break;
    }
  }
  return TRUE;
}

/* Even if quiet: the caller may not know what is in its environment. */
static void
announce_environment(void)
{
  g_auto(GStrv) names = buntime_environment_list();

  if (names[0] == NULL)
    return;
  g_autofree char *joined = g_strjoinv(", ", names);
  g_autofree char *text = g_strdup_printf(_("permissions from the environment: %s"), joined);
  bt_tell(text);
}

static gboolean
prepare(Repl *self, const char *const *argv, GError **error)
{
  g_auto(BtCommandLine) line = BT_COMMAND_LINE_INIT;
  g_autoptr(BuntimePolicy) policy = buntime_policy_new();

  self->sandbox = buntime_sandbox_new(policy);
  if (!bt_command_line_parse(argv, &line, error) || !check_flags(self, &line, error) ||
      !bt_apply_all(policy, self->sandbox, &line, error) ||
      !buntime_policy_add_environment(policy, error))
    return FALSE;
  announce_environment();
  return start(self, error);
}

int
main(int argc, char **argv)
{
  g_autoptr(GError) error = NULL;
  Repl self = {
    .loop = g_main_loop_new(NULL, FALSE),
    .code = g_string_new(NULL),
  };

  bt_language_choose();
  bt_modes_keep();
  signal(SIGPIPE, SIG_IGN);
  g_unix_signal_add(SIGINT, on_interrupt, &self);
  self.input = bt_input_new(on_line, &self);
  if (prepare(&self, (const char *const *)argv, &error)) {
    g_main_loop_run(self.loop);
  } else {
    bt_tell_error(error);
    self.status = buntime_error_exit_status(error);
  }
  release_worker(&self);
  bt_input_free(self.input);
  bt_modes_give_back();
  g_string_free(self.code, TRUE);
  g_free(self.last_line);
  g_free(self.failure);
  buntime_sandbox_unref(self.sandbox);
  g_main_loop_unref(self.loop);
  return self.status;
}
