/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-backend.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <unistd.h>

#include "lib/bt-processes.h"
#include "lib/bt-sandbox-private.h"
#include "lib/bt-session.h"
#include "lib/bt-thread.h"
#include "lib/bt-watch.h"
#include "policy/bt-event.h"

/*
 * Bytes of events on their way: some thousands, so that a host program may be busy for a while. One
 * that does not look loses further ones, and is told how many. What became of the run itself has as
 * much room again: no flood of a worker's hides its end.
 */
#define MAX_WAITING (4 << 20)
/* Of an event besides its texts. */
#define EVENT_COST (sizeof(Message) + sizeof(BtEvent) + 256)

struct _BtBackend {
  gatomicrefcount refs; /* the caller's, the session's and one for each message on its way */
  /* Of the caller's thread. */
  BtBackendFuncs funcs;
  gpointer data;
  gboolean freed;
  /* Of both: set before the first message, or atomic. */
  GMainContext *context;
  gboolean flat;
  gint waiting; /* bytes of events on their way */
  GMutex lock; /* of what follows; held for no longer than to copy it */
  BtHelper init; /* with a pidfd of our own; from the program's start to its end */
  char *layers;  /* NULL: it was not started */
  /* Of the supervisor's thread. */
  BuntimeSandbox *sandbox;
  char *entry;
  gboolean harness;
  GStrv args, environment;
  BtWorkerFds fds;
  BtCaller caller;
  BtExplainer *explainer;
  BtSession *session; /* NULL: not yet, or no more */
  guint wait, wait_end; /* between its begin and settle: for others */
  gboolean running;   /* between start and end */
  guint dropped;
};

/* What is told to the caller: an event, an answer, that all is settled or, with none, the end. */
typedef struct {
  BtBackend *backend;
  BtEvent *event;
  gint cost; /* of the event */
  BtQuestion *question;
  gboolean settled;
  guint32 id;
  BtAction action;
  BtOutcome outcome;
  GError *error;
} Message;

static void
unref(BtBackend *self)
{
  if (!g_atomic_ref_count_dec(&self->refs))
    return;
  bt_worker_fds_close(&self->fds);
  if (self->init.pidfd >= 0)
    close(self->init.pidfd);
  g_free(self->layers);
  g_mutex_clear(&self->lock);
  buntime_sandbox_unref(self->sandbox);
  bt_caller_clear(&self->caller);
  g_main_context_unref(self->context);
  g_strfreev(self->args);
  g_strfreev(self->environment);
  g_free(self->entry);
  g_free(self);
}

static BtBackend *
ref(BtBackend *self)
{
  g_atomic_ref_count_inc(&self->refs);
  return self;
}

/* ---- to the caller ---- */

static void
message_free(gpointer data)
{
  Message *self = data;

  g_clear_pointer(&self->event, bt_event_free);
  g_clear_pointer(&self->question, bt_question_free);
  g_clear_error(&self->error);
  unref(self->backend);
  g_free(self);
}

static gboolean
deliver(gpointer data)
{
  Message *message = data;
  BtBackend *self = message->backend;

  if (message->event != NULL)
    g_atomic_int_add(&self->waiting, -message->cost);
  if (self->freed)
    return G_SOURCE_REMOVE;
  if (message->event != NULL)
    self->funcs.event(self->data, g_steal_pointer(&message->event));
  else if (message->question != NULL)
    self->funcs.answered(self->data, message->id, message->action);
  else if (message->settled)
    self->funcs.settled(self->data);
  else
    self->funcs.ended(self->data, message->error == NULL ? &message->outcome : NULL,
                      message->error);
  return G_SOURCE_REMOVE;
}

static Message *
message_new(BtBackend *self)
{
  Message *message = g_new0(Message, 1);
  message->backend = ref(self);
  return message;
}

static void
post(Message *message)
{
  GSource *source = g_idle_source_new();

  g_source_set_priority(source, G_PRIORITY_DEFAULT);
  g_source_set_callback(source, deliver, message, message_free);
  g_source_attach(source, message->backend->context);
  g_source_unref(source);
}

static gsize
length_of(const char *text)
{
  return text != NULL ? strlen(text) : 0;
}

static gint
cost_of(const BtEvent *event)
{
  gsize size = length_of(event->object) + length_of(event->host) + length_of(event->reason) +
               length_of(event->program) + length_of(event->suggestion) +
               length_of(event->rule.source) + length_of(event->rule.text);

  for (char **address = event->addresses; address != NULL && *address != NULL; address++)
    size += strlen(*address);
  return (gint)MIN(EVENT_COST + size, MAX_WAITING);
}

/* Takes the event. */
static void
post_event(BtBackend *self, BtEvent *event)
{
  Message *message = message_new(self);

  message->event = event;
  message->cost = cost_of(event);
  g_atomic_int_add(&self->waiting, message->cost);
  post(message);
}

static void
tell_dropped(BtBackend *self)
{
  if (self->dropped == 0)
    return;
  BtEvent *event = bt_event_new_state("dropped");
  event->count = self->dropped;
  self->dropped = 0;
  post_event(self, event);
}

