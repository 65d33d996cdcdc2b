/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Limits: their words, and which of several counts.
 *
 * Flags and policy files write them alike, and what is written here is read
 * again as the same value. A decimal fraction is kept as thousandths, never as
 * a floating-point number, and what does not come out whole is refused: no
 * limit is another than the one that was written.
 */
#include <glib/gi18n-lib.h>
#include <string.h>

#include "policy/bt-policy-private.h"

typedef enum {
  BYTES,
  TIME, /* ms */
  CPUS, /* thousandths */
  COUNT,
} Measure;

/* What a value is at most; sizes fit a JSON number of 15 digits, as the reader takes them. */
#define MAX_BYTES (512ull << 40)
#define MAX_TIME (30ull * 24 * 3600 * 1000)
#define MAX_CPUS (8192ull * 1000)
#define MAX_PIDS (1ull << 22) /* the kernel's own PID_MAX_LIMIT */
#define MAX_FILES 1048576ull  /* what the kernel lets be set unless told otherwise */
#define MAX_RATE 1000000ull
/* A tmpfs has whole pages. */
#define MIN_TMP 4096ull

static const struct {
  const char *key, *flag;
  Measure measure;
  guint64 min, max;
} limits[BT_N_LIMITS] = {
  [BT_LIMIT_MEMORY] = { "memory", "memory", BYTES, 1u << 20, MAX_BYTES },
  [BT_LIMIT_CPU] = { "cpu", "cpu", CPUS, 1, MAX_CPUS },
  [BT_LIMIT_PIDS] = { "pids", "pids", COUNT, 1, MAX_PIDS },
  [BT_LIMIT_WALL_TIME] = { "wallTime", "timeout", TIME, 1, MAX_TIME },
  [BT_LIMIT_CPU_TIME] = { "cpuTime", "cpu-time", TIME, 1, MAX_TIME },
  [BT_LIMIT_OUTPUT] = { "output", "max-output", BYTES, 1, MAX_BYTES },
  [BT_LIMIT_TMP_SIZE] = { "tmpSize", "tmp-size", BYTES, MIN_TMP, MAX_BYTES },
  [BT_LIMIT_SHM_SIZE] = { "shmSize", "shm-size", BYTES, MIN_TMP, MAX_BYTES },
  [BT_LIMIT_OPEN_FILES] = { "openFiles", "open-files", COUNT, 1, MAX_FILES },
  [BT_LIMIT_NET_RATE] = { "netConnectionsPerSecond", "net-rate", COUNT, 1, MAX_RATE },
  [BT_LIMIT_NET_BYTES] = { "netBytes", "net-bytes", BYTES, 1, MAX_BYTES },
};

typedef struct {
  const char *word;
  guint64 factor; /* in the measure's own units */
} Unit;

/* The last that divides a value is the one it is written in. */
static const Unit size_units[] = {
  { "", 1 },
  { "K", 1ull << 10 },
  { "M", 1ull << 20 },
  { "G", 1ull << 30 },
  { "T", 1ull << 40 },
  { NULL, 0 },
}, long_size_units[] = {
  { "KiB", 1ull << 10 },
  { "MiB", 1ull << 20 },
  { "GiB", 1ull << 30 },
  { "TiB", 1ull << 40 },
  { NULL, 0 },
}, time_units[] = {
  { "ms", 1 },
  { "s", 1000 },
  { "m", 60 * 1000 },
  { "h", 3600 * 1000 },
  { "d", 24 * 3600 * 1000 },
  { NULL, 0 },
}, cpu_units[] = {
  { "", 1000 },
  { "%", 10 },
  { NULL, 0 },
}, count_units[] = {
  { "", 1 },
  { NULL, 0 },
};

const char *
bt_limit_key(BtLimit limit)
{
  return limits[limit].key;
}

const char *
bt_limit_flag(BtLimit limit)
{
  return limits[limit].flag;
}

gboolean
bt_limit_is_count(BtLimit limit)
{
  return limits[limit].measure == COUNT;
}

/* ---- words to values ---- */

static const Unit *
find_unit(const Unit *units, const char *word)
{
  for (const Unit *unit = units; unit->word != NULL; unit++)
    if (strcmp(unit->word, word) == 0)
      return unit;
  return NULL;
}

