/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What would become of one operation: `buntime check`, and a worker's own question.
 *
 * The policy's matcher decides; then the plan is compiled as for a run and
 * asked what would lie at that place, since some things are visible without
 * any grant and some never are. Where that decides, its origin is "buntime",
 * or "built-in" for what is given to every worker.
 *
 * A worker's question is answered from its run's own policy and plan, which were settled when it
 * started, and nothing of the host is looked at: else a worker could make the supervisor wait for
 * a file server of its choice.  So it is the worker that follows links and says what is there.
 */
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/bt-check.h"
#include "lib/bt-host-addrs.h"
#include "lib/bt-net-words.h"
#include "lib/bt-policy-object.h"
#include "lib/bt-verdict.h"
#include "plan/bt-plan-compile.h"
#include "plan/bt-program.h"
#include "policy/bt-event.h"
#include "policy/bt-net-item.h"
#include "policy/bt-path.h"
#include "policy/bt-policy-format.h"

/* One question. */
typedef struct {
  BtPolicy *policy;
  const char *cwd, *home;
  const BtPlanPlaces *places; /* a worker asks; NULL: the host is looked at */
  gboolean folder;            /* ... who says that a directory is there */
  BtPlanRequest request;
  BtPlanLook look;
  BuntimeVerdict *verdict;
} Check;

/* ---- the verdict ---- */

static void
set_origin(BuntimeVerdict *self, const char *source, guint line, const char *text)
{
  g_free(self->origin.source);
  g_free(self->origin.text);
  self->origin.source = g_strdup(source);
  self->origin.line = line;
  self->origin.text = g_strdup(text);
}

static void
set_verdict(Check *self, BtVerdict verdict)
{
  self->verdict->action = verdict.action;
  set_origin(self->verdict, verdict.origin->source, verdict.origin->line, verdict.origin->text);
}

static void
override(Check *self, BtAction action, const char *source, const char *text)
{
  self->verdict->action = action;
  set_origin(self->verdict, source, 0, text);
}

static gboolean
is_flat(const Check *self)
{
  return (bt_policy_get_plugins(self->policy) & BT_PLUGIN_NAMESPACES) == 0;
}

/* A flag's own denial is not undone by another flag, and what is never granted by none. */
static void
set_suggestion(Check *self, char *suggestion)
{
  BtKind kind = self->verdict->kind;
  gboolean never = is_flat(self) && kind == BT_KIND_FFI;

  g_free(self->verdict->suggestion);
  self->verdict->suggestion = NULL;
  if (self->verdict->action == BT_ACTION_DENY && !never &&
      bt_origin_yields_to_flags(&self->verdict->origin))
    self->verdict->suggestion = suggestion;
  else
    g_free(suggestion);
}

/* Only the default denies: something else may still show it. */
static gboolean
is_default(const Check *self)
{
  return self->verdict->action == BT_ACTION_DENY && self->verdict->origin.line == 0 &&
         g_str_has_prefix(self->verdict->origin.text, "defaults.");
}

/* Absolute and, by the host, real, as a flag's path would become when the run starts. */
static char *
real_path(Check *self, const char *value, GError **error)
{
  GError *cause = NULL;
  g_autofree char *path = bt_path_absolute(value, self->cwd, self->home, &cause);

  if (path == NULL) {
    bt_fail_for(error, BUNTIME_ERROR_USAGE, value, cause);
    return NULL;
  }
  return self->places != NULL ? g_steal_pointer(&path) : bt_path_real(path);
}

static gboolean
look(Check *self, const char *path, GError **error)
{
  if (self->places != NULL) {
    bt_plan_places_look(self->places, path, self->folder, &self->look);
    return TRUE;
  }
  return bt_plan_look(&self->request, path, &self->look, error);
}

/* ---- kinds ---- */

