/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names.
 *
 *   question of the worker → buntime-net → bt_names_query()
 *     not granted ........... an address of the sinkhole; no packet upstream
 *     granted ............... /etc/hosts, else one lookup for all who ask while
 *                             its answer holds
 *       public addresses .... answered, pinned to the rules that grant the name
 *       only closed ones .... an address of the sinkhole, with the reason
 *
 * A lookup is for both kinds of address where this machine has IPv6 (its answer
 * waits until it is known where such addresses lead: bt-nat64.c), and serves
 * questions of both; each is told and pins those of its kind.  The sinkhole is
 * IPv4: to a question for IPv6 a name that leads nowhere has no address.
 *
 * The sinkhole (bt-known-addrs.h) exists so that the connect that follows is
 * refused at once and explained with the name.
 *
 * Pins are what a name rule matches by.  They are kept here for connect() and
 * in buntime-net for packets; buntime-net knows the flows and so decides when
 * a pin ends.  It cannot end well before BT_NAMES_PIN_SECONDS after the last
 * answer: an UNPIN that comes earlier crossed an answer on its way, and is
 * ignored.  Nothing buntime-net says adds a pin.
 */
#include "lib/bt-names.h"

#include <glib/gi18n-lib.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/bt-answer-cache.h"
#include "lib/bt-hosts.h"
#include "lib/bt-known-addrs.h"
#include "lib/bt-name-events.h"
#include "lib/bt-nat64.h"
#include "lib/bt-pin-table.h"
#include "policy/bt-reason.h"
#include "wire/bt-dns.h"

#define MAX_IN_FLIGHT 8
#define MAX_LOOKUPS 64 /* in flight and queued */
#define MAX_WAITERS 32 /* questions that share a lookup */
#define SINKHOLE_TTL 1

enum { RCODE_NOERROR = 0, RCODE_SERVFAIL = 2, RCODE_NXDOMAIN = 3 };

/* A question that an answer will follow. */
typedef struct {
  guint32 id;
  guint32 type; /* BT_DNS_TYPE_A or AAAA */
  gint64 asked; /* monotonic, once the answer is waited for; else 0 */
} Waiter;

typedef struct {
  BtNames *names;
  char *name;
  gboolean ipv6;   /* for both kinds of address */
  GArray *waiters; /* Waiter */
  gpointer handle; /* the resolver's; NULL while queued or held */
  BtAddr *found;   /* held: the addresses, until it is known where they lead */
  guint n_found;
} Lookup;

struct _BtNames {
  BtPolicy *policy;
  BtExplainer *explainer; /* may be NULL */
  BtResolver *resolver;     /* NULL until needed */
  BtResolver *own_resolver; /* the same, or NULL: a test's is borrowed */
  gboolean resolver_missing;
  char *hosts_path;
  BtNamesAnswerFunc answer;
  gpointer answer_data;
  gboolean (*ipv6)(void); /* may be NULL */
  BtKnownAddrs *known;
  BtPinTable *pins;
  BtAnswerCache *cache;
  BtNat64 *nat64;
  GHashTable *lookups;   /* char *name (of the Lookup) → Lookup */
  GQueue queue;          /* Lookup not yet started */
  GQueue held;           /* Lookup whose addresses wait for nat64 */
  gboolean told_of_nat64;
  guint in_flight;
  GArray *host_addrs;    /* BtAddr */
  const BtOrigin *spent;
};

static void
lookup_free(gpointer data)
{
  Lookup *lookup = data;
  if (lookup->handle != NULL)
    lookup->names->resolver->cancel(lookup->names->resolver, lookup->handle);
  g_free(lookup->name);
  g_free(lookup->found);
  g_array_unref(lookup->waiters);
  g_free(lookup);
}