static void
on_event(gpointer data, const BtEvent *event)
{
  BtBackend *self = data;
  gint room = MAX_WAITING;

  /* With much room, or half of what gets through would tell of what does not. */
  if (event->kind == BT_EVENT_STATE)
    room *= 2;
  else if (self->dropped > 0)
    room /= 2;
  if (g_atomic_int_get(&self->waiting) >= room) {
    self->dropped += event->count;
    return;
  }
  tell_dropped(self);
  post_event(self, bt_event_copy(event));
}

/* Takes error. */
static void
post_end(BtBackend *self, const BtOutcome *outcome, GError *error)
{
  tell_dropped(self);
  Message *message = message_new(self);
  if (outcome != NULL)
    message->outcome = *outcome;
  message->error = error;
  post(message);
}

/* ---- in the supervisor's thread ---- */

static void
set_init(BtBackend *self, const BtHelper *init)
{
  BtHelper own = BT_HELPER_INIT;

  if (init != NULL)
    own = (BtHelper){ init->pid, fcntl(init->pidfd, F_DUPFD_CLOEXEC, 3) };
  g_mutex_lock(&self->lock);
  int old = self->init.pidfd;
  self->init = own;
  g_mutex_unlock(&self->lock);
  if (old >= 0)
    close(old);
}

static void
on_started(gpointer data)
{
  BtBackend *self = data;
  const BtSupervisor *supervisor = bt_session_get_supervisor(self->session);
  char *layers = bt_supervisor_layers_to_json(supervisor);

  set_init(self, bt_supervisor_get_init(supervisor));
  g_mutex_lock(&self->lock);
  self->layers = layers;
  /* Inside Flatpak that is known only now. */
  self->flat = (bt_policy_get_plugins(self->sandbox->policy->rules) & BT_PLUGIN_NAMESPACES) == 0;
  g_mutex_unlock(&self->lock);
}

static void
finish(gpointer data)
{
  BtBackend *self = data;
  GError *error = NULL;
  BtOutcome outcome = BT_OUTCOME_INIT;

  set_init(self, NULL);
  if (bt_session_finish(self->session, &outcome, &error))
    bt_session_tell_exit(self->explainer, self->entry, &outcome);
  g_clear_pointer(&self->session, bt_session_free);
  g_clear_pointer(&self->explainer, bt_explainer_free);
  post_end(self, &outcome, error);
  unref(self);
}

/* The supervisor is not to be freed in here. */
static void
on_over(gpointer data)
{
  BtBackend *self = data;

  self->running = FALSE;
  bt_thread_invoke(finish, self);
}

static gboolean
begin(BtBackend *self, GError **error)
{
  BtSessionSetup setup = {
    .sandbox = self->sandbox,
    .caller = &self->caller,
    .entry = self->entry,
    .harness = self->harness,
    .args = (const char *const *)self->args,
    .explainer = self->explainer,
    .fds = self->fds,
    .terminal_fd = -1,
    .environment = (const char *const *)self->environment,
    .started = on_started,
  };

  /* A library does not change the user of the process that it is in. */
  if (getuid() == 0 || geteuid() == 0)
    return bt_fail(error, BUNTIME_ERROR_SETUP, "root", _("workers are not started as root"),
                   _("start the host program as an ordinary user"));
  if (!bt_caller_settle(self->entry, &self->caller, self->explainer, error))
    return FALSE;
  self->session = bt_session_begin(&setup, error);
  /* The worker has its own copies by now: its end is to be seen. */
  bt_worker_fds_close(&self->fds);
  return self->session != NULL;
}

/* Takes error; NULL: it was ended. */
static void
end_before_start(BtBackend *self, GError *error)
{
  const BtOutcome killed = { .exit_status = 128 + SIGKILL, .limit = -1 };

  if (error == NULL)
    bt_session_tell_exit(self->explainer, self->entry, &killed);
  g_clear_pointer(&self->session, bt_session_free);
  g_clear_pointer(&self->explainer, bt_explainer_free);
  post_end(self, error == NULL ? &killed : NULL, error);
  unref(self);
}

static void
stop_waiting(BtBackend *self)
{
  bt_watch_clear(&self->wait);
  bt_watch_clear(&self->wait_end);
}

static void
go_on(BtBackend *self)
{
  GError *error = NULL;

  stop_waiting(self);
  self->running = bt_session_settle(self->session, &error) &&
                  bt_session_start(self->session, on_over, self, &error);
  if (!self->running)
    end_before_start(self, error);
}

static gboolean
on_wait_fd(int fd, GIOCondition condition, gpointer data)
{
  go_on(data);
  return G_SOURCE_REMOVE;
}

static gboolean
on_wait_end(gpointer data)
{
  go_on(data);
  return G_SOURCE_REMOVE;
}

