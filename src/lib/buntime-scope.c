/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * buntime-scope: asks the user's systemd for one transient scope, and ends.
 *
 *   descriptor 3 ... one datagram in (BtScopeRequest), one out (BtScopeAnswer)
 *   environment .... DBUS_SESSION_BUS_ADDRESS alone
 *
 * A process of its own because GIO is what the static supervisor cannot load,
 * and because it speaks with a bus: what a message could take over is this
 * process, which holds that socket and nothing else. Whatever it answers the
 * supervisor looks for itself whether anything is limited (lib/bt-cgroup.c).
 *
 * systemd takes a process by its number. In a container that was given the
 * host's bus the number would be some other program's; so the bus is first
 * asked by which number it knows this process.
 *
 * It waits for no longer than the supervisor does, and ends with it.
 */
#include <errno.h>
#include <gio/gio.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/bt-scope-msg.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER SYSTEMD ".Manager"

/* The supervisor has lost patience before. */
#define TIMEOUT_MS 5000

typedef struct {
  GDBusConnection *bus;
  const BtScopeRequest *request;
  char *job;    /* its object path, once systemd has accepted it */
  char *result; /* of the job, in systemd's word; NULL: not ended */
} Asker;

static void
answer(BtScopeResult result, const char *reason)
{
  BtScopeAnswer message = { .version = BT_SCOPE_VERSION, .result = result };

  g_strlcpy(message.reason, reason, sizeof message.reason);
  (void)!send(BT_SCOPE_FD, &message, sizeof message, MSG_NOSIGNAL);
}

/* What went wrong, without the name of the error before it. */
static void
answer_error(BtScopeResult result, GError *error)
{
  g_dbus_error_strip_remote_error(error);
  answer(result, error->message);
}

/* Is this process, and so the one to be moved, what the bus takes it for? */
static gboolean
is_same_numbering(GDBusConnection *bus, GError **error)
{
  g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
    bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
    "GetConnectionUnixProcessID", g_variant_new("(s)", g_dbus_connection_get_unique_name(bus)),
    G_VARIANT_TYPE("(u)"), G_DBUS_CALL_FLAGS_NONE, TIMEOUT_MS, NULL, error);
  guint32 pid = 0;

  if (reply == NULL)
    return FALSE;
  g_variant_get(reply, "(u)", &pid);
  return pid == (guint32)getpid();
}

static void
add_number(GVariantBuilder *properties, const char *name, guint64 value)
{
  if (value != BT_SCOPE_NOT_LIMITED)
    g_variant_builder_add(properties, "(sv)", name, g_variant_new_uint64(value));
}

static GVariant *
properties_of(const BtScopeRequest *request)
{
  GVariantBuilder properties;

  g_variant_builder_init(&properties, G_VARIANT_TYPE("a(sv)"));
  g_variant_builder_add(&properties, "(sv)", "Description",
                        g_variant_new_string("Sandbox of buntime"));
  /* Nothing of it is left when it failed, either. */
  g_variant_builder_add(&properties, "(sv)", "CollectMode",
                        g_variant_new_string("inactive-or-failed"));
  g_variant_builder_add(&properties, "(sv)", "PIDs",
                        g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32, &request->pid, 1,
                                                  sizeof request->pid));
  add_number(&properties, "MemoryMax", request->memory);
  if (request->memory != BT_SCOPE_NOT_LIMITED)
    add_number(&properties, "MemorySwapMax", 0);
  add_number(&properties, "CPUQuotaPerSecUSec", request->cpu);
  add_number(&properties, "TasksMax", request->pids);
  return g_variant_builder_end(&properties);
}

static void
on_job_removed(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
               const char *signal, GVariant *parameters, gpointer data)
{
  Asker *asker = data;
  const char *job, *result;

  if (!g_variant_is_of_type(parameters, G_VARIANT_TYPE("(uoss)")))
    return;
  g_variant_get(parameters, "(u&o&s&s)", NULL, &job, NULL, &result);
  /* Dispatched only when the job is known. */
  if (g_strcmp0(job, asker->job) == 0 && asker->result == NULL)
    asker->result = g_strdup(result);
}

static gboolean
start_unit(Asker *asker, GError **error)
{
  const BtScopeRequest *request = asker->request;
  g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
    asker->bus, SYSTEMD, MANAGER_PATH, MANAGER, "StartTransientUnit",
    g_variant_new("(ss@a(sv)@a(sa(sv)))", request->unit, "fail", properties_of(request),
                  g_variant_new_array(G_VARIANT_TYPE("(sa(sv))"), NULL, 0)),
    G_VARIANT_TYPE("(o)"), G_DBUS_CALL_FLAGS_NONE, TIMEOUT_MS, NULL, error);

  if (reply == NULL)
    return FALSE;
  g_variant_get(reply, "(o)", &asker->job);
  return TRUE;
}

/* systemd sends the signals of jobs to those who said that they listen. */
static gboolean
subscribe(Asker *asker, GError **error)
{
  g_dbus_connection_signal_subscribe(asker->bus, SYSTEMD, MANAGER, "JobRemoved", MANAGER_PATH,
                                     NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_job_removed, asker, NULL);
  g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
    asker->bus, SYSTEMD, MANAGER_PATH, MANAGER, "Subscribe", NULL, NULL, G_DBUS_CALL_FLAGS_NONE,
    TIMEOUT_MS, NULL, error);
  return reply != NULL;
}

static void
make_scope(const BtScopeRequest *request)
{
  Asker asker = { .request = request };
  g_autoptr(GError) error = NULL;

  asker.bus = g_dbus_connection_new_for_address_sync(
    g_getenv("DBUS_SESSION_BUS_ADDRESS"),
    G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
    NULL, NULL, &error);
  if (asker.bus == NULL) {
    answer_error(BT_SCOPE_NO_BUS, error);
    return;
  }
  if (!is_same_numbering(asker.bus, &error)) {
    if (error != NULL)
      answer_error(BT_SCOPE_NO_BUS, error);
    else
      answer(BT_SCOPE_FOREIGN, "");
    return;
  }
  if (!subscribe(&asker, &error) || !start_unit(&asker, &error)) {
    answer_error(BT_SCOPE_REFUSED, error);
    return;
  }
  while (asker.result == NULL)
    g_main_context_iteration(NULL, TRUE);
  if (strcmp(asker.result, "done") == 0)
    answer(BT_SCOPE_DONE, "");
  else
    answer(BT_SCOPE_REFUSED, asker.result);
}

/*
 * The death signal comes only from a supervisor that dies after it was asked
 * for; one that died before has closed the socket, though its request is there.
 */
static gboolean
is_orphan(void)
{
  struct pollfd pollfd = { .fd = BT_SCOPE_FD };
  return poll(&pollfd, 1, 0) != 0;
}

int
main(void)
{
  char bytes[sizeof(BtScopeRequest) + 1];
  BtScopeRequest request;
  gssize got;

  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
    return 1;
  do
    got = recv(BT_SCOPE_FD, bytes, sizeof bytes, 0);
  while (got < 0 && errno == EINTR);
  if (is_orphan() || got <= 0 || !bt_scope_request_parse(bytes, (gsize)got, &request))
    return 1;
  make_scope(&request);
  return 0;
}