BtNames *
bt_names_new(BtPolicy *policy, BtExplainer *explainer)
{
  BtNames *self = g_new0(BtNames, 1);
  self->explainer = explainer;
  self->policy = bt_policy_ref(policy);
  self->hosts_path = g_strdup("/etc/hosts");
  self->known = bt_known_addrs_new();
  self->pins = bt_pin_table_new();
  self->cache = bt_answer_cache_new();
  self->nat64 = bt_nat64_new();
  self->lookups = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, lookup_free);
  self->host_addrs = g_array_new(FALSE, FALSE, sizeof(BtAddr));
  return self;
}

static void tell_of_answers(BtNames *self, const char *name, GArray *waiters, BtNameAnswer answer);

static void
tell_of_unanswered(BtNames *self)
{
  const BtNameAnswer none = { .ended = TRUE };
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init(&iter, self->lookups);
  while (g_hash_table_iter_next(&iter, NULL, &value))
    tell_of_answers(self, ((Lookup *)value)->name, ((Lookup *)value)->waiters, none);
}

void
bt_names_free(BtNames *self)
{
  tell_of_unanswered(self);
  g_queue_clear(&self->queue);
  g_queue_clear(&self->held);
  g_hash_table_unref(self->lookups);
  bt_nat64_free(self->nat64);
  if (self->own_resolver != NULL)
    self->own_resolver->free(self->own_resolver);
  bt_known_addrs_free(self->known);
  bt_answer_cache_free(self->cache);
  bt_pin_table_free(self->pins);
  g_array_unref(self->host_addrs);
  bt_policy_unref(self->policy);
  g_free(self->hosts_path);
  g_free(self);
}

void
bt_names_set_answer_func(BtNames *self, BtNamesAnswerFunc func, gpointer data)
{
  self->answer = func;
  self->answer_data = data;
}

void
bt_names_set_ipv6_func(BtNames *self, gboolean (*func)(void))
{
  self->ipv6 = func;
}

void
bt_names_set_resolver(BtNames *self, BtResolver *resolver, const char *hosts_path)
{
  self->resolver = resolver;
  g_free(self->hosts_path);
  self->hosts_path = g_strdup(hosts_path);
}

void
bt_names_set_host_addrs(BtNames *self, const BtAddr *addrs, guint n_addrs)
{
  g_array_set_size(self->host_addrs, 0);
  g_array_append_vals(self->host_addrs, addrs, n_addrs);
}

void
bt_names_set_spent(BtNames *self, const BtOrigin *origin)
{
  self->spent = origin;
}

const BtOrigin *
bt_names_get_spent(BtNames *self)
{
  return self->spent;
}

/* ---- pins ---- */

void
bt_names_unpin(BtNames *self, const BtAddr *addr, guint32 rule)
{
  gint64 latest =
    g_get_monotonic_time() - (gint64)(BT_NAMES_PIN_SECONDS - 5) * G_USEC_PER_SEC;
  bt_pin_table_remove(self->pins, addr, rule, latest);
}

static gboolean
is_own(BtNames *self, const BtAddr *addr)
{
  for (guint i = 0; i < self->host_addrs->len; i++)
    if (bt_addr_equal(&g_array_index(self->host_addrs, BtAddr, i), addr))
      return TRUE;
  return FALSE;
}

/* The host's, or one that a gateway of the network would take to it. */
static gboolean
is_host_addr(BtNames *self, const BtAddr *addr)
{
  BtAddr carried[BT_ADDR_MAX_CARRIED];
  gsize n_carried = bt_addr_get_carried(addr, carried);
  gboolean found = is_own(self, addr);

  for (gsize i = 0; i < n_carried && !found; i++)
    found = is_own(self, &carried[i]);
  return found;
}

/* To names. */
static gboolean
is_closed(BtNames *self, const BtAddr *addr)
{
  BtAddr carried[BT_NAT64_MAX];
  gsize n_carried = bt_nat64_get_carried(self->nat64, addr, carried);
  gboolean closed = bt_addr_classify(addr) != BT_ADDR_PUBLIC || is_host_addr(self, addr);

  for (gsize i = 0; i < n_carried && !closed; i++)
    closed = bt_addr_classify(&carried[i]) != BT_ADDR_PUBLIC || is_own(self, &carried[i]);
  return closed;
}

