/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mock-systemd MODE FOLDER: systemd --user on the session bus, as far as
 * buntime-scope needs it. It says "ready" on stdout, writes each request to
 * FOLDER/request, and makes the control groups up, in FOLDER/tree and
 * FOLDER/proc: /sys/fs/cgroup and /proc for whoever is told to look there.
 *
 *   apply      does all it is asked to do
 *   no-memory  does, but for the limit of memory
 *   no-cpu     does, but has no controller "cpu"
 *   no-group   says that it did, and does nothing
 *   refuse     answers with an error, in words that a terminal would obey
 *   fail       accepts, and the job fails
 *   others     accepts, and only the jobs of others ever end
 *   silent     does not answer
 */
#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#define JOB "/org/freedesktop/systemd1/job/72"

static const char *mode, *folder;

static const char introspection[] =
  "<node><interface name='org.freedesktop.systemd1.Manager'>"
  "<method name='Subscribe'/>"
  "<method name='StartTransientUnit'>"
  "<arg type='s' direction='in'/><arg type='s' direction='in'/>"
  "<arg type='a(sv)' direction='in'/><arg type='a(sa(sv))' direction='in'/>"
  "<arg type='o' direction='out'/></method>"
  "<signal name='JobRemoved'><arg type='u'/><arg type='o'/><arg type='s'/><arg type='s'/></signal>"
  "</interface></node>";

static gboolean
is_mode(const char *word)
{
  return strcmp(mode, word) == 0;
}

static void
put(const char *place, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename(folder, place, NULL);
  g_autofree char *file = g_build_filename(path, name, NULL);

  if (g_mkdir_with_parents(path, 0755) != 0 || !g_file_set_contents(file, text, -1, NULL))
    g_error("%s: %s", file, g_strerror(errno));
}

static void
put_number(const char *place, const char *name, guint64 number)
{
  g_autofree char *text = number != G_MAXUINT64 ? g_strdup_printf("%" G_GUINT64_FORMAT "\n", number)
                                                : g_strdup("max\n");
  put(place, name, text);
}

static guint64
find_number(GVariant *properties, const char *name)
{
  GVariantIter iter;
  const char *key;
  GVariant *value;
  guint64 number = G_MAXUINT64;

  g_variant_iter_init(&iter, properties);
  while (g_variant_iter_next(&iter, "(&sv)", &key, &value)) {
    if (strcmp(key, name) == 0)
      number = g_variant_get_uint64(value);
    g_variant_unref(value);
  }
  return number;
}

static guint32
find_pid(GVariant *properties)
{
  GVariantIter iter;
  const char *key;
  GVariant *value;
  guint32 pid = 0;

  g_variant_iter_init(&iter, properties);
  while (g_variant_iter_next(&iter, "(&sv)", &key, &value)) {
    if (strcmp(key, "PIDs") == 0 && g_variant_n_children(value) == 1)
      g_variant_get_child(value, 0, "u", &pid);
    g_variant_unref(value);
  }
  return pid;
}

static void
make_group(const char *unit, GVariant *properties)
{
  guint32 pid = find_pid(properties);
  guint64 cpu = find_number(properties, "CPUQuotaPerSecUSec");
  g_autofree char *group = g_strdup_printf("tree/app.slice/%s", unit);
  g_autofree char *process = g_strdup_printf("proc/%u", pid);
  g_autofree char *path = g_strdup_printf("1:name=systemd:/x\n0::/app.slice/%s\n", unit);

  put(process, "cgroup", path);
  put_number(group, "cgroup.procs", pid);
  put_number(group, "memory.max",
             is_mode("no-memory") ? G_MAXUINT64 : find_number(properties, "MemoryMax"));
  put_number(group, "memory.swap.max", find_number(properties, "MemorySwapMax"));
  put(group, "memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n");
  put_number(group, "pids.max", find_number(properties, "TasksMax"));
  put(group, "pids.events", "max 0\n");
  put(group, "cpu.stat", "usage_usec 7000\nuser_usec 5000\nsystem_usec 2000\n");
  if (!is_mode("no-cpu")) {
    g_autofree char *quota = g_strdup_printf("%" G_GUINT64_FORMAT " 100000\n", cpu / 10);
    put(group, "cpu.max", cpu != G_MAXUINT64 ? quota : "max 100000\n");
  }
}

static void
end_job(GDBusConnection *bus, const char *job, const char *unit, const char *result)
{
  g_dbus_connection_emit_signal(bus, NULL, "/org/freedesktop/systemd1",
                                "org.freedesktop.systemd1.Manager", "JobRemoved",
                                g_variant_new("(uoss)", 72, job, unit, result), NULL);
}

static void
start_unit(GDBusConnection *bus, GVariant *parameters, GDBusMethodInvocation *call)
{
  g_autofree char *text = g_variant_print(parameters, TRUE);
  g_autoptr(GVariant) properties = g_variant_get_child_value(parameters, 2);
  const char *unit;

  put("", "request", text);
  g_variant_get_child(parameters, 0, "&s", &unit);
  if (is_mode("silent"))
    return;
  if (is_mode("refuse")) {
    g_dbus_method_invocation_return_dbus_error(call, "org.freedesktop.DBus.Error.AccessDenied",
                                               "no \x1b[31mscopes\n today");
    return;
  }
  /* A job may end before its caller has heard of it. */
  end_job(bus, "/org/freedesktop/systemd1/job/71", "other.scope", "done");
  if (!is_mode("no-group") && !is_mode("fail") && !is_mode("others"))
    make_group(unit, properties);
  if (!is_mode("others"))
    end_job(bus, JOB, unit, is_mode("fail") ? "failed" : "done");
  g_dbus_method_invocation_return_value(call, g_variant_new("(o)", JOB));
}

static void
on_call(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
        const char *method, GVariant *parameters, GDBusMethodInvocation *call, gpointer data)
{
  if (strcmp(method, "StartTransientUnit") == 0)
    start_unit(bus, parameters, call);
  else
    g_dbus_method_invocation_return_value(call, NULL);
}

static void
on_name(GDBusConnection *bus, const char *name, gpointer data)
{
  puts("ready");
  fflush(stdout);
}

static void
on_lost(GDBusConnection *bus, const char *name, gpointer data)
{
  exit(1);
}

int
main(int argc, char **argv)
{
  static const GDBusInterfaceVTable functions = { .method_call = on_call };
  g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(introspection, NULL);
  g_autoptr(GError) error = NULL;

  if (argc != 3) {
    fprintf(stderr, "usage: mock-systemd MODE FOLDER\n");
    return 2;
  }
  mode = argv[1];
  folder = argv[2];
  GDBusConnection *bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, &error);
  if (bus == NULL || g_dbus_connection_register_object(bus, "/org/freedesktop/systemd1",
                                                       node->interfaces[0], &functions, NULL, NULL,
                                                       &error) == 0) {
    fprintf(stderr, "mock-systemd: %s\n", error->message);
    return 1;
  }
  g_bus_own_name_on_connection(bus, "org.freedesktop.systemd1", G_BUS_NAME_OWNER_FLAGS_NONE,
                               on_name, on_lost, NULL, NULL);
  /* It ends with the bus. */
  g_main_loop_run(g_main_loop_new(NULL, FALSE));
  return 0;
}
