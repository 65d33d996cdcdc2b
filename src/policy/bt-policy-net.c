/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Net items become the compiled rules that the supervisor and buntime-net
 * decide flows with, and the questions about names are answered.
 *
 * A name has no address yet when it is looked up, so what is asked then is
 * whether some flow to it could pass. Rules that name it and rules that cover
 * every address take part; those for an address block do not: to resolve any
 * name because one block is open would be a way out for data.
 */
#include <string.h>

#include "policy/bt-net-item.h"
#include "policy/bt-net-spans.h"
#include "policy/bt-policy-private.h"
#include "wire/bt-host-name.h"

/* ---- compiling ---- */

/*
 * ::ffff:0:0/96 is how IPv4 looks here, and lies inside ::/0. Who writes an
 * IPv6 block does not mean IPv4, so a block around it is cut into those beside.
 */
static gboolean
holds_ipv4(const BtNetItem *item)
{
  static const BtAddr ipv4 = { { [10] = 0xff, [11] = 0xff } };
  return item->host == NULL && !item->everything && item->prefix < 96 &&
         bt_addr_in(&ipv4, &item->addr, item->prefix);
}

guint
bt_net_item_count_rules(const BtNetItem *item)
{
  return holds_ipv4(item) ? 96 - item->prefix : 1;
}

static void
append_rule(GArray *rules, GPtrArray *sources, BtNetItem *item, const BtNetRule *rule)
{
  g_array_append_vals(rules, rule, 1);
  g_ptr_array_add(sources, item);
}

static void
append_without_ipv4(GArray *rules, GPtrArray *sources, BtNetItem *item, const BtNetRule *whole)
{
  static const BtAddr ipv4 = { { [10] = 0xff, [11] = 0xff } };

  for (guint bit = item->prefix; bit < 96; bit++) {
    BtNetRule rule = *whole;
    rule.addr = (BtAddr){ { 0 } };
    /* As ::ffff:0:0 up to this bit, which differs. */
    for (guint i = 0; i <= bit; i++) {
      guint8 mask = (guint8)(0x80 >> i % 8);
      gboolean set = (ipv4.bytes[i / 8] & mask) != 0;
      if (set != (i == bit))
        rule.addr.bytes[i / 8] |= mask;
    }
    rule.prefix = (guint8)(bit + 1);
    append_rule(rules, sources, item, &rule);
  }
}

/* The tables of a compiled policy. */
typedef struct {
  GArray *rules; /* BtNetRule */
  GArray *ports; /* BtPortRange */
  GArray *spans; /* BtNetSpan */
  GArray *ids;   /* guint32 */
  GByteArray *names;
  GHashTable *places; /* host → where it is in names */
} Tables;

static void
tables_init(Tables *tables)
{
  tables->rules = g_array_new(FALSE, FALSE, sizeof(BtNetRule));
  tables->ports = g_array_new(FALSE, FALSE, sizeof(BtPortRange));
  tables->spans = g_array_new(FALSE, FALSE, sizeof(BtNetSpan));
  tables->ids = g_array_new(FALSE, FALSE, sizeof(guint32));
  tables->names = g_byte_array_new();
  tables->places = g_hash_table_new(g_str_hash, g_str_equal);
}

static void
tables_clear(Tables *tables)
{
  g_array_unref(tables->rules);
  g_array_unref(tables->ports);
  g_array_unref(tables->spans);
  g_array_unref(tables->ids);
  g_byte_array_unref(tables->names);
  g_hash_table_unref(tables->places);
}

/* Once, however many rules have it. */
static guint32
add_name(Tables *tables, const char *host)
{
  gpointer place;

  if (!g_hash_table_lookup_extended(tables->places, host, NULL, &place)) {
    place = GUINT_TO_POINTER(tables->names->len);
    g_hash_table_insert(tables->places, (gpointer)host, place);
    g_byte_array_append(tables->names, (const guint8 *)host, (guint)strlen(host) + 1);
  }
  return GPOINTER_TO_UINT(place);
}