static void
start(gpointer data)
{
  BtBackend *self = data;
  GError *error = NULL;
  guint ms;

  self->explainer = bt_explainer_new(-1, TRUE);
  bt_explainer_set_func(self->explainer, on_event, self);
  if (!begin(self, &error)) {
    end_before_start(self, error);
    return;
  }
  int fd = bt_session_get_wait(self->session, &ms);
  if (fd < 0) {
    go_on(self);
    return;
  }
  /* Systemd's answer, for which other runs' calls must not wait. */
  self->wait = bt_watch_fd(fd, G_IO_IN | G_IO_HUP, on_wait_fd, self);
  self->wait_end = bt_watch_timeout(ms, on_wait_end, self);
}

typedef struct {
  BtBackend *backend;
  int number;
} Signal;

static void
end_waiting(gpointer data)
{
  end_before_start(data, NULL);
}

static void
send_signal(gpointer data)
{
  Signal *signal = data;
  BtBackend *self = signal->backend;
  BtSupervisor *supervisor = self->running ? bt_session_get_supervisor(self->session) : NULL;

  gboolean started = supervisor != NULL && bt_supervisor_has_started(supervisor);
  /* What has not started yet cannot end by itself. */
  if (self->wait != 0 && (signal->number == SIGKILL || signal->number == SIGTERM)) {
    stop_waiting(self);
    bt_thread_invoke(end_waiting, self);
  } else if (supervisor != NULL &&
             (signal->number == SIGKILL || (signal->number == SIGTERM && !started))) {
    bt_supervisor_kill(supervisor);
  } else if (started) {
    bt_supervisor_signal(supervisor, signal->number);
  }
  unref(self);
  g_free(signal);
}

static void
answer(gpointer data)
{
  Message *message = data;
  BtBackend *self = message->backend;

  message->action =
    self->running ? bt_session_ask(self->session, message->question) : BT_ACTION_DENY;
  post(message);
}

static void
settle(gpointer message)
{
  post(message);
}

/* ---- by the caller ---- */

BtBackend *
bt_backend_new(const BuntimeSandbox *sandbox, const char *entry, gboolean harness,
               const char *const *args, const BtWorkerFds *fds, const BtBackendFuncs *funcs,
               gpointer data)
{
  BtBackend *self = g_new0(BtBackend, 1);

  g_atomic_ref_count_init(&self->refs);
  g_mutex_init(&self->lock);
  self->init = BT_HELPER_INIT;
  self->funcs = *funcs;
  self->data = data;
  self->context = g_main_context_ref_thread_default();
  self->sandbox = bt_sandbox_snapshot(sandbox);
  self->flat = (bt_policy_get_plugins(sandbox->policy->rules) & BT_PLUGIN_NAMESPACES) == 0;
  self->entry = g_strdup(entry);
  self->harness = harness;
  self->args = g_strdupv((char **)args);
  /* Here, in the thread of who may change it. */
  self->environment = g_get_environ();
  self->fds = *fds;
  bt_thread_invoke(start, ref(self));
  return self;
}

void
bt_backend_signal(BtBackend *self, int number)
{
  Signal *signal = g_new(Signal, 1);

  *signal = (Signal){ ref(self), number };
  bt_thread_invoke(send_signal, signal);
}

void
bt_backend_settle(BtBackend *self)
{
  Message *message = message_new(self);

  message->settled = TRUE;
  bt_thread_invoke(settle, message);
}

void
bt_backend_ask(BtBackend *self, guint32 id, BtQuestion *question)
{
  Message *message = message_new(self);

  message->id = id;
  message->question = question;
  bt_thread_invoke(answer, message);
}

char *
bt_backend_processes_to_json(BtBackend *self)
{
  BtHelper init = BT_HELPER_INIT;

  g_mutex_lock(&self->lock);
  if (self->init.pidfd >= 0)
    init = (BtHelper){ self->init.pid, fcntl(self->init.pidfd, F_DUPFD_CLOEXEC, 3) };
  gboolean flat = self->flat;
  g_mutex_unlock(&self->lock);
  if (init.pidfd < 0)
    return g_strdup("[]");
  char *json = bt_processes_to_json(init.pid, init.pidfd, flat);
  close(init.pidfd);
  return json;
}

char *
bt_backend_layers_to_json(BtBackend *self)
{
  g_mutex_lock(&self->lock);
  char *layers = g_strdup(self->layers != NULL ? self->layers : "[]");
  g_mutex_unlock(&self->lock);
  return layers;
}

static void
exceed_output(gpointer data)
{
  BtBackend *self = data;

  if (self->running)
    bt_supervisor_exceed_output(bt_session_get_supervisor(self->session));
  unref(self);
}

void
bt_backend_exceed_output(BtBackend *self)
{
  bt_thread_invoke(exceed_output, ref(self));
}

BtEvent *
bt_backend_event_of_output(BtBackend *self)
{
  return bt_supervisor_event_of_output(self->sandbox->policy->rules);
}

void
bt_backend_free(BtBackend *self)
{
  self->freed = TRUE;
  bt_backend_signal(self, SIGKILL);
  unref(self);
}
