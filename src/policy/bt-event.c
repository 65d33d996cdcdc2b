/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events as text. Everything in one may come from a worker: it is made safe
 * here, at the moment it becomes text, so that no caller can forget to.
 */
#include "policy/bt-event.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "policy/bt-path.h"
#include "policy/bt-policy-private.h"
#include "policy/bt-reason.h"

static const char *const kind_words[BT_N_EVENTS] = {
  [BT_EVENT_NET] = "net", [BT_EVENT_READ] = "read",   [BT_EVENT_WRITE] = "write",
  [BT_EVENT_RUN] = "run", [BT_EVENT_ENV] = "env",     [BT_EVENT_UNIX] = "unix",
  [BT_EVENT_FFI] = "ffi", [BT_EVENT_SYS] = "sys",     [BT_EVENT_DNS] = "dns",
  [BT_EVENT_LIMIT] = "limit", [BT_EVENT_STATE] = "state",
};

BtEvent *
bt_event_new(BtEventKind kind, BtAction action)
{
  BtEvent *event = g_new0(BtEvent, 1);
  event->time = g_get_real_time();
  event->kind = kind;
  event->action = action;
  event->count = 1;
  event->duration = -1;
  event->times = (BtEventTimes){ -1, -1, -1, -1 };
  event->exit_status = -1;
  return event;
}

BtEvent *
bt_event_new_state(const char *state)
{
  BtEvent *event = bt_event_new(BT_EVENT_STATE, BT_ACTION_NONE);
  event->state = state;
  return event;
}

BtEvent *
bt_event_new_limit(BtPolicy *policy, BtLimit limit, const char *reason)
{
  BtEvent *event = bt_event_new(BT_EVENT_LIMIT, BT_ACTION_DENY);
  const BtOrigin *origin;
  guint64 value;

  event->object = g_strdup(bt_limit_key(limit));
  event->reason = g_strdup(reason);
  if (bt_policy_get_limit(policy, limit, &value, &origin)) {
    bt_event_set_rule(event, origin);
    event->suggestion = bt_suggest_limit(limit, value);
  }
  return event;
}

BtEvent *
bt_event_copy(const BtEvent *from)
{
  BtEvent *event = g_memdup2(from, sizeof *from);

  event->object = g_strdup(from->object);
  event->host = g_strdup(from->host);
  event->reason = g_strdup(from->reason);
  event->program = g_strdup(from->program);
  event->suggestion = g_strdup(from->suggestion);
  event->addresses = g_strdupv(from->addresses);
  bt_origin_init(&event->rule, from->rule.source, from->rule.line, from->rule.text);
  return event;
}

void
bt_event_free(BtEvent *event)
{
  g_free(event->object);
  g_free(event->reason);
  g_free(event->host);
  g_free(event->program);
  bt_origin_clear(&event->rule);
  g_free(event->suggestion);
  g_strfreev(event->addresses);
  g_free(event);
}

void
bt_event_set_rule(BtEvent *event, const BtOrigin *origin)
{
  bt_origin_clear(&event->rule);
  if (origin != NULL)
    bt_origin_init(&event->rule, origin->source, origin->line, origin->text);
}

const char *
bt_event_kind_word(BtEventKind kind)
{
  return kind_words[kind];
}

static const char *
source_word(const char *source)
{
  if (strcmp(source, BT_SOURCE_FLAGS) == 0)
    return _("command line");
  if (strcmp(source, BT_SOURCE_VARIABLES) == 0)
    return _("environment");
  return strcmp(source, BT_SOURCE_BUILT_IN) == 0 ? _("built-in") : source;
}

/* What buntime says of its own rules is a text for people; what the user wrote stays as it is. */
char *
bt_origin_format(const BtOrigin *origin)
{
  gboolean own = strcmp(origin->source, BT_SOURCE_BUILT_IN) == 0 ||
                 strcmp(origin->source, BT_SOURCE_SELF) == 0;

  if (origin->line > 0)
    return g_strdup_printf("%s:%u: %s", origin->source, origin->line, origin->text);
  return g_strdup_printf("%s (%s)", own ? g_dgettext(GETTEXT_PACKAGE, origin->text) : origin->text,
                         source_word(origin->source));
}