static void
compile_item(BtNetItem *item, Tables *tables, GPtrArray *sources)
{
  BtNetRule rule = {
    .addr = item->addr,
    .prefix = (guint8)item->prefix,
    .action = (guint8)item->rule.action,
    .proto = (guint8)item->proto,
    .flags = (guint8)(item->flags | (item->below ? BT_NET_RULE_BELOW : 0)),
    .layer = (guint16)item->rule.layer,
    .n_ports = (guint16)item->ports->len,
    .ports = tables->ports->len,
    .name = item->host != NULL ? add_name(tables, item->host) : 0,
  };

  item->id = tables->rules->len;
  if (item->ports->len > 0)
    g_array_append_vals(tables->ports, item->ports->data, item->ports->len);
  if (holds_ipv4(item))
    append_without_ipv4(tables->rules, sources, item, &rule);
  else
    append_rule(tables->rules, sources, item, &rule);
}

static void
append(GByteArray *bytes, const void *records, gsize size)
{
  if (size > 0)
    g_byte_array_append(bytes, records, size);
}

static GBytes *
encode(const Tables *tables, BtAction default_action)
{
  BtNetPolicyHeader header = {
    .magic = BT_NET_POLICY_MAGIC,
    .n_rules = tables->rules->len,
    .n_ports = tables->ports->len,
    .n_spans = tables->spans->len,
    .n_ids = tables->ids->len,
    .default_action = default_action,
    .names_size = tables->names->len,
  };
  GByteArray *bytes = g_byte_array_new();

  append(bytes, &header, sizeof header);
  append(bytes, tables->rules->data, header.n_rules * sizeof(BtNetRule));
  append(bytes, tables->ports->data, header.n_ports * sizeof(BtPortRange));
  append(bytes, tables->spans->data, header.n_spans * sizeof(BtNetSpan));
  append(bytes, tables->ids->data, header.n_ids * sizeof(guint32));
  append(bytes, tables->names->data, header.names_size);
  ((BtNetPolicyHeader *)bytes->data)->size = bytes->len;
  return g_byte_array_free_to_bytes(bytes);
}

static void
compile(BtPolicy *policy)
{
  static const char nuls[4];
  Tables tables;
  gsize size;

  tables_init(&tables);
  g_ptr_array_set_size(policy->net_sources, 0);
  for (guint layer = 0; layer < BT_N_LAYERS; layer++) {
    for (guint i = 0; i < policy->net_items->len; i++) {
      BtNetItem *item = g_ptr_array_index(policy->net_items, i);
      if (item->rule.layer == layer)
        compile_item(item, &tables, policy->net_sources);
    }
  }
  append(tables.names, nuls, -tables.names->len % sizeof nuls);
  bt_net_spans_make((const BtNetRule *)tables.rules->data, tables.rules->len, tables.spans,
                    tables.ids);
  policy->net_bytes = encode(&tables, policy->defaults[BT_KIND_NET]);
  tables_clear(&tables);
  gconstpointer data = g_bytes_get_data(policy->net_bytes, &size);
  /* We made these bytes, and bounded them when each item was taken. */
  if (!bt_net_policy_open(data, size, &policy->net))
    g_error("buntime compiled a network policy that it cannot read");
}

GBytes *
bt_policy_compile_net(BtPolicy *policy)
{
  if (policy->net_bytes == NULL)
    compile(policy);
  return g_bytes_ref(policy->net_bytes);
}

GBytes *
bt_policy_compile_net_plain(BtPolicy *policy)
{
  g_autoptr(GBytes) whole = bt_policy_compile_net(policy);
  const BtNetPolicyHeader *from = g_bytes_get_data(whole, NULL);
  BtNetPolicyHeader header = *from;

  gsize kept = header.n_rules * sizeof(BtNetRule) + header.n_ports * sizeof(BtPortRange);
  header.n_spans = header.n_ids = 0;
  header.size = (guint32)(sizeof header + kept + header.names_size);
  GByteArray *bytes = g_byte_array_new();
  append(bytes, &header, sizeof header);
  append(bytes, from + 1, kept);
  append(bytes, (const guint8 *)from + from->size - header.names_size, header.names_size);
  return g_byte_array_free_to_bytes(bytes);
}