/* What is done to it, by what is there. */
static BtFsPerms
perms_of(const Check *self, const char *path)
{
  gboolean writes = self->verdict->kind == BT_KIND_WRITE, folder = self->folder;
  struct stat info = { .st_mode = S_IFREG };

  if (self->places == NULL) {
    if (lstat(path, &info) != 0 && writes)
      return BT_FS_WRITE_FILE | BT_FS_MAKE_REG;
    folder = S_ISDIR(info.st_mode);
  }
  if (writes)
    return folder ? BT_FS_MAKE_REG | BT_FS_REMOVE_FILE : BT_FS_WRITE_FILE | BT_FS_TRUNCATE;
  return folder ? BT_FS_READ_DIR : BT_FS_READ_FILE;
}

static void
settle_read(Check *self, const char *path)
{
  const BtPlanLook *found = &self->look;

  if (self->verdict->action != BT_ACTION_DENY) {
    if (found->host || found->made)
      return;
    if (bt_path_is_never(path))
      override(self, BT_ACTION_DENY, BT_SOURCE_SELF,
               N_("/proc, /sys, /dev and /run are never the host's"));
    else if (found->scratch)
      override(self, BT_ACTION_DENY, BT_SOURCE_BUILT_IN, N_("/tmp is the program's own"));
    else
      override(self, BT_ACTION_DENY, BT_SOURCE_SELF, N_("nothing is there to be read"));
  } else if (found->readable) {
    /* A denial by name would have hidden it. */
    override(self, BT_ACTION_ALLOW, BT_SOURCE_BUILT_IN,
             N_("the system's files, which every program sees"));
  } else if (found->made) {
    override(self, BT_ACTION_ALLOW, BT_SOURCE_BUILT_IN, N_("made for the program by buntime"));
  }
}

static void
settle_write(Check *self, const char *path)
{
  const BtPlanLook *found = &self->look;

  if (found->withheld)
    override(self, BT_ACTION_DENY, BT_SOURCE_SELF,
             N_("the program's own /tmp has no more than what is granted below it"));
  else if (self->verdict->action == BT_ACTION_DENY && found->scratch)
    override(self, BT_ACTION_ALLOW, BT_SOURCE_BUILT_IN, N_("/tmp is the program's own"));
  else if (is_default(self) && found->made && bt_path_is_below(path, "/dev"))
    override(self, BT_ACTION_ALLOW, BT_SOURCE_BUILT_IN, N_("made for the program by buntime"));
  else if (self->verdict->action != BT_ACTION_DENY && !found->writable && !found->scratch &&
           !found->lent)
    override(self, BT_ACTION_DENY, BT_SOURCE_SELF, N_("kept read-only by buntime"));
}

static gboolean
check_file(Check *self, const char *value, GError **error)
{
  gboolean writes = self->verdict->kind == BT_KIND_WRITE;
  g_autofree char *path = real_path(self, value, error);

  if (path == NULL || !look(self, path, error))
    return FALSE;
  set_verdict(self, bt_policy_check_path(self->policy, path, perms_of(self, path)));
  if (writes)
    settle_write(self, path);
  else
    settle_read(self, path);
  self->verdict->object = g_strdup(path);
  if (self->places != NULL)
    return TRUE;
  /* What does not exist cannot always be granted; the directory it would be made in can. */
  g_autofree char *parent = g_path_get_dirname(path);
  gboolean alone = !writes || self->look.makeable || access(path, F_OK) == 0;
  const char *place = alone ? path : parent;
  set_suggestion(self, is_flat(self) ? bt_suggest_flat_path(self->verdict->kind, place)
                                     : bt_suggest_path(self->verdict->kind, place));
  if (!alone && self->verdict->suggestion != NULL)
    self->verdict->note = N_("this permits more than what was denied");
  return TRUE;
}

