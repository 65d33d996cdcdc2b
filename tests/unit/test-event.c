/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "policy/bt-event.h"
#include "policy/bt-reason.h"

static void
test_shape(void)
{
  g_autoptr(BtEvent) event = bt_event_new(BT_EVENT_NET, BT_ACTION_DENY);
  BtOrigin origin = { (char *)"built-in", 0, (char *)"defaults.net = deny" };

  event->object = g_strdup("api.example.com:443 (tcp)");
  event->program = g_strdup("python3");
  event->pid = 7;
  bt_event_set_rule(event, &origin);
  event->suggestion = bt_suggest_net("api.example.com", BT_PROTO_TCP, 443);
  g_autofree char *text = bt_event_format(event);
  g_assert_cmpstr(text, ==,
                  "buntime: denied net api.example.com:443 (tcp) by python3[7]\n"
                  "  rule:  defaults.net = deny (built-in)\n"
                  "  allow: --allow-net=api.example.com:443\n");
}

static const struct {
  BtEventKind kind;
  BtAction action;
  const char *object, *reason, *program;
  pid_t pid;
  const char *rule, *suggestion;
  guint count;
  const char *text;
} events[] = {
  { BT_EVENT_READ, BT_ACTION_DENY, "/a", NULL, NULL, 0, "r", NULL, 1,
    "buntime: denied read /a\n  rule:  r (s)\n" },
  { BT_EVENT_RUN, BT_ACTION_DENY, "/a", NULL, "sh", 2, "r", "s", 3,
    "buntime: denied run /a by sh[2] (3 times)\n  rule:  r (s)\n  allow: s\n" },
  { BT_EVENT_WRITE, BT_ACTION_WARN, "/a", NULL, "sh", 2, "r", "s", 1,
    "buntime: warned write /a by sh[2]\n  rule:  r (s)\n" },
  { BT_EVENT_UNIX, BT_ACTION_DENY, "/a", "why", NULL, 2, "r", NULL, 2,
    "buntime: denied unix /a by ?[2]: why (2 times)\n  rule:  r (s)\n" },
  { BT_EVENT_ENV, BT_ACTION_DENY, "A", "why", "", 0, NULL, NULL, 1, "buntime: denied env A: why\n" },
  /* A worker's words cannot make lines of their own, nor colours. */
  { BT_EVENT_NET, BT_ACTION_DENY, "a\n  allow: -A\x1b[31m", "x\x07", "p\r[1]\n", 1, "f\x7f:1",
    "\x9b", 1,
    "buntime: denied net a\\x0a  allow: -A\\x1b[31m by p\\x0d[1]\\x0a[1]: x\\x07\n"
    "  rule:  f\\x7f:1 (s)\n  allow: \\x9b\n" },
};

static void
test_events(gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE(data);
  g_autoptr(BtEvent) event = bt_event_new(events[i].kind, events[i].action);

  g_assert_cmpuint(event->count, ==, 1);
  event->object = g_strdup(events[i].object);
  event->reason = g_strdup(events[i].reason);
  event->program = g_strdup(events[i].program);
  event->pid = events[i].pid;
  BtOrigin origin = { (char *)"s", 0, (char *)events[i].rule };
  bt_event_set_rule(event, events[i].rule != NULL ? &origin : NULL);
  event->suggestion = g_strdup(events[i].suggestion);
  event->count = events[i].count;
  g_autofree char *text = bt_event_format(event);
  g_assert_cmpstr(text, ==, events[i].text);
}