const BtOrigin *
bt_policy_net_origin(BtPolicy *policy, int rule)
{
  if (rule == BT_NET_RULE_CLOSURE)
    return &policy->closure;
  if (policy->net_bytes == NULL)
    compile(policy);
  if (rule < 0 || (guint)rule >= policy->net_sources->len)
    return &policy->default_origins[BT_KIND_NET];
  const BtNetItem *item = g_ptr_array_index(policy->net_sources, rule);
  return &item->rule.origin;
}

/* ---- names ---- */

static gboolean
is_localhost(const char *name)
{
  return strcmp(name, "localhost") == 0;
}

/* Does the item speak of this name? (Wide items speak of every one.) */
static gboolean
names(const BtNetItem *item, const char *name)
{
  if (item->host == NULL)
    return (item->flags & BT_NET_RULE_LOOPBACK) != 0 && is_localhost(name);
  return bt_host_name_matches(name, item->host, item->below);
}

static gboolean
has_port(const BtNetItem *item, guint16 port)
{
  for (guint i = 0; i < item->ports->len; i++) {
    const BtPortRange *range = &g_array_index(item->ports, BtPortRange, i);
    if (port >= range->first && port <= range->last)
      return TRUE;
  }
  return item->ports->len == 0;
}

/* The longest name there is, and its last NUL. */
#define MAX_NAME 256

/* Back to front, so that "*.host" is a beginning. */
static void
reverse(const char *name, gsize length, char *reversed_out)
{
  for (gsize i = 0; i < length; i++)
    reversed_out[i] = name[length - 1 - i];
  reversed_out[length] = '\0';
}

void
bt_name_index_clear(BtNameIndex *index)
{
  g_clear_pointer(&index->by_name.index, bt_rule_index_free);
  g_clear_pointer(&index->texts, g_string_chunk_free);
  g_clear_pointer(&index->unnamed, g_ptr_array_unref);
}

static BtNameIndex *
name_index(BtPolicy *policy)
{
  BtNameIndex *index = &policy->name_index;
  char reversed[MAX_NAME];

  if (index->by_name.index != NULL && index->by_name.n_rules == policy->net_items->len)
    return index;
  bt_name_index_clear(index);
  index->by_name.index = bt_rule_index_new();
  index->by_name.n_rules = policy->net_items->len;
  index->texts = g_string_chunk_new(1024);
  index->unnamed = g_ptr_array_new();
  for (guint i = 0; i < policy->net_items->len; i++) {
    BtNetItem *item = g_ptr_array_index(policy->net_items, i);
    gsize length = item->host != NULL ? strlen(item->host) : 0;
    if (length == 0 || length >= MAX_NAME) {
      if (length > 0 || (item->flags & BT_NET_RULE_LOOPBACK) != 0 || bt_net_item_is_wide(item))
        g_ptr_array_add(index->unnamed, item);
      continue;
    }
    reverse(item->host, length, reversed);
    bt_rule_index_add(index->by_name.index, g_string_chunk_insert(index->texts, reversed), length,
                      item);
  }
  return index;
}

typedef struct {
  const char *name;
  GPtrArray *found;
} NameMatch;

static void
match_name(gpointer data, gpointer user_data)
{
  NameMatch *match = user_data;
  if (names(data, match->name))
    g_ptr_array_add(match->found, data);
}

/* The items that could decide a flow to this name. */
static GPtrArray *
items_for(BtPolicy *policy, const char *name)
{
  const BtNameIndex *index = name_index(policy);
  NameMatch match = { name, g_ptr_array_new() };
  gsize length = strlen(name);
  char reversed[MAX_NAME];
  /* The host's loopback is closed to whatever does not name it. */
  gboolean wide = !is_localhost(name);

  if (length > 0 && length < MAX_NAME) {
    reverse(name, length, reversed);
    bt_rule_index_search(index->by_name.index, reversed, length, '.', match_name, &match);
  }
  for (guint i = 0; i < index->unnamed->len; i++) {
    BtNetItem *item = g_ptr_array_index(index->unnamed, i);
    gboolean denies = item->rule.action == BT_ACTION_DENY;
    if (names(item, name) || ((wide || denies) && bt_net_item_is_wide(item)))
      g_ptr_array_add(match.found, item);
  }
  return match.found;
}