static gboolean
decide_run(Check *self, const char *path, GError **error)
{
  if (!look(self, path, error))
    return FALSE;
  set_verdict(self, bt_policy_check_run(self->policy, path));
  if (is_default(self) && self->look.runs)
    override(self, BT_ACTION_ALLOW, BT_SOURCE_BUILT_IN, N_("belongs to a program that is granted"));
  else if (self->verdict->action != BT_ACTION_DENY && !self->look.runs)
    override(self, BT_ACTION_DENY, BT_SOURCE_SELF, N_("not executable in this sandbox"));
  g_free(self->verdict->object);
  self->verdict->object = g_strdup(path);
  set_suggestion(self, bt_suggest_path(BT_KIND_RUN, path));
  return TRUE;
}

static gboolean
check_run(Check *self, const char *value, GError **error)
{
  gboolean name = strchr(value, '/') == NULL && value[0] != '~';
  const char *search_path = self->places == NULL ? g_getenv("PATH") : NULL;
  g_autofree char *path =
    name ? bt_program_find(value, search_path) : real_path(self, value, error);
  g_auto(BtProgram) program = BT_PROGRAM_INIT;

  if (path == NULL)
    return !name ? FALSE
                 : bt_fail(error, BUNTIME_ERROR_USAGE, value, _("no such program on PATH"),
                           _("install it, or write its path with a slash"));
  if (!decide_run(self, path, error))
    return FALSE;
  /* A script runs if its interpreter does. */
  if (self->verdict->action == BT_ACTION_DENY || self->places != NULL ||
      !bt_program_read(path, &program) || program.interpreter == NULL)
    return TRUE;
  BtVerdict script = { self->verdict->action, NULL };
  g_autofree char *interpreter = bt_path_real(program.interpreter);
  if (!decide_run(self, interpreter, error))
    return FALSE;
  return self->verdict->action >= script.action || decide_run(self, path, error);
}

static gboolean
check_env(Check *self, const char *value, GError **error)
{
  GError *cause = NULL;

  if (!g_regex_match_simple("^[^=*]+$", value, 0, 0)) {
    bt_fail(&cause, BUNTIME_ERROR_USAGE, NULL, _("not the name of a variable"),
            _("write one name like LANG"));
    return bt_fail_for(error, BUNTIME_ERROR_USAGE, value, cause);
  }
  if (!look(self, NULL, error))
    return FALSE;
  set_verdict(self, bt_policy_check_env(self->policy, value));
  switch (bt_plan_env_fate(&self->request, value)) {
  case BT_ENV_MADE:
    override(self, BT_ACTION_DENY, BT_SOURCE_BUILT_IN, N_("made for the program by buntime"));
    break;
  case BT_ENV_SETTING:
    override(self, BT_ACTION_ALLOW, BT_SOURCE_BUILT_IN, N_("a setting that every program sees"));
    break;
  case BT_ENV_HIDDEN:
  case BT_ENV_PASSED:
    break;
  }
  self->verdict->object = g_strdup(value);
  set_suggestion(self, bt_suggest_path(BT_KIND_ENV, value));
  return TRUE;
}

static gboolean
check_ffi(Check *self, const char *value, GError **error)
{
  g_autofree char *path = real_path(self, value, error);

  if (path == NULL || !look(self, path, error))
    return FALSE;
  set_verdict(self, bt_policy_check_ffi(self->policy, path));
  if (is_default(self) && self->look.maps && self->look.readable)
    override(self, BT_ACTION_ALLOW, BT_SOURCE_BUILT_IN,
             N_("lies where libraries may be loaded from"));
  else if (self->verdict->action != BT_ACTION_DENY && !self->look.maps)
    override(self, BT_ACTION_DENY, BT_SOURCE_SELF, N_("nothing is loaded from where it lies"));
  self->verdict->object = g_strdup(path);
  set_suggestion(self, bt_suggest_path(BT_KIND_FFI, path));
  return TRUE;
}