/* One of each shape, as programs read it. */
static void
test_json(void)
{
  BtOrigin origin = { (char *)"p.json", 12, (char *)"net.rules[3]" };
  g_autoptr(BtEvent) net = bt_event_new(BT_EVENT_NET, BT_ACTION_DENY);
  g_autoptr(BtEvent) read = bt_event_new(BT_EVENT_READ, BT_ACTION_ALLOW);
  g_autoptr(BtEvent) end = bt_event_new_state("exited");
  g_autoptr(GString) text = g_string_new(NULL);

  net->time = 1764048829123456;
  net->object = g_strdup("a.example:443 (tcp)");
  net->host = g_strdup("a.example");
  net->program = g_strdup("p\"\n\x1b\xff");
  net->pid = 7;
  net->suggestion = g_strdup("--allow-net=a.example:443");
  net->count = 3;
  bt_event_set_rule(net, &origin);
  read->time = 0;
  read->object = g_strdup("/a\nb");
  read->observed = TRUE;
  end->time = 1000;
  end->object = g_strdup("w.py");
  end->exit_status = 7;
  bt_event_append_json(net, "w.py-1", text);
  bt_event_append_json(read, "w.py-1", text);
  bt_event_append_json(end, "w.py-1", text);
  g_assert_cmpstr(
    text->str, ==,
    "{\"v\":1,\"datetime\":\"2025-11-25T05:33:49.123Z\",\"permission\":\"net\","
    "\"value\":\"a.example:443\",\"time\":1764048829123,\"worker\":\"w.py-1\",\"pid\":7,"
    "\"program\":\"p\\\"\\n\\u001b\xef\xbf\xbd\",\"kind\":\"net\",\"action\":\"deny\","
    "\"object\":\"a.example:443 (tcp)\",\"host\":\"a.example\",\"reason\":null,"
    "\"rule\":{\"source\":\"p.json\",\"line\":12,\"text\":\"net.rules[3]\"},"
    "\"suggestion\":\"--allow-net=a.example:443\",\"count\":3,\"observed\":false}\n"
    "{\"v\":1,\"datetime\":\"1970-01-01T00:00:00.000Z\",\"permission\":\"read\","
    "\"value\":\"/a\\nb\",\"time\":0,\"worker\":\"w.py-1\",\"pid\":null,\"program\":null,"
    "\"kind\":\"read\",\"action\":\"allow\",\"object\":\"/a\\nb\",\"host\":null,\"reason\":null,"
    "\"rule\":null,\"suggestion\":null,\"count\":1,\"observed\":true}\n"
    "{\"v\":1,\"datetime\":\"1970-01-01T00:00:00.001Z\",\"permission\":\"state\","
    "\"value\":null,\"time\":1,\"worker\":\"w.py-1\",\"pid\":null,\"program\":null,"
    "\"kind\":\"state\",\"action\":\"exited\",\"object\":\"w.py\",\"host\":null,"
    "\"reason\":null,\"rule\":null,\"suggestion\":null,\"count\":1,\"observed\":false,"
    "\"exit\":7}\n");
}

/* From the object on, without the rest that all have. */
static char *
tail_of(const BtEvent *event)
{
  g_autoptr(GString) text = g_string_new(NULL);
  static const char common[] = "\"observed\":false";

  bt_event_append_json(event, "w", text);
  const char *tail = strstr(text->str, common);
  g_assert_nonnull(tail);
  return g_strdup(tail + sizeof common - 1);
}

/* Times and bytes are of what has ended, and only those that are known. */
static void
test_json_of_flows(void)
{
  g_autoptr(BtEvent) flow = bt_event_new(BT_EVENT_NET, BT_ACTION_ALLOW);
  g_autoptr(BtEvent) name = bt_event_new(BT_EVENT_DNS, BT_ACTION_ALLOW);
  g_autofree char *plain = tail_of(flow), *asked = tail_of(name);

  g_assert_cmpstr(plain, ==, "}\n");
  g_assert_cmpstr(asked, ==, "}\n");
  flow->state = "opened";
  flow->flow = 3;
  g_autofree char *opened = tail_of(flow);
  g_assert_cmpstr(opened, ==, ",\"flow\":3}\n");
  flow->state = "closed";
  flow->duration = 12;
  flow->bytes_in = G_MAXUINT64;
  g_autofree char *closed = tail_of(flow);
  g_assert_cmpstr(closed, ==, ",\"flow\":3,\"duration\":12,\"bytesOut\":0,"
                              "\"bytesIn\":9223372036854775807}\n");
  flow->times = (BtEventTimes){ 0, 1, 2, 3 };
  g_autofree char *timed = tail_of(flow);
  g_assert_nonnull(strstr(timed, "\"duration\":12,\"connect\":0,\"sent\":1,\"tls\":2,"
                                 "\"firstByte\":3,\"bytesOut\""));
  name->duration = 7;
  name->addresses = g_strsplit("192.0.2.1 2001:db8::1", " ", -1);
  g_autoptr(BtEvent) copy = bt_event_copy(name);
  g_autofree char *answered = tail_of(copy);
  g_assert_cmpstr(answered, ==,
                  ",\"duration\":7,\"addresses\":[\"192.0.2.1\",\"2001:db8::1\"]}\n");
  g_clear_pointer(&name->addresses, g_strfreev);
  name->addresses = g_strsplit("", " ", -1);
  g_autofree char *nothing = tail_of(name);
  g_assert_cmpstr(nothing, ==, ",\"duration\":7,\"addresses\":[]}\n");
}