static BtVerdict
decide(BtPolicy *policy, const char *name, GPtrArray *items, guint proto, guint16 port)
{
  const BtRule *worst[BT_N_LAYERS] = { NULL };

  for (guint i = 0; i < items->len; i++) {
    const BtNetItem *item = g_ptr_array_index(items, i);
    const BtRule **slot = &worst[item->rule.layer];
    if ((item->proto & proto) != 0 && has_port(item, port) &&
        (*slot == NULL || item->rule.action > (*slot)->action))
      *slot = &item->rule;
  }
  for (guint layer = 0; layer < BT_N_LAYERS; layer++)
    if (worst[layer] != NULL)
      return (BtVerdict){ worst[layer]->action, &worst[layer]->origin };
  BtVerdict verdict = bt_policy_default_verdict(policy, BT_KIND_NET);
  if (is_localhost(name) && verdict.action == BT_ACTION_ALLOW)
    return (BtVerdict){ BT_ACTION_DENY, &policy->closure };
  return verdict;
}

/* Ports at which a decision can change: the first of each range and the one after its last. */
static GArray *
candidate_ports(GPtrArray *items)
{
  GArray *ports = g_array_new(FALSE, FALSE, sizeof(guint16));
  guint16 first = 1;

  g_array_append_val(ports, first);
  for (guint i = 0; i < items->len; i++) {
    const BtNetItem *item = g_ptr_array_index(items, i);
    for (guint j = 0; j < item->ports->len; j++) {
      const BtPortRange *range = &g_array_index(item->ports, BtPortRange, j);
      guint16 after = (guint16)(range->last + 1u);
      g_array_append_val(ports, range->first);
      if (after != 0)
        g_array_append_val(ports, after);
    }
  }
  return ports;
}

static gboolean
is_default(BtPolicy *policy, const BtVerdict *verdict)
{
  return verdict->origin == &policy->default_origins[BT_KIND_NET];
}

/* The mildest verdict of all flows; of denials one by a rule says more than the default. */
static BtVerdict
mildest(BtPolicy *policy, const char *name, GPtrArray *items)
{
  static const guint protos[] = { BT_PROTO_TCP, BT_PROTO_UDP };
  g_autoptr(GArray) ports = candidate_ports(items);
  BtVerdict best = { BT_ACTION_NONE, NULL };

  for (guint p = 0; p < G_N_ELEMENTS(protos); p++) {
    for (guint i = 0; i < ports->len; i++) {
      BtVerdict verdict = decide(policy, name, items, protos[p], g_array_index(ports, guint16, i));
      if (verdict.action == BT_ACTION_ALLOW)
        return verdict;
      if (best.origin == NULL || verdict.action < best.action ||
          (verdict.action == best.action && is_default(policy, &best)))
        best = verdict;
    }
  }
  return best;
}

/* As rules spell it: lower case, without the root's dot. */
static char *
canonical_name(const char *name)
{
  char *lower = g_ascii_strdown(name, -1);
  gsize length = strlen(lower);
  if (length > 1 && lower[length - 1] == '.')
    lower[length - 1] = '\0';
  return lower;
}

/* Denials first: who has no room for all of them (a message) loses grants. */
static void
append_name_rules(const GPtrArray *items, GArray *rules_out)
{
  for (guint action = BT_ACTION_DENY; action >= BT_ACTION_ALLOW; action--) {
    for (guint i = 0; i < items->len; i++) {
      const BtNetItem *item = g_ptr_array_index(items, i);
      if (item->rule.action == action && item->host != NULL)
        g_array_append_val(rules_out, item->id);
    }
  }
}

BtVerdict
bt_policy_check_name(BtPolicy *policy, const char *name, GArray *rules_out)
{
  g_autofree char *canonical = canonical_name(name);
  g_autoptr(GPtrArray) items = items_for(policy, canonical);
  BtVerdict verdict = mildest(policy, canonical, items);

  if (verdict.action == BT_ACTION_DENY || rules_out == NULL)
    return verdict;
  if (policy->net_bytes == NULL)
    compile(policy);
  append_name_rules(items, rules_out);
  return verdict;
}

