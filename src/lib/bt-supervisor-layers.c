/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is in force for a run, once its program is about to be executed.
 *
 * Init carries out the whole plan or fails: what the plan has is there then.  What it leaves open
 * (how frames leave the sandbox, what a control group holds) was found out meanwhile.
 */
#include "lib/bt-supervisor-private.h"

#include <stdarg.h>
#include <sys/resource.h>

#include "policy/bt-event.h"
#include "policy/bt-json-writer.h"

static void G_GNUC_PRINTF(4, 5)
put(BtJsonWriter *json, const char *layer, const char *state, const char *format, ...)
{
  va_list args;

  va_start(args, format);
  g_autofree char *detail = g_strdup_vprintf(format, args);
  va_end(args);
  bt_json_begin_object(json, NULL);
  bt_json_put_string(json, "layer", layer);
  bt_json_put_string(json, "state", state);
  bt_json_put_string(json, "detail", detail);
  bt_json_end(json);
}

/* Only a policy turns one off. */
static void
put_off(const BtSupervisor *self, BtJsonWriter *json, const char *layer, BtPlugins plugin,
        const char *instead)
{
  const BtOrigin *origin = bt_policy_get_plugin_origin(self->run->policy, plugin);
  g_autofree char *where = bt_origin_format(origin);
  put(json, layer, "off", "%s (%s)", instead, where);
}

static gboolean
has(const BtSupervisor *self, guint32 flag)
{
  return (self->plan.header->flags & flag) != 0;
}

static guint
count_mounts(const BtPlanView *plan)
{
  guint count = 0;

  for (guint32 i = 0; i < plan->header->ops.count; i++)
    count += plan->ops[i].kind != BT_PLAN_DIR && plan->ops[i].kind != BT_PLAN_SYMLINK &&
             plan->ops[i].kind != BT_PLAN_FILE && plan->ops[i].kind != BT_PLAN_LEND;
  return count;
}

/* ---- the network ---- */

static void
put_network(const BtSupervisor *self, BtJsonWriter *json)
{
  const BtPlanHeader *plan = self->plan.header;
  g_autoptr(GString) detail = g_string_new(NULL);

  if (self->net_mode == BT_PLAN_NET_NONE)
    g_string_append(detail, "none: nothing but a loopback of its own");
  else
    g_string_append(detail, self->net_mode == BT_PLAN_NET_TAP ? "tap, slirp" : "veth, slirp");
  if (plan->relays.count > 0)
    g_string_append_printf(detail, "; ports of the host's loopback: %u", plan->relays.count);
  if (plan->dialers > 0)
    g_string_append_printf(detail, "; published ports: %u", plan->dialers);
  put(json, "network", "on", "%s", detail->str);
}

static void
put_gate(const BtSupervisor *self, BtJsonWriter *json)
{
  if (self->net_mode == BT_PLAN_NET_NONE)
    put(json, "gate", "unneeded", "no packet leaves the sandbox");
  else if (has(self, BT_PLAN_FAST_PATH))
    put(json, "gate", "on", "but for connections that an address rule allows: these the supervisor "
                            "makes");
  else
    put(json, "gate", "on", "every packet");
}

/* ---- limits ---- */

static const char *
resource_name(guint32 resource)
{
  static const char *const names[RLIM_NLIMITS] = {
    [RLIMIT_CORE] = "core", [RLIMIT_CPU] = "cpu",       [RLIMIT_DATA] = "data",
    [RLIMIT_NOFILE] = "nofile", [RLIMIT_NPROC] = "nproc", [RLIMIT_RTPRIO] = "rtprio",
    [RLIMIT_SIGPENDING] = "sigpending",
  };
  return resource < RLIM_NLIMITS && names[resource] != NULL ? names[resource] : "other";
}

static void
append_name(GString *text, const char *name)
{
  if (text->len > 0)
    g_string_append(text, ", ");
  g_string_append(text, name);
}

static void
append_limits(const BtSupervisor *self, GString *text, guint limits, const char *who)
{
  g_autoptr(GString) names = g_string_new(NULL);
  guint64 value;

  for (guint i = 0; i < BT_N_LIMITS; i++)
    if ((limits & 1u << i) != 0 && bt_policy_get_limit(self->run->policy, i, &value, NULL))
      append_name(names, bt_limit_key(i));
  if (names->len > 0)
    g_string_append_printf(text, "%s: %s; ", who, names->str);
}