/* An address can become the host's own after it was pinned. */
static uint32_t
matcher_pins(void *data, const BtAddr *addr, const uint32_t **ids_out)
{
  BtNames *self = data;
  return is_host_addr(self, addr) ? 0 : bt_pin_table_get(self->pins, addr, ids_out);
}

BtVerdict
bt_names_check_flow(BtNames *self, const BtAddr *addr, guint proto, guint16 port,
                    BtFlowWords *words_out)
{
  const BtKnownAddr *known = bt_known_addrs_get(self->known, addr);

  *words_out = (BtFlowWords){ 0 };
  if (known != NULL) {
    words_out->name = known->name;
    words_out->reason = known->reason;
    words_out->grant = known->grant;
    words_out->several = known->several;
  }
  BtVerdict verdict =
    bt_policy_check_flow(self->policy, words_out->name, addr, proto, port, matcher_pins, self);
  /* A granted name has no rule to blame: what it resolves to has. */
  if (words_out->reason != NULL && verdict.action == BT_ACTION_DENY)
    verdict.origin = bt_policy_net_origin(self->policy, BT_NET_RULE_CLOSURE);
  return verdict;
}

gboolean
bt_names_is_plain(BtNames *self, const BtAddr *addr, guint16 port)
{
  const guint32 *rules;

  return self->spent == NULL && bt_pin_table_get(self->pins, addr, &rules) == 0 &&
         bt_policy_check_flow(self->policy, NULL, addr, BT_PROTO_TCP, port, NULL, NULL).action !=
           BT_ACTION_DENY;
}

/* ---- answers ---- */

static void
send_answer(BtNames *self, guint32 id, BtNetMsgAnswer *answer)
{
  answer->header = (BtNetMsgHeader){ .kind = BT_NET_MSG_ANSWER, .id = id };
  if (self->answer != NULL)
    self->answer(self->answer_data, answer);
}

static void
answer_empty(BtNames *self, guint32 id, guint32 rcode)
{
  BtNetMsgAnswer answer = { .rcode = rcode, .ttl = SINKHOLE_TTL };
  send_answer(self, id, &answer);
}

static void
answer_sinkhole(BtNames *self, guint32 id, const BtKnownAddr *sinkhole)
{
  BtNetMsgAnswer answer = { .ttl = SINKHOLE_TTL, .n_addrs = 1 };
  answer.addrs[0] = sinkhole->addr;
  send_answer(self, id, &answer);
}