gboolean
bt_origin_yields_to_flags(const BtOrigin *origin)
{
  return origin->line > 0 || (strcmp(origin->source, BT_SOURCE_FLAGS) != 0 &&
                              strcmp(origin->source, BT_SOURCE_SELF) != 0);
}

gboolean
bt_text_is_deceptive(gunichar c)
{
  return (c >= 0x80 && c <= 0x9f) ||     /* C1: 0x9b starts a control sequence */
         c == 0x61c ||                   /* Arabic letter mark */
         (c >= 0x200b && c <= 0x200f) || /* zero width, direction marks */
         (c >= 0x2028 && c <= 0x202e) || /* line separators, bidi embedding and override */
         (c >= 0x2060 && c <= 0x206f) || /* invisible operators, bidi isolates */
         c == 0xfeff ||                  /* zero width no-break space */
         (c >= 0xe0000 && c <= 0xe007f); /* tags */
}

char *
bt_text_neutralise(const char *text, gssize length)
{
  gsize size = length < 0 ? strlen(text) : (gsize)length;
  GString *safe = g_string_sized_new(size + 1);

  for (gsize i = 0; i < size;) {
    guchar byte = (guchar)text[i];
    if (byte < 0x80) {
      if (byte < 0x20 || byte == 0x7f)
        g_string_append_printf(safe, "\\x%02x", byte);
      else
        g_string_append_c(safe, (char)byte);
      i++;
      continue;
    }
    gunichar c = g_utf8_get_char_validated(text + i, (gssize)(size - i));
    if (c == (gunichar)-1 || c == (gunichar)-2) {
      g_string_append_printf(safe, "\\x%02x", byte);
      i++;
      continue;
    }
    if (bt_text_is_deceptive(c))
      g_string_append_printf(safe, "\\u{%x}", c);
    else
      g_string_append_unichar(safe, c);
    i += (gsize)(g_utf8_next_char(text + i) - (text + i));
  }
  return g_string_free(safe, FALSE);
}

static void
append_safe(GString *text, const char *before, const char *unsafe, const char *after)
{
  if (unsafe == NULL)
    return;
  g_autofree char *safe = bt_text_neutralise(unsafe, -1);
  g_string_append(text, before);
  g_string_append(text, safe);
  g_string_append(text, after);
}

static void
append_process(GString *text, const BtEvent *event)
{
  g_autoptr(GString) process = g_string_new(NULL);

  if (event->program != NULL && event->program[0] != '\0')
    append_safe(process, "", event->program, "");
  else if (event->pid > 0)
    g_string_append_c(process, '?');
  if (event->pid > 0)
    g_string_append_printf(process, "[%d]", (int)event->pid);
  /* Translators: of what was refused: " by python3[12]"; no more than brackets if that reads better. */
  if (process->len > 0)
    g_string_append_printf(text, _(" by %s"), process->str);
}

static char *
rule_of(const BtEvent *event)
{
  g_autofree char *unsafe = event->rule.text != NULL ? bt_origin_format(&event->rule) : NULL;
  return unsafe != NULL ? bt_text_neutralise(unsafe, -1) : NULL;
}

static const char *
action_word(const BtEvent *event)
{
  switch (event->action) {
  case BT_ACTION_DENY:
    return _("denied");
  case BT_ACTION_WARN:
    return _("warned");
  default:
    return _("allowed");
  }
}