/* A rule for its directory shows nothing of a socket; one for itself does, if it can be shown. */
static void
settle_unseen(Check *self, const char *path)
{
  set_verdict(self, bt_policy_check_path(self->policy, path, BT_FS_READ_FILE));
  if (is_default(self) || self->verdict->action != BT_ACTION_DENY)
    override(self, BT_ACTION_DENY, BT_SOURCE_BUILT_IN,
             N_("not seen: its own path grants and shows it"));
  else
    override(self, BT_ACTION_DENY, BT_SOURCE_SELF, N_("hidden by a rule that denies to read it"));
}

static gboolean
check_unix(Check *self, const char *value, GError **error)
{
  g_autofree char *path = real_path(self, value, error);

  if (path == NULL || !look(self, path, error))
    return FALSE;
  set_verdict(self, bt_policy_check_unix(self->policy, path));
  if (self->verdict->action != BT_ACTION_DENY && !is_flat(self) && !self->look.host)
    settle_unseen(self, path);
  self->verdict->object = g_strdup(path);
  set_suggestion(self, bt_suggest_path(BT_KIND_UNIX, path));
  return TRUE;
}

static gboolean
check_sys(Check *self, const char *value, GError **error)
{
  GError *cause = NULL;
  BtSys kind = bt_sys_parse(value, BT_ACTION_ALLOW, &cause);

  if (kind == 0)
    return bt_fail_for(error, BUNTIME_ERROR_USAGE, value, cause);
  if (!look(self, NULL, error))
    return FALSE;
  set_verdict(self, bt_policy_check_sys(self->policy, kind));
  if ((kind & BT_SYS_HIDDEN) == 0)
    override(self, BT_ACTION_ALLOW, BT_SOURCE_BUILT_IN,
             N_("the kernel tells this to every process"));
  else if (kind == BT_SYS_HOSTNAME && is_flat(self))
    override(self, BT_ACTION_ALLOW, BT_SOURCE_BUILT_IN, N_("not hidden without namespaces"));
  self->verdict->object = g_strdup(value);
  set_suggestion(self, g_strconcat("--allow-sys=", value, NULL));
  return TRUE;
}

/* The gate's own word, which stands above every rule. */
static void
settle_net(Check *self, const BtNetItem *item, guint proto, guint16 port)
{
  const char *reason = item->host == NULL
                         ? bt_net_closed_reason(&self->look.net, &item->addr, proto, port)
                       : bt_net_is_service(proto, port) ? bt_net_reason_text(BT_NET_REASON_SERVICE)
                                                        : NULL;
  if (is_flat(self) && proto != BT_PROTO_TCP)
    reason = "without namespaces there is TCP alone";
  if (self->verdict->action != BT_ACTION_DENY && reason != NULL)
    override(self, BT_ACTION_DENY, BT_SOURCE_SELF, reason);
}

/* What a grant of a name holds, and what it does not. */
static const char *
note_of(Check *self, const BtNetItem *item, const BtOrigin *origin, guint proto)
{
  GPtrArray *rules = bt_policy_get_net_items(self->policy);

  for (guint i = 0; item->host != NULL && i < rules->len; i++) {
    const BtNetItem *rule = g_ptr_array_index(rules, i);
    if (&rule->rule.origin != origin || rule->host == NULL)
      continue;
    if (is_flat(self))
      return N_("held by the name's addresses alone: without namespaces no bytes are looked at");
    if ((rule->flags & BT_NET_RULE_PLAIN) != 0)
      return N_("held by the name's addresses alone: \"inspect\" is false");
    if (proto == BT_PROTO_UDP)
      return N_("held by the name's addresses alone; QUIC to port 443 is refused");
    return N_(
      "TLS and HTTP must ask for this name; other protocols are held by its addresses alone");
  }
  return NULL;
}

static gboolean
is_loopback(const BtNetItem *item)
{
  return (item->flags & BT_NET_RULE_LOOPBACK) != 0;
}