/* Do address rules alone, or the default, let some flow to addr pass? */
static gboolean
granted_by_address(BtNames *self, const BtAddr *addr)
{
  GPtrArray *items = bt_policy_get_net_items(self->policy);

  if (bt_policy_get_default(self->policy, BT_KIND_NET) == BT_ACTION_ALLOW)
    return TRUE;
  for (guint i = 0; i < items->len; i++) {
    const BtNetItem *item = g_ptr_array_index(items, i);
    if (item->rule.action != BT_ACTION_DENY && item->host == NULL &&
        (item->everything || bt_addr_in(addr, &item->addr, item->prefix)))
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_of_type(const BtAddr *addr, guint32 type)
{
  return bt_addr_is_ipv4(addr) == (type == BT_DNS_TYPE_A);
}

/*
 * What of a lookup's addresses may be told to a question of the type, pinned to rules, which
 * may be empty. Pinned ones come alone: one message pins all its addresses or none.
 */
static BtNetMsgAnswer
choose_addrs(BtNames *self, guint32 type, const BtAddr *addrs, guint n_addrs, GArray *rules)
{
  BtNetMsgAnswer answer = { .ttl = BT_ANSWER_TTL };

  for (guint i = 0; rules->len > 0 && i < n_addrs && answer.n_addrs < BT_NET_MSG_MAX_ADDRS; i++)
    if (is_of_type(&addrs[i], type) && !is_closed(self, &addrs[i]))
      answer.addrs[answer.n_addrs++] = addrs[i];
  if (answer.n_addrs > 0) {
    answer.n_rules = MIN(rules->len, BT_NET_MSG_MAX_PIN_RULES);
    memcpy(answer.rules, rules->data, answer.n_rules * sizeof answer.rules[0]);
    return answer;
  }
  for (guint i = 0; i < n_addrs && answer.n_addrs < BT_NET_MSG_MAX_ADDRS; i++)
    if (is_of_type(&addrs[i], type) && bt_addr_classify(&addrs[i]) != BT_ADDR_SINKHOLE &&
        granted_by_address(self, &addrs[i]))
      answer.addrs[answer.n_addrs++] = addrs[i];
  return answer;
}

static gboolean
pin_all(BtNames *self, const BtNetMsgAnswer *answer)
{
  gint64 now = g_get_monotonic_time();

  for (guint i = 0; i < answer->n_addrs; i++)
    for (guint rule = 0; rule < answer->n_rules; rule++)
      if (!bt_pin_table_add(self->pins, &answer->addrs[i], answer->rules[rule], now))
        return FALSE;
  return TRUE;
}

static char *
describe_closed(BtNames *self, const char *name, const BtAddr *addr)
{
  char text[BT_ADDR_TEXT_SIZE];

  bt_addr_format(addr, text);
  return bt_reason_new(is_host_addr(self, addr)
                         ? N_("%s leads to %s, an address of this machine, which is closed to "
                              "names")
                         : N_("%s leads to %s, a range that is closed to names"),
                       name, text, NULL);
}

/* A granted name that leads only to where no name may lead. */
static BtKnownAddr *
closed_name(BtNames *self, const char *name, const BtAddr *addr)
{
  BtKnownAddr *sinkhole = bt_known_addrs_sinkhole(self->known, name);
  char text[BT_ADDR_TEXT_SIZE];

  g_free(sinkhole->reason);
  g_free(sinkhole->grant);
  sinkhole->reason = describe_closed(self, name, addr);
  sinkhole->grant = g_strdup(bt_addr_format(addr, text));
  return sinkhole;
}

static void
tell_of_closed(BtNames *self, const char *name, const BtAddr *addrs, guint n_addrs)
{
  const BtAddr *first = NULL;
  guint count = 0;

  for (guint i = 0; i < n_addrs; i++) {
    if (!is_closed(self, &addrs[i]))
      continue;
    first = first != NULL ? first : &addrs[i];
    count++;
  }
  if (first != NULL)
    bt_name_event_closed(self->explainer, self->policy, name, describe_closed(self, name, first),
                         count);
}

/* A program asks for both kinds of address together: this is told once. */
static void
tell_of_answers(BtNames *self, const char *name, GArray *waiters, BtNameAnswer answer)
{
  for (guint i = 0; i < waiters->len; i++) {
    const Waiter *waiter = &g_array_index(waiters, Waiter, i);
    if (waiter->type != BT_DNS_TYPE_A)
      continue;
    answer.asked = waiter->asked;
    bt_name_event_answered(self->explainer, self->policy, name, &answer);
  }
}

/* To all who wait for a granted name: there is no address. */
static void
answer_failed(BtNames *self, const char *name, GArray *waiters, guint32 rcode)
{
  for (guint i = 0; i < waiters->len; i++)
    answer_empty(self, g_array_index(waiters, Waiter, i).id, rcode);
  tell_of_answers(self, name, waiters, (BtNameAnswer){ .rcode = rcode });
}

/*
 * The answer to all who asked for one kind of address; sinkhole may be NULL. FALSE: there was no
 * room for pins.
 */
static gboolean
answer_type(BtNames *self, const char *name, GArray *waiters, guint32 type,
            BtNetMsgAnswer *answer, gboolean several, const BtKnownAddr *sinkhole)
{
  gboolean asked = FALSE, room = TRUE;

  for (guint i = 0; i < waiters->len; i++) {
    const Waiter *waiter = &g_array_index(waiters, Waiter, i);
    if (waiter->type != type)
      continue;
    if (!asked) {
      room = pin_all(self, answer);
      for (guint j = 0; j < answer->n_addrs; j++)
        bt_known_addrs_remember(self->known, &answer->addrs[j], name)->several = several;
      asked = TRUE;
    }
    if (!room)
      answer_empty(self, waiter->id, RCODE_SERVFAIL);
    else if (sinkhole != NULL)
      answer_sinkhole(self, waiter->id, sinkhole);
    else
      send_answer(self, waiter->id, answer);
  }
  return room;
}

/* To all who wait for a granted name, for ttl seconds. FALSE: it leads to nothing that is open. */
static gboolean
answer_found(BtNames *self, const char *name, GArray *waiters, const BtAddr *addrs, guint n_addrs,
             guint ttl)
{
  g_autoptr(GArray) rules = g_array_new(FALSE, FALSE, sizeof(guint32));
  const BtKnownAddr *sinkhole = NULL;

  bt_policy_check_name(self->policy, name, rules);
  BtNetMsgAnswer ipv4 = choose_addrs(self, BT_DNS_TYPE_A, addrs, n_addrs, rules);
  BtNetMsgAnswer ipv6 = choose_addrs(self, BT_DNS_TYPE_AAAA, addrs, n_addrs, rules);
  ipv4.ttl = ipv6.ttl = ttl;
  guint n_told = ipv4.n_addrs + ipv6.n_addrs;
  if (n_told == 0)
    sinkhole = closed_name(self, name, &addrs[0]);
  else if (ipv4.n_rules > 0 || ipv6.n_rules > 0)
    tell_of_closed(self, name, addrs, n_addrs);
  BtNameAnswer told = { .answers = { &ipv4, &ipv6 } };
  if (!answer_type(self, name, waiters, BT_DNS_TYPE_A, &ipv4, n_told > 1, sinkhole))
    told = (BtNameAnswer){ .rcode = RCODE_SERVFAIL };
  answer_type(self, name, waiters, BT_DNS_TYPE_AAAA, &ipv6, n_told > 1, NULL);
  told.closed = sinkhole != NULL ? sinkhole->reason : NULL;
  tell_of_answers(self, name, waiters, told);
  return n_told > 0;
}

/* What is open may be answered again; which of it still is then, is looked at anew. */
static void
answer_result(BtNames *self, const Lookup *lookup, BtLookupResult result, const BtAddr *addrs,
              guint n_addrs)
{
  guint32 rcode = result == BT_LOOKUP_NO_NAME  ? RCODE_NXDOMAIN
                  : result == BT_LOOKUP_FAILED ? RCODE_SERVFAIL
                                               : RCODE_NOERROR;
  if (result == BT_LOOKUP_FOUND && n_addrs > 0) {
    if (answer_found(self, lookup->name, lookup->waiters, addrs, n_addrs, BT_ANSWER_TTL))
      bt_answer_cache_add(self->cache, lookup->name, lookup->ipv6, addrs, n_addrs,
                          g_get_monotonic_time());
    return;
  }
  answer_failed(self, lookup->name, lookup->waiters, rcode);
}

/* ---- lookups ---- */

static void start_queued(BtNames *self);

static void
answer_lookup(Lookup *lookup, BtLookupResult result, const BtAddr *addrs, guint n_addrs)
{
  g_hash_table_steal(lookup->names->lookups, lookup->name);
  answer_result(lookup->names, lookup, result, addrs, n_addrs);
  lookup_free(lookup);
}

static void
tell_of_nat64(BtNames *self)
{
  if (self->told_of_nat64 || self->explainer == NULL)
    return;
  self->told_of_nat64 = TRUE;
  bt_explainer_note(self->explainer,
                    _("no name server says whether this network leads IPv6 to IPv4 (ipv4only.arpa); "
                      "names have their IPv4 addresses alone"));
}

/* Where addresses of IPv6 lead is known now, or cannot be: then they are left out. */
static void
on_nat64(gpointer data, gboolean known)
{
  BtNames *self = data;
  Lookup *lookup;

  if (!known)
    tell_of_nat64(self);
  while ((lookup = g_queue_pop_head(&self->held)) != NULL) {
    guint n_left = 0;
    for (guint i = 0; i < lookup->n_found; i++)
      if (known || bt_addr_is_ipv4(&lookup->found[i]))
        lookup->found[n_left++] = lookup->found[i];
    answer_lookup(lookup, n_left > 0 ? BT_LOOKUP_FOUND : BT_LOOKUP_FAILED, lookup->found, n_left);
  }
}

static gboolean
may_be_nat64(const BtAddr *addrs, guint n_addrs)
{
  gboolean found = FALSE;

  for (guint i = 0; i < n_addrs && !found; i++)
    found = !bt_addr_is_ipv4(&addrs[i]) && bt_addr_classify(&addrs[i]) == BT_ADDR_PUBLIC;
  return found;
}

static void
on_lookup(gpointer data, BtLookupResult result, const BtAddr *addrs, guint n_addrs)
{
  Lookup *lookup = data;
  BtNames *self = lookup->names;

  lookup->handle = NULL;
  self->in_flight--;
  if (result == BT_LOOKUP_FOUND && may_be_nat64(addrs, n_addrs) &&
      !bt_nat64_is_known(self->nat64, g_get_monotonic_time())) {
    lookup->found = g_memdup2(addrs, n_addrs * sizeof addrs[0]);
    lookup->n_found = n_addrs;
    g_queue_push_tail(&self->held, lookup);
    bt_nat64_ask(self->nat64, self->resolver, on_nat64, self);
  } else {
    answer_lookup(lookup, result, addrs, n_addrs);
  }
  start_queued(self);
}

static BtResolver *
get_resolver(BtNames *self)
{
  g_autoptr(GError) error = NULL;
  if (self->resolver != NULL || self->resolver_missing)
    return self->resolver;
  self->resolver = self->own_resolver = bt_resolver_new(self->explainer, &error);
  if (self->resolver == NULL) {
    self->resolver_missing = TRUE;
    if (self->explainer != NULL)
      bt_explainer_note(self->explainer, error->message);
  }
  return self->resolver;
}

static void
start_queued(BtNames *self)
{
  while (self->in_flight < MAX_IN_FLIGHT && !g_queue_is_empty(&self->queue)) {
    Lookup *lookup = g_queue_pop_head(&self->queue);
    self->in_flight++;
    lookup->handle =
      self->resolver->start(self->resolver, lookup->name, lookup->ipv6, on_lookup, lookup);
  }
}

static gboolean
has_ipv6(BtNames *self)
{
  return self->ipv6 != NULL && self->ipv6();
}

/* Another question for a name that is being looked up, or a new lookup. */
static gboolean
join_lookup(BtNames *self, const char *name, gboolean ipv6, Waiter waiter)
{
  Lookup *lookup = g_hash_table_lookup(self->lookups, name);

  if (lookup == NULL) {
    if (g_hash_table_size(self->lookups) >= MAX_LOOKUPS || get_resolver(self) == NULL)
      return FALSE;
    lookup = g_new0(Lookup, 1);
    lookup->names = self;
    lookup->name = g_strdup(name);
    lookup->ipv6 = ipv6;
    lookup->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
    g_hash_table_insert(self->lookups, lookup->name, lookup);
    g_queue_push_tail(&self->queue, lookup);
  }
  if (lookup->waiters->len >= MAX_WAITERS)
    return FALSE;
  waiter.asked = g_get_monotonic_time();
  g_array_append_val(lookup->waiters, waiter);
  start_queued(self);
  return TRUE;
}

static void
look_up(BtNames *self, const char *name, gboolean ipv6, const Waiter *waiter)
{
  BtAddr written[BT_NET_MSG_MAX_ADDRS];
  const BtAddr *addrs = written;
  guint ttl = BT_ANSWER_TTL;
  guint n_addrs = bt_hosts_lookup(self->hosts_path, name, ipv6, written, G_N_ELEMENTS(written));

  if (n_addrs == 0)
    addrs = bt_answer_cache_get(self->cache, name, ipv6, g_get_monotonic_time(), &n_addrs, &ttl);
  if (addrs == NULL && join_lookup(self, name, ipv6, *waiter))
    return;
  g_autoptr(GArray) waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
  g_array_append_val(waiters, *waiter);
  if (addrs != NULL)
    answer_found(self, name, waiters, addrs, n_addrs, ttl);
  else
    answer_failed(self, name, waiters, RCODE_SERVFAIL);
}

/* ---- questions ---- */

/* Only what the worker learned by a granted name; never a question upstream. */
static void
answer_reverse(BtNames *self, const char *name, guint32 id)
{
  g_autoptr(GArray) rules = g_array_new(FALSE, FALSE, sizeof(guint32));
  BtNetMsgAnswer answer = { .ttl = BT_ANSWER_TTL };
  BtAddr addr;
  const BtKnownAddr *known;
  gboolean pinned = FALSE;

  if (!bt_dns_reverse_parse(name, &addr) || (known = bt_known_addrs_get(self->known, &addr)) == NULL) {
    answer_empty(self, id, RCODE_NXDOMAIN);
    return;
  }
  bt_policy_check_name(self->policy, known->name, rules);
  for (guint i = 0; i < rules->len && !pinned; i++)
    pinned = bt_pin_table_has(self->pins, &addr, g_array_index(rules, guint32, i));
  if (!pinned) {
    answer_empty(self, id, RCODE_NXDOMAIN);
    return;
  }
  g_strlcpy(answer.name, known->name, sizeof answer.name);
  send_answer(self, id, &answer);
}

/* A name that could stand in an event and in a question upstream as it is. */
static gboolean
is_plain(const char *name)
{
  for (const char *p = name; *p != '\0'; p++)
    if (!g_ascii_isalnum(*p) && *p != '-' && *p != '_' && *p != '.')
      return FALSE;
  return name[0] != '\0' && name[0] != '.' && strstr(name, "..") == NULL;
}

/* Of the loopback (RFC 6761): a file says so elsewhere. What may be reached there is not asked here. */
static void
answer_localhost(BtNames *self, const Waiter *waiter)
{
  BtNetMsgAnswer answer = { .ttl = BT_ANSWER_TTL, .n_addrs = 1 };

  if (waiter->type == BT_DNS_TYPE_AAAA)
    answer.addrs[0].bytes[15] = 1;
  else
    answer.addrs[0] = bt_addr_from_ipv4(htonl(INADDR_LOOPBACK));
  send_answer(self, waiter->id, &answer);
}

static void
answer_forward(BtNames *self, const char *name, const Waiter *waiter)
{
  BtVerdict verdict = bt_policy_check_name(self->policy, name, NULL);
  gboolean denied = verdict.action == BT_ACTION_DENY;
  gboolean ipv6 = !denied && has_ipv6(self);

  if (denied && waiter->type == BT_DNS_TYPE_A)
    bt_name_event_denied(self->explainer, self->policy, name, &verdict);
  if (waiter->type == BT_DNS_TYPE_AAAA && !ipv6)
    answer_empty(self, waiter->id, RCODE_NOERROR);
  else if (denied)
    answer_sinkhole(self, waiter->id, bt_known_addrs_sinkhole(self->known, name));
  else
    look_up(self, name, ipv6, waiter);
}

void
bt_names_query(BtNames *self, const BtNetMsgResolve *query)
{
  const Waiter waiter = { .id = query->header.id, .type = query->type };
  g_autofree char *name = g_ascii_strdown(query->name, strnlen(query->name, sizeof query->name));

  if (!is_plain(name))
    answer_empty(self, waiter.id, RCODE_NXDOMAIN);
  else if (query->type == BT_DNS_TYPE_PTR)
    answer_reverse(self, name, waiter.id);
  else if (strcmp(name, "localhost") == 0)
    answer_localhost(self, &waiter);
  else
    answer_forward(self, name, &waiter);
}