static void
put_limits(const BtSupervisor *self, BtJsonWriter *json)
{
  const BtScope *scope = self->run->scope;
  guint held = scope != NULL ? bt_scope_get_held(scope) : 0;
  g_autoptr(GString) detail = g_string_new(NULL);
  g_autoptr(GString) names = g_string_new(NULL);

  if (scope != NULL && held == 0)
    g_string_append(detail, "no control group; ");
  append_limits(self, detail, held, "control group");
  append_limits(self, detail, 1u << BT_LIMIT_TMP_SIZE | 1u << BT_LIMIT_SHM_SIZE, "file systems");
  append_limits(self, detail, 1u << BT_LIMIT_WALL_TIME | 1u << BT_LIMIT_OUTPUT, "supervisor");
  if (self->net_mode != BT_PLAN_NET_NONE)
    append_limits(self, detail, 1u << BT_LIMIT_NET_RATE | 1u << BT_LIMIT_NET_BYTES, "buntime-net");
  for (guint32 i = 0; i < self->plan.header->limits.count; i++)
    append_name(names, resource_name(self->plan.limits[i].resource));
  put(json, "limits", "on", "%sresource limits: %s", detail->str, names->str);
}

/* ---- Landlock, seccomp ---- */

static void
put_landlock(const BtSupervisor *self, BtJsonWriter *json)
{
  const BtPlanHeader *plan = self->plan.header;

  if (plan->landlock_fs == 0)
    put_off(self, json, "landlock", BT_PLUGIN_LANDLOCK, "mounts alone");
  else
    put(json, "landlock", "on", "ABI %d, %u rules%s", self->run->plan->landlock_abi,
        plan->landlock.count,
        plan->landlock_scoped == BT_PLAN_SCOPE_ALL ? ", signals and abstract sockets scoped" : "");
}

static void
put_seccomp(const BtSupervisor *self, BtJsonWriter *json)
{
  guint denied = bt_policy_get_deny_syscalls(self->run->policy)->len;

  if (has(self, BT_PLAN_NO_SECCOMP)) {
    put_off(self, json, "seccomp", BT_PLUGIN_SECCOMP, "every system call");
    put_off(self, json, "notifier", BT_PLUGIN_SECCOMP, "no system call is asked about");
    return;
  }
  g_autofree char *added =
    denied > 0 ? g_strdup_printf(", antiEscape names %u calls", denied) : g_strdup("");
  put(json, "seccomp", "on", "a filter of %u instructions%s",
      self->plan.header->worker_filter.count, added);
  put(json, "notifier", "on", "the supervisor is asked%s",
      self->plan.header->opener_filter.count > 0 ? ", and a helper opens files" : "");
}

/* ---- all of them ---- */

static void
put_namespaces(const BtSupervisor *self, BtJsonWriter *json)
{
  if (!has(self, BT_PLAN_NO_NAMESPACES)) {
    put(json, "namespaces", "on", "user, pid, mount, uts, net, ipc, cgroup");
    put_network(self, json);
    put_gate(self, json);
    put(json, "mounts", "on", "a root of its own with %u mounts", count_mounts(&self->plan));
    return;
  }
  put_off(self, json, "namespaces", BT_PLUGIN_NAMESPACES, "among the user's other processes");
  put(json, "network", "on", "the host's: TCP alone, which the supervisor connects");
  put_off(self, json, "gate", BT_PLUGIN_NAMESPACES, "no packet is looked at");
  put_off(self, json, "mounts", BT_PLUGIN_NAMESPACES, "the host's tree, held by Landlock");
}

char *
bt_supervisor_layers_to_json(const BtSupervisor *self)
{
  GString *text = g_string_new(NULL);
  BtJsonWriter json = BT_JSON_WRITER_INIT(text, 0);

  bt_json_begin_array(&json, NULL);
  put_namespaces(self, &json);
  put_limits(self, &json);
  put_landlock(self, &json);
  put(&json, "privileges", "on", "no_new_privs, no capabilities");
  put_seccomp(self, &json);
  put(&json, "channel", has(self, BT_PLAN_CHANNEL) ? "on" : "unneeded", "%s",
      has(self, BT_PLAN_CHANNEL) ? "rings and a control socket" : "nobody speaks to it");
  bt_json_end(&json);
  return g_string_free(text, FALSE);
}