static const Unit *
unit_of(Measure measure, const char *word)
{
  const Unit *unit = NULL;

  switch (measure) {
  case BYTES:
    unit = find_unit(size_units, word);
    return unit != NULL ? unit : find_unit(long_size_units, word);
  case TIME:
    /* A bare number means seconds. */
    return find_unit(time_units, word[0] == '\0' ? "s" : word);
  case CPUS:
    return find_unit(cpu_units, word);
  case COUNT:
    return find_unit(count_units, word);
  }
  return NULL;
}

static gboolean
fail_syntax(Measure measure, GError **error)
{
  switch (measure) {
  case BYTES:
    return bt_fail(error, BUNTIME_ERROR_USAGE, NULL, _("not a size"),
                   _("write whole bytes, or with K, M, G or T for 1024 each: 512M"));
  case TIME:
    return bt_fail(error, BUNTIME_ERROR_USAGE, NULL, _("not a time"),
                   _("write seconds, or a number with ms, s, m, h or d: 90s"));
  case CPUS:
    return bt_fail(error, BUNTIME_ERROR_USAGE, NULL, _("not a number of processors"),
                   _("write one with at most three decimals, like 2 or 0.5, or like 50%"));
  case COUNT:
    break;
  }
  return bt_fail(error, BUNTIME_ERROR_USAGE, NULL, _("not a whole number"),
                 _("write one like 64"));
}

static gboolean
fail_bound(BtLimit limit, gboolean above, GError **error)
{
  g_autofree char *bound =
    bt_limit_format(limit, above ? limits[limit].max : limits[limit].min);
  g_autofree char *cure =
    g_strdup_printf(above ? _("write at most %s, or leave the limit out")
                          : _("write at least %s, or leave the limit out"),
                    bound);
  return bt_fail(error, BUNTIME_ERROR_USAGE, NULL, above ? _("too large") : _("too small"), cure);
}

/* "1.25" is 1250. Moves *text behind it; FALSE: no such number, or none that fits. */
static gboolean
read_thousandths(const char **text, guint64 *value_out, gboolean *overflow_out)
{
  const char *c = *text;
  guint64 value = 0;
  guint decimals = 0;
  gboolean fits = TRUE;

  if (!g_ascii_isdigit(*c))
    return FALSE;
  for (; g_ascii_isdigit(*c); c++)
    fits = fits && g_uint64_checked_mul(&value, value, 10) &&
           g_uint64_checked_add(&value, value, (guint64)g_ascii_digit_value(*c));
  fits = fits && g_uint64_checked_mul(&value, value, 1000);
  if (*c == '.') {
    guint64 scale = 100;
    for (c++; g_ascii_isdigit(*c) && decimals < 3; c++, decimals++, scale /= 10)
      fits = fits && g_uint64_checked_add(&value, value, scale * (guint64)g_ascii_digit_value(*c));
    if (decimals == 0)
      return FALSE;
  }
  *text = c;
  *value_out = value;
  *overflow_out = !fits;
  return TRUE;
}

/* "512KB" is written by people who mean either. */
static gboolean
is_ambiguous(Measure measure, const char *unit)
{
  return measure == BYTES && strlen(unit) == 2 && strchr("kKMGT", unit[0]) != NULL &&
         unit[1] == 'B';
}

gboolean
bt_limit_parse(BtLimit limit, const char *word, guint64 *value_out, GError **error)
{
  Measure measure = limits[limit].measure;
  guint64 thousandths = 0, value = 0;
  gboolean overflow = FALSE;
  const char *rest = word;

  if (!read_thousandths(&rest, &thousandths, &overflow))
    return fail_syntax(measure, error);
  if (is_ambiguous(measure, rest)) {
    g_autofree char *reason = g_strdup_printf(_("%s can mean 1000 or 1024"), rest);
    return bt_fail(error, BUNTIME_ERROR_USAGE, NULL, reason,
                   _("write K, M, G or T, or KiB, MiB, GiB or TiB, for 1024 each"));
  }
  const Unit *unit = unit_of(measure, rest);
  if (unit == NULL)
    return fail_syntax(measure, error);
  /* 1.5G is a size, 0.1K is not. */
  guint64 whole = thousandths / 1000, fraction = thousandths % 1000;
  if (!overflow && fraction * unit->factor % 1000 != 0)
    return fail_syntax(measure, error);
  overflow = overflow || !g_uint64_checked_mul(&value, whole, unit->factor) ||
             !g_uint64_checked_add(&value, value, fraction * unit->factor / 1000);
  if (overflow || value > limits[limit].max)
    return fail_bound(limit, TRUE, error);
  if (value < limits[limit].min)
    return fail_bound(limit, FALSE, error);
  *value_out = value;
  return TRUE;
}