static const struct {
  const char *text;
  gssize length;
  const char *safe;
} neutral[] = {
  { "plain text/~", -1, "plain text/~" },
  { "", -1, "" },
  { "a\0b", 3, "a\\x00b" },
  { "\t\n\x1b]0;x\x07", -1, "\\x09\\x0a\\x1b]0;x\\x07" },
  { "\x7f", -1, "\\x7f" },
  { "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", -1, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
  { "\xc2\x9b"
    "31m",
    -1, "\\u{9b}31m" },
  { "\x9b"
    "31m",
    -1, "\\x9b31m" },
  { "\xff\xc3", -1, "\\xff\\xc3" },
  { "\xc3\xa9", 1, "\\xc3" },
  { "\xc0\xaf", -1, "\\xc0\\xaf" },
  { "a\xe2\x80\xae"
    "b",
    -1, "a\\u{202e}b" },
  { "\xe2\x81\xa6\xe2\x80\x8b\xd8\x9c", -1, "\\u{2066}\\u{200b}\\u{61c}" },
  { "\xed\xa0\x80", -1, "\\xed\\xa0\\x80" },
};

static void
test_neutralise(gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE(data);
  g_autofree char *safe = bt_text_neutralise(neutral[i].text, neutral[i].length);
  g_assert_cmpstr(safe, ==, neutral[i].safe);
}

static const struct {
  BtKind kind;
  const char *path, *flag;
} suggest_paths[] = {
  { BT_KIND_READ, "/etc/shadow", "--allow-read=/etc/shadow" },
  { BT_KIND_WRITE, "/a b", "--allow-write='/a b'" },
  { BT_KIND_RUN, "/a,b", "--allow-run=/a,,b" },
  { BT_KIND_UNIX, "/it's", "--allow-unix='/it'\\''s'" },
  { BT_KIND_READ, "/$(id)", "--allow-read='/$(id)'" },
  { BT_KIND_READ, "/a*b", "--allow-read='/a?b'" },
  { BT_KIND_ENV, "HOME", "--allow-env=HOME" },
  { BT_KIND_READ, "/a\nb", NULL },
  { BT_KIND_WRITE, "/proc/1/mem", NULL },
  { BT_KIND_UNIX, "/run/a", "--allow-unix=/run/a" },
  { BT_KIND_WRITE, "/tmp/a b", "--allow-write='/tmp/a b'" },
  { BT_KIND_READ, "/a\xff", NULL },
  { BT_KIND_READ, "", NULL },
};

static void
test_suggest_path(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(suggest_paths); i++) {
    g_autofree char *flag = bt_suggest_path(suggest_paths[i].kind, suggest_paths[i].path);
    g_assert_cmpstr(flag, ==, suggest_paths[i].flag);
  }
  /* Without namespaces /tmp is as any other place, but never granted whole. */
  g_autofree char *below = bt_suggest_flat_path(BT_KIND_WRITE, "/tmp/a b");
  g_assert_cmpstr(below, ==, "--allow-write='/tmp/a b'");
  g_assert_null(bt_suggest_flat_path(BT_KIND_WRITE, "/tmp"));
  g_assert_null(bt_suggest_flat_path(BT_KIND_READ, "/tmp"));
  g_assert_null(bt_suggest_flat_path(BT_KIND_WRITE, "/dev/shm"));
}