/* ---- flows ---- */

BtVerdict
bt_policy_check_flow(BtPolicy *policy, const char *name, const BtAddr *addr, guint proto,
                     guint16 port, BtNetPinsFunc pins, gpointer data)
{
  if (policy->net_bytes == NULL)
    compile(policy);
  if (name != NULL && bt_addr_classify(addr) == BT_ADDR_SINKHOLE) {
    /* The address stands for a name that was denied: that denial is the verdict. */
    g_autofree char *canonical = canonical_name(name);
    g_autoptr(GPtrArray) items = items_for(policy, canonical);
    BtVerdict verdict = decide(policy, canonical, items, proto, port);
    if (verdict.action == BT_ACTION_DENY)
      return verdict;
    return (BtVerdict){ BT_ACTION_DENY, &policy->closure };
  }
  BtNetVerdict verdict = bt_net_policy_match(&policy->net, addr, proto, port, pins, data);
  return (BtVerdict){ verdict.action, bt_policy_net_origin(policy, verdict.rule) };
}

static BtVerdict
check_item_flow(BtPolicy *policy, const BtNetItem *item, GPtrArray *items, guint proto,
                guint16 port)
{
  if (item->host != NULL)
    return decide(policy, item->host, items, proto, port);
  return bt_policy_check_flow(policy, NULL, &item->addr, proto, port, NULL, NULL);
}

BtVerdict
bt_policy_check_net_item(BtPolicy *policy, const BtNetItem *item, guint *proto_out,
                         guint16 *port_out)
{
  g_autoptr(GPtrArray) items = item->host != NULL ? items_for(policy, item->host) : NULL;
  g_autoptr(GArray) ports = candidate_ports(policy->net_items);
  BtVerdict worst = { BT_ACTION_NONE, NULL };

  for (guint i = 0; i < item->ports->len; i++)
    g_array_append_val(ports, g_array_index(item->ports, BtPortRange, i).first);
  for (guint proto = BT_PROTO_TCP; proto <= BT_PROTO_UDP; proto <<= 1) {
    for (guint i = 0; (item->proto & proto) != 0 && i < ports->len; i++) {
      guint16 port = g_array_index(ports, guint16, i);
      if (!has_port(item, port))
        continue;
      BtVerdict verdict = check_item_flow(policy, item, items, proto, port);
      if (verdict.action <= worst.action)
        continue;
      worst = verdict;
      *proto_out = proto;
      *port_out = port;
    }
  }
  return worst;
}

gboolean
bt_policy_grants_net(BtPolicy *policy)
{
  guint closed = BT_N_LAYERS; /* the highest layer that denies everything */

  for (guint i = 0; i < policy->net_items->len; i++) {
    const BtNetItem *item = g_ptr_array_index(policy->net_items, i);
    if (item->rule.action == BT_ACTION_DENY && item->everything && item->ports->len == 0)
      closed = MIN(closed, (guint)item->rule.layer);
  }
  for (guint i = 0; i < policy->net_items->len; i++) {
    const BtNetItem *item = g_ptr_array_index(policy->net_items, i);
    /* The host's loopback is reached by relays, on the sandbox's own. */
    if ((item->flags & BT_NET_RULE_LOOPBACK) == 0 && item->rule.action != BT_ACTION_DENY &&
        (guint)item->rule.layer < closed)
      return TRUE;
  }
  return closed == BT_N_LAYERS && policy->defaults[BT_KIND_NET] == BT_ACTION_ALLOW;
}

gboolean
bt_policy_grants_plain_net(BtPolicy *policy)
{
  gboolean grants = policy->defaults[BT_KIND_NET] == BT_ACTION_ALLOW;

  for (guint i = 0; i < policy->net_items->len; i++) {
    const BtNetItem *item = g_ptr_array_index(policy->net_items, i);
    gboolean denies = item->rule.action == BT_ACTION_DENY;
    if (item->host != NULL && denies)
      return FALSE;
    grants |= item->host == NULL && !denies && (item->proto & BT_PROTO_TCP) != 0;
  }
  return grants;
}