gboolean
bt_limit_from_number(BtLimit limit, double number, guint64 *value_out, GError **error)
{
  char word[G_ASCII_DTOSTR_BUF_SIZE];

  /* At most 15 digits: what was written. Exponents become no word of ours, and are refused. */
  g_ascii_formatd(word, sizeof word, "%.15g", number);
  /* Of more digits, 1.0000000000000002 say, they would be another number. */
  if (g_ascii_strtod(word, NULL) != number)
    return fail_syntax(limits[limit].measure, error);
  return bt_limit_parse(limit, word, value_out, error);
}

/* ---- values to words ---- */

static char *
format_cpus(guint64 value)
{
  if (value % 1000 == 0)
    return g_strdup_printf("%" G_GUINT64_FORMAT, value / 1000);
  char *text = g_strdup_printf("%" G_GUINT64_FORMAT ".%03u", value / 1000, (guint)(value % 1000));
  for (gsize end = strlen(text) - 1; text[end] == '0'; end--)
    text[end] = '\0';
  return text;
}

char *
bt_limit_format(BtLimit limit, guint64 value)
{
  static const Unit *const units[] = {
    [BYTES] = size_units, [TIME] = time_units, [COUNT] = count_units,
  };
  Measure measure = limits[limit].measure;

  if (measure == CPUS)
    return format_cpus(value);
  /* The first is 1. */
  const Unit *best = units[measure];
  for (const Unit *unit = best; unit->word != NULL; unit++)
    if (value % unit->factor == 0)
      best = unit;
  return g_strdup_printf("%" G_GUINT64_FORMAT "%s", value / best->factor, best->word);
}

char *
bt_suggest_limit(BtLimit limit, guint64 value)
{
  g_autofree char *word = bt_limit_format(limit, MIN(value * 2, limits[limit].max));

  return value < limits[limit].max ? g_strdup_printf("--%s=%s", limits[limit].flag, word) : NULL;
}

/* ---- those of a policy ---- */

gboolean
bt_policy_get_limit(BtPolicy *policy, BtLimit limit, guint64 *value_out,
                    const BtOrigin **origin_out)
{
  if (!policy->limits[limit].set)
    return FALSE;
  *value_out = policy->limits[limit].value;
  if (origin_out != NULL)
    *origin_out = &policy->limits[limit].origin;
  return TRUE;
}

void
bt_policy_set_limit(BtPolicy *policy, BtLayer layer, BtLimit limit, guint64 value,
                    const BtOrigin *origin)
{
  gboolean stands = policy->limits[limit].set &&
                    (policy->limits[limit].layer < layer ||
                     (policy->limits[limit].layer == layer && layer != BT_LAYER_FLAGS &&
                      policy->limits[limit].value <= value));

  if (stands)
    return;
  policy->limits[limit].set = TRUE;
  policy->limits[limit].layer = layer;
  policy->limits[limit].value = value;
  bt_origin_clear(&policy->limits[limit].origin);
  bt_origin_init(&policy->limits[limit].origin, origin->source, origin->line, origin->text);
}

gboolean
bt_policy_add_limit(BtPolicy *policy, BtLayer layer, BtLimit limit, const char *word,
                    GError **error)
{
  g_autofree char *text = g_strdup_printf("--%s=%s", limits[limit].flag, word);
  BtOrigin origin = { .line = 0 };
  GError *cause = NULL;
  guint64 value = 0;

  if (!bt_limit_parse(limit, word, &value, &cause))
    return bt_fail_for(error, BUNTIME_ERROR_USAGE, text, cause);
  bt_origin_init(&origin, bt_layer_source(layer), 0, text);
  bt_policy_set_limit(policy, layer, limit, value, &origin);
  bt_origin_clear(&origin);
  return TRUE;
}