char *
bt_event_format(const BtEvent *event)
{
  gboolean denied = event->action == BT_ACTION_DENY;
  g_autofree char *rule = rule_of(event);
  g_autofree char *reason = bt_reason_say(event->reason, TRUE);
  g_autofree char *suggestion =
    event->suggestion != NULL ? bt_text_neutralise(event->suggestion, -1) : NULL;
  GString *text = g_string_new("buntime: ");

  if (event->kind == BT_EVENT_LIMIT)
    g_string_append(text, _("limit"));
  else if (event->kind == BT_EVENT_STATE)
    g_string_append(text, event->state);
  else
    g_string_append_printf(text, "%s %s", action_word(event), kind_words[event->kind]);
  append_safe(text, " ", event->object, "");
  append_process(text, event);
  append_safe(text, ": ", reason, "");
  if (event->count > 1)
    g_string_append_printf(
      text, g_dngettext(GETTEXT_PACKAGE, " (%u time)", " (%u times)", event->count), event->count);
  g_string_append_c(text, '\n');
  /* What was allowed is one line: there may be many. */
  if (event->action != BT_ACTION_ALLOW && rule != NULL)
    g_string_append_printf(text, _("  rule:  %s\n"), rule);
  if (denied && suggestion != NULL)
    g_string_append_printf(text, _("  allow: %s\n"), suggestion);
  if (denied && suggestion != NULL && event->wider)
    g_string_append_printf(text, _("  note:  %s\n"), _("this permits more than what was denied"));
  return g_string_free(text, FALSE);
}

/* Quotes for a POSIX shell where needed. */
static void
append_quoted(GString *text, const char *value)
{
  static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             "_@%+:,./-";

  if (value[strspn(value, safe)] == '\0') {
    g_string_append(text, value);
    return;
  }
  g_string_append_c(text, '\'');
  for (const char *c = value; *c != '\0'; c++) {
    if (*c == '\'')
      g_string_append(text, "'\\''");
    else
      g_string_append_c(text, *c);
  }
  g_string_append_c(text, '\'');
}

/* NULL: no flag would help. */
static GString *
suggest_path(BtKind kind, const char *path)
{
  g_autofree char *safe = bt_text_neutralise(path, -1);
  g_autoptr(GString) value = g_string_new(NULL);

  /* What cannot be shown cannot be pasted either. */
  if (path[0] == '\0' || strcmp(safe, path) != 0)
    return NULL;
  /* No flag would help. */
  if (kind != BT_KIND_UNIX && kind != BT_KIND_ENV && bt_path_is_never(path))
    return NULL;
  for (const char *c = path; *c != '\0'; c++) {
    /* Lists are split at commas; a "?" is the narrowest that covers a star in a name. */
    if (*c == ',' && kind != BT_KIND_ENV)
      g_string_append(value, ",,");
    else
      g_string_append_c(value, *c == '*' ? '?' : *c);
  }
  GString *flag = g_string_new("--allow-");
  g_string_append_printf(flag, "%s=", kind_words[kind]);
  append_quoted(flag, value->str);
  return flag;
}

char *
bt_suggest_path(BtKind kind, const char *path)
{
  GString *flag = suggest_path(kind, path);

  return flag != NULL ? g_string_free(flag, FALSE) : NULL;
}

char *
bt_suggest_flat_path(BtKind kind, const char *path)
{
  GString *flag = NULL;

  if (strcmp(path, "/tmp") != 0)
    flag = suggest_path(kind, path);
  return flag != NULL ? g_string_free(flag, FALSE) : NULL;
}

char *
bt_suggest_net(const char *host_or_addr, guint proto, guint16 port)
{
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:";
  gboolean v6 = strchr(host_or_addr, ':') != NULL;
  gboolean icmp = proto == BT_PROTO_ICMP;

  if (host_or_addr[0] == '\0' || host_or_addr[strspn(host_or_addr, plain)] != '\0')
    return NULL;
  GString *flag = g_string_new("--allow-net=");
  /* Without brackets the last group of an IPv6 address reads as a port to people. */
  gboolean with_port = port != 0 && !icmp;
  g_autoptr(GString) item = g_string_new(NULL);
  g_string_append_printf(item, v6 && with_port ? "[%s]" : "%s", host_or_addr);
  if (with_port)
    g_string_append_printf(item, ":%u", port);
  if (icmp)
    g_string_append(item, "/any");
  else if (proto == BT_PROTO_UDP)
    g_string_append(item, "/udp");
  /* To zsh brackets are a pattern, which has to match a file. */
  append_quoted(flag, item->str);
  return g_string_free(flag, FALSE);
}