/* All of IPv4's that is written as one, localhost among it, is asked about as 127.0.0.1. */
static void
settle_loopback_address(BtNetItem *item)
{
  if (!is_loopback(item) || item->prefix == 128)
    return;
  bt_addr_parse("127.0.0.1", &item->addr);
  item->prefix = 128;
}

/* Is each port that is asked about one of the rule's? */
static gboolean
covers_ports(const BtNetItem *rule, const BtNetItem *item)
{
  for (guint i = 0; i < item->ports->len; i++) {
    const BtPortRange *asked = &g_array_index(item->ports, BtPortRange, i);
    gboolean covered = FALSE;
    for (guint j = 0; j < rule->ports->len; j++) {
      const BtPortRange *range = &g_array_index(rule->ports, BtPortRange, j);
      covered |= range->first <= asked->first && asked->last <= range->last;
    }
    if (!covered)
      return FALSE;
  }
  return TRUE;
}

/* Does a rule name the port, so that the program cannot listen there (plan/bt-plan-relays.c)? */
static gboolean
names_port(Check *self, const BtNetItem *item)
{
  GPtrArray *rules = bt_policy_get_net_items(self->policy);

  for (guint i = 0; i < rules->len; i++) {
    const BtNetItem *rule = g_ptr_array_index(rules, i);
    if (is_loopback(rule) && rule->rule.action != BT_ACTION_DENY && rule->ports->len > 0 &&
        bt_addr_in(&item->addr, &rule->addr, rule->prefix) && covers_ports(rule, item))
      return TRUE;
  }
  return FALSE;
}

/* A relay of buntime's leads there, or the fast path. */
static void
settle_loopback(Check *self, const BtNetItem *item, guint proto)
{
  char text[BT_ADDR_TEXT_SIZE];
  const char *address = bt_addr_format(&item->addr, text);
  gboolean reached = proto == BT_PROTO_TCP &&
                     (strcmp(address, "127.0.0.1") == 0 || strcmp(address, "::1") == 0);
  gboolean relayed = reached && item->ports->len > 0 && names_port(self, item);

  if (self->verdict->action != BT_ACTION_DENY &&
      !(relayed || (reached && self->look.fast_path)))
    override(self, BT_ACTION_DENY, BT_SOURCE_SELF,
             N_("of the host's loopback only ports that are named are reached, by TCP, at "
                "127.0.0.1 and ::1"));
  if (self->verdict->action == BT_ACTION_DENY)
    self->verdict->note =
      N_("inside, this is the program's own loopback: it reaches there what it serves itself");
  else if (relayed)
    self->verdict->note = N_("this is the host's; the program cannot listen there itself");
  else
    self->verdict->note = N_("this is the host's, where the program serves nothing there itself");
}

static gboolean
is_one_host(const BtNetItem *item)
{
  return item->host != NULL ? !item->below
                            : item->prefix == 128 || (item->flags & BT_NET_RULE_LOOPBACK) != 0;
}

static gboolean
check_net(Check *self, const char *value, GError **error)
{
  g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func((GDestroyNotify)bt_net_item_free);
  guint proto = BT_PROTO_TCP;
  guint16 port = 0;

  if (!bt_net_item_parse_list(value, BT_ACTION_ALLOW, items, NULL, error))
    return FALSE;
  BtNetItem *item = g_ptr_array_index(items, 0);
  if (!is_one_host(item))
    return bt_fail(error, BUNTIME_ERROR_USAGE, value, _("more than one host"),
                   _("write one name or address, like github.com:443"));
  if (!look(self, NULL, error))
    return FALSE;
  settle_loopback_address(item);
  BtVerdict verdict = bt_policy_check_net_item(self->policy, item, &proto, &port);
  set_verdict(self, verdict);
  settle_net(self, item, proto, port);
  if (self->verdict->action != BT_ACTION_DENY)
    self->verdict->note = note_of(self, item, verdict.origin, proto);
  if (is_loopback(item) && !is_flat(self))
    settle_loopback(self, item, proto);
  self->verdict->object = g_strdup(value);
  gboolean every = item->ports->len == 0;
  BtFlowWords words = { .name = item->host };
  set_suggestion(self, bt_net_suggest_flow(&words, &item->addr, proto, every ? 0 : port));
  return TRUE;
}

