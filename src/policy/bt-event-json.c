/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events as lines of JSON, described by data/schema/event.schema.json. The
 * first four keys are those of Deno's audit log, so that its tools read ours.
 */
#include <string.h>
#include <time.h>

#include "policy/bt-event.h"
#include "policy/bt-json-writer.h"
#include "policy/bt-reason.h"

#define EVENT_VERSION 1

static void
put_datetime(BtJsonWriter *json, gint64 time_us)
{
  time_t seconds = (time_t)(time_us / G_USEC_PER_SEC);
  char day[32] = "", text[48];
  struct tm utc;

  if (gmtime_r(&seconds, &utc) != NULL)
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &utc);
  g_snprintf(text, sizeof text, "%s.%03dZ", day, (int)(time_us % G_USEC_PER_SEC / 1000));
  bt_json_put_string(json, "datetime", text);
}

/* Deno's word for the permission, and what it was asked about. */
static void
put_permission(BtJsonWriter *json, const BtEvent *event)
{
  gboolean net = event->kind == BT_EVENT_NET || event->kind == BT_EVENT_DNS;
  const char *protocol = net && event->object != NULL ? strstr(event->object, " (") : NULL;

  bt_json_put_string(json, "permission",
                     bt_event_kind_word(net ? BT_EVENT_NET : event->kind));
  if (event->kind == BT_EVENT_LIMIT || event->kind == BT_EVENT_STATE || event->object == NULL)
    bt_json_put_null(json, "value");
  else if (protocol != NULL)
    bt_json_put_bytes(json, "value", event->object, protocol - event->object);
  else
    bt_json_put_string(json, "value", event->object);
}

static const char *
action_word(const BtEvent *event)
{
  if (event->state != NULL)
    return event->state;
  switch (event->action) {
  case BT_ACTION_DENY:
    return "deny";
  case BT_ACTION_WARN:
    return "warn";
  default:
    return "allow";
  }
}

void
bt_origin_put_json(const BtOrigin *rule, BtJsonWriter *json)
{
  if (rule->text == NULL) {
    bt_json_put_null(json, "rule");
    return;
  }
  bt_json_begin_object(json, "rule");
  bt_json_put_string(json, "source", rule->source);
  if (rule->line > 0)
    bt_json_put_int(json, "line", rule->line);
  else
    bt_json_put_null(json, "line");
  bt_json_put_string(json, "text", rule->text);
  bt_json_end(json);
}

/* A peer that was taken over may count what it likes. */
static void
put_count(BtJsonWriter *json, const char *key, guint64 count)
{
  bt_json_put_int(json, key, (gint64)MIN(count, G_MAXINT64));
}

static void
put_counts(BtJsonWriter *json, const BtEvent *event)
{
  bt_json_begin_object(json, "network");
  put_count(json, "flows", event->flows);
  put_count(json, "bytesOut", event->bytes_out);
  put_count(json, "bytesIn", event->bytes_in);
  put_count(json, "dropped", event->dropped);
  put_count(json, "queries", event->queries);
  bt_json_end(json);
}

static void
put_time(BtJsonWriter *json, const char *key, gint64 milliseconds)
{
  if (milliseconds >= 0)
    bt_json_put_int(json, key, milliseconds);
}

/* Of a flow its number, and once it is closed what became of it. */
static void
put_flow(BtJsonWriter *json, const BtEvent *event)
{
  put_count(json, "flow", event->flow);
  if (event->duration < 0)
    return;
  put_time(json, "duration", event->duration);
  put_time(json, "connect", event->times.connect);
  put_time(json, "sent", event->times.sent);
  put_time(json, "tls", event->times.tls);
  put_time(json, "firstByte", event->times.first_byte);
  put_count(json, "bytesOut", event->bytes_out);
  put_count(json, "bytesIn", event->bytes_in);
}

static void
put_look_up(BtJsonWriter *json, const BtEvent *event)
{
  put_time(json, "duration", event->duration);
  if (event->addresses == NULL)
    return;
  bt_json_begin_array(json, "addresses");
  for (char **address = event->addresses; *address != NULL; address++)
    bt_json_put_string(json, NULL, *address);
  bt_json_end(json);
}

void
bt_event_append_json(const BtEvent *event, const char *worker, GString *text)
{
  BtJsonWriter json = BT_JSON_WRITER_INIT(text, 0);
  const char *program = event->program;
  g_autofree char *reason = bt_reason_say(event->reason, FALSE);

  bt_json_begin_object(&json, NULL);
  bt_json_put_int(&json, "v", EVENT_VERSION);
  put_datetime(&json, event->time);
  put_permission(&json, event);
  bt_json_put_int(&json, "time", event->time / 1000);
  bt_json_put_string(&json, "worker", worker);
  if (event->pid > 0)
    bt_json_put_int(&json, "pid", event->pid);
  else
    bt_json_put_null(&json, "pid");
  bt_json_put_string(&json, "program", program != NULL && program[0] != '\0' ? program : NULL);
  bt_json_put_string(&json, "kind", bt_event_kind_word(event->kind));
  bt_json_put_string(&json, "action", action_word(event));
  bt_json_put_string(&json, "object", event->object);
  bt_json_put_string(&json, "host", event->host);
  bt_json_put_string(&json, "reason", reason);
  bt_origin_put_json(&event->rule, &json);
  bt_json_put_string(&json, "suggestion",
                     event->action == BT_ACTION_DENY ? event->suggestion : NULL);
  if (event->wider && event->action == BT_ACTION_DENY && event->suggestion != NULL)
    bt_json_put_bool(&json, "wider", TRUE);
  bt_json_put_int(&json, "count", event->count);
  bt_json_put_bool(&json, "observed", event->observed);
  if (event->flow > 0)
    put_flow(&json, event);
  if (event->kind == BT_EVENT_DNS)
    put_look_up(&json, event);
  if (event->exit_status >= 0)
    bt_json_put_int(&json, "exit", event->exit_status);
  if (event->counted)
    put_counts(&json, event);
  bt_json_end(&json);
  g_string_append_c(text, '\n');
}