static const struct {
  const char *host;
  guint proto;
  guint16 port;
  const char *flag;
} suggest_nets[] = {
  { "github.com", BT_PROTO_TCP, 443, "--allow-net=github.com:443" },
  { "github.com", BT_PROTO_UDP, 123, "--allow-net=github.com:123/udp" },
  { "github.com", BT_PROTO_TCP, 0, "--allow-net=github.com" },
  { "192.0.2.1", BT_PROTO_TCP, 80, "--allow-net=192.0.2.1:80" },
  { "192.0.2.1", BT_PROTO_ICMP, 0, "--allow-net=192.0.2.1/any" },
  { "2001:db8::1", BT_PROTO_TCP, 443, "--allow-net='[2001:db8::1]:443'" },
  { "2001:db8::1", BT_PROTO_UDP, 0, "--allow-net=2001:db8::1/udp" },
  { "a b", BT_PROTO_TCP, 1, NULL },
  { "a;reboot", BT_PROTO_TCP, 1, NULL },
  { "", BT_PROTO_TCP, 1, NULL },
};

static void
test_suggest_net(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(suggest_nets); i++) {
    g_autofree char *flag =
      bt_suggest_net(suggest_nets[i].host, suggest_nets[i].proto, suggest_nets[i].port);
    g_assert_cmpstr(flag, ==, suggest_nets[i].flag);
  }
}

static void
test_origin_of_file(void)
{
  BtOrigin origin = { (char *)"p.json", 12, (char *)"net.rules[3]" };
  g_autofree char *text = bt_origin_format(&origin);
  g_assert_cmpstr(text, ==, "p.json:12: net.rules[3]");
}

static void
test_yields(void)
{
  BtOrigin builtin = { (char *)"built-in", 0, (char *)"defaults.net = deny" };
  BtOrigin file = { (char *)"command line", 12, (char *)"net.rules[3]" }; /* a file's odd name */
  BtOrigin flag = { (char *)"command line", 0, (char *)"--deny-net=x" };

  g_assert_true(bt_origin_yields_to_flags(&builtin));
  g_assert_true(bt_origin_yields_to_flags(&file));
  g_assert_false(bt_origin_yields_to_flags(&flag));
}

/* What fills a text may come from a worker, and have whatever it likes. */
static const struct {
  const char *text, *first, *second, *said;
} reasons[] = {
  { "closed", NULL, NULL, "closed" },
  { "%s is not %%s", NULL, NULL, "%s is not %%s" },
  { "of %s", "/a", NULL, "of /a" },
  { "of %s", "/%s%2$s", NULL, "of /%s%2$s" },
  { "of %s", "/\x1f" "b\x1f", NULL, "of /\x1f" "b\x1f" },
  { "of %s", "", NULL, "of " },
  { "%s leads to %s", "a", "b\x1f" "c", "a leads to b\x1f" "c" },
  { "at %2$s: %1$s", "a", "b", "at b: a" },
  { "closed", "/a", NULL, "closed" },
};

static void
test_reasons(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++) {
    g_autofree char *reason =
      bt_reason_new(reasons[i].text, reasons[i].first, reasons[i].second, NULL);
    g_autofree char *english = bt_reason_say(reason, FALSE);
    g_autofree char *told = bt_reason_say(reason, TRUE);
    g_assert_cmpstr(english, ==, reasons[i].said);
    g_assert_cmpstr(told, ==, reasons[i].said);
  }
  g_assert_null(bt_reason_say(NULL, TRUE));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/event/shape", test_shape);
  g_test_add_func("/event/reasons", test_reasons);
  for (gsize i = 0; i < G_N_ELEMENTS(events); i++) {
    g_autofree char *name = g_strdup_printf("/event/format/%zu", i);
    g_test_add_data_func(name, GSIZE_TO_POINTER(i), test_events);
  }
  for (gsize i = 0; i < G_N_ELEMENTS(neutral); i++) {
    g_autofree char *name = g_strdup_printf("/event/neutralise/%zu", i);
    g_test_add_data_func(name, GSIZE_TO_POINTER(i), test_neutralise);
  }
  g_test_add_func("/event/json", test_json);
  g_test_add_func("/event/json-of-flows", test_json_of_flows);
  g_test_add_func("/event/suggest-path", test_suggest_path);
  g_test_add_func("/event/suggest-net", test_suggest_net);
  g_test_add_func("/event/yields", test_yields);
  g_test_add_func("/event/origin-of-file", test_origin_of_file);
  return g_test_run();
}