static gboolean
check(Check *self, const char *value, GError **error)
{
  switch (self->verdict->kind) {
  case BT_KIND_NET:
    return check_net(self, value, error);
  case BT_KIND_READ:
  case BT_KIND_WRITE:
    return check_file(self, value, error);
  case BT_KIND_RUN:
    return check_run(self, value, error);
  case BT_KIND_ENV:
    return check_env(self, value, error);
  case BT_KIND_UNIX:
    return check_unix(self, value, error);
  case BT_KIND_FFI:
    return check_ffi(self, value, error);
  case BT_KIND_SYS:
    return check_sys(self, value, error);
  case BT_N_KINDS:
    break;
  }
  return FALSE;
}

BuntimeVerdict *
buntime_policy_check(BuntimePolicy *policy, BuntimePermission permission, const char *value,
                     GError **error)
{
  static const BtKind kinds[] = {
    [BUNTIME_PERMISSION_NET] = BT_KIND_NET,     [BUNTIME_PERMISSION_READ] = BT_KIND_READ,
    [BUNTIME_PERMISSION_WRITE] = BT_KIND_WRITE, [BUNTIME_PERMISSION_RUN] = BT_KIND_RUN,
    [BUNTIME_PERMISSION_ENV] = BT_KIND_ENV,     [BUNTIME_PERMISSION_UNIX] = BT_KIND_UNIX,
    [BUNTIME_PERMISSION_FFI] = BT_KIND_FFI,     [BUNTIME_PERMISSION_SYS] = BT_KIND_SYS,
  };
  g_auto(GStrv) environment = g_get_environ();

  g_return_val_if_fail(permission < G_N_ELEMENTS(kinds), NULL);
  if (value == NULL || value[0] == '\0') {
    bt_fail(error, BUNTIME_ERROR_USAGE, "check", _("an empty value"), NULL);
    return NULL;
  }
  g_autoptr(BtPolicy) rules = bt_policy_object_settle(policy, NULL, error);
  if (rules == NULL)
    return NULL;
  BuntimeVerdict *verdict = g_new0(BuntimeVerdict, 1);
  verdict->kind = kinds[permission];
  Check self = {
    .policy = rules,
    .cwd = policy->cwd,
    .home = policy->home,
    .verdict = verdict,
    .request = {
      .policy = rules,
      .worker = BT_WORKER_PYTHON,
      .cwd = policy->cwd,
      .home = policy->home,
      .user_name = "user",
      .environment = (const char *const *)environment,
      .uid = geteuid(),
      .gid = getegid(),
      .net_mode = BT_PLAN_NET_AUTO,
      .fast_path = TRUE,
      .ipv6 = bt_host_has_ipv6(),
      .terminal_fd = -1,
    },
  };
  if (check(&self, value, error))
    return verdict;
  buntime_verdict_free(verdict);
  return NULL;
}

BtAction
bt_check_question(const BtCheckFacts *facts, BtKind kind, gboolean folder, const char *value)
{
  BuntimeVerdict *verdict = g_new0(BuntimeVerdict, 1);
  Check self = {
    .policy = facts->policy,
    .cwd = facts->cwd,
    .home = facts->home,
    .places = facts->places,
    .folder = folder,
    .verdict = verdict,
    .request = { .policy = facts->policy },
  };

  verdict->kind = kind;
  BtAction action = value[0] != '\0' && check(&self, value, NULL) ? verdict->action : BT_ACTION_DENY;
  buntime_verdict_free(verdict);
  return action;
}
