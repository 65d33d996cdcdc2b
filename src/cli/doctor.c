/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gi18n-lib.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "cli/bt-doctor.h"
#include "cli/bt-help.h"
#include "cli/bt-run.h"
#include "lib/buntime-cure.h"

/* A run comes after the layers that it is made of, since their cures are the narrower ones. */
static const BtCheck checks[] = {
  { "kernel", N_("kernel"), NULL, FALSE, BT_NEEDS_NOTHING, bt_probe_kernel },
  { "container", N_("container"), NULL, FALSE, BT_NEEDS_NOTHING, bt_probe_container },
  { "flatpak", N_("Flatpak"), NULL, FALSE, BT_NEEDS_NOTHING, bt_probe_flatpak },
  { "wsl", N_("Windows"), NULL, FALSE, BT_NEEDS_NOTHING, bt_probe_wsl },
  { "namespaces", N_("user namespaces"), NULL, TRUE, BT_NEEDS_NOTHING, bt_probe_namespaces },
  { "mounts", N_("mounts"), NULL, TRUE, BT_NEEDS_NAMESPACES, bt_probe_mounts },
  { "procfs", N_("/proc of its own"), NULL, TRUE, BT_NEEDS_NAMESPACES, bt_probe_procfs },
  { "landlock", N_("Landlock"), NULL, TRUE, BT_NEEDS_NOTHING, bt_probe_landlock },
  { "seccomp", N_("seccomp notifications"), NULL, TRUE, BT_NEEDS_NOTHING, bt_probe_seccomp },
  { "run", N_("the default policy"), NULL, TRUE, BT_NEEDS_RUN, bt_probe_run },
  { "tier", "--tier=landlock", N_("a weaker tier for places where no namespace can be made"), FALSE,
    BT_NEEDS_NOTHING, bt_probe_tier },
  { "tap", N_("network by tap"), N_("--net=tap"), FALSE, BT_NEEDS_RUN, bt_probe_tap },
  { "veth", N_("network by veth"), N_("--net=veth"), FALSE, BT_NEEDS_RUN, bt_probe_veth },
  { "cgroup", N_("control groups"), N_("--cpu; --memory and --pids are held by weaker means"),
    FALSE, BT_NEEDS_RUN, bt_probe_cgroup },
  { "python", N_("Python"), N_("Python programs"), FALSE, BT_NEEDS_RUN, bt_probe_python },
  { "bun", N_("Bun"), N_("JavaScript and TypeScript programs"), FALSE, BT_NEEDS_RUN, bt_probe_bun },
  { "overlay", N_("overlay"), N_("nothing yet"), FALSE, BT_NEEDS_NAMESPACES, bt_probe_overlay },
};
#define N_CHECKS G_N_ELEMENTS(checks)

/* TRUE: the default policy can be enforced whole. */
static gboolean
look(BtFinding findings_out[N_CHECKS])
{
  gboolean whole = TRUE, namespaces = TRUE;

  for (gsize i = 0; i < N_CHECKS; i++) {
    const BtCheck *check = &checks[i];
    findings_out[i] = BT_FINDING_INIT;
    if ((check->needs == BT_NEEDS_RUN && !whole) ||
        (check->needs == BT_NEEDS_NAMESPACES && !namespaces))
      findings_out[i].found = BT_FOUND_UNKNOWN;
    else
      check->probe(&findings_out[i]);
    gboolean found = findings_out[i].found == BT_FOUND_OK;
    whole = whole && (found || !check->required);
    namespaces = namespaces && (found || check->probe != bt_probe_namespaces);
  }
  return whole;
}

/* ---- for people ---- */

static const char *
word_of(BtFound found)
{
  switch (found) {
  case BT_FOUND_OK:
    return _("yes");
  case BT_FOUND_MISSING:
    return _("no");
  case BT_FOUND_UNKNOWN:
    return "?";
  case BT_FOUND_FACT:
    break;
  }
  return "";
}

static void
append_column(GString *text, const char *word, glong width)
{
  g_string_append(text, word);
  for (glong i = bt_help_columns(word); i < width; i++)
    g_string_append_c(text, ' ');
  g_string_append_c(text, ' ');
}

/* What a child said is shown, not obeyed. */
static void
append_safe(GString *text, const char *words)
{
  for (const char *p = words; *p != '\0'; p = g_utf8_next_char(p)) {
    gunichar c = g_utf8_get_char(p);
    g_string_append_unichar(text, g_unichar_iscntrl(c) ? '?' : c);
  }
}

static void
append_row(GString *text, const BtCheck *check, const BtFinding *finding, glong width)
{
  append_column(text, word_of(finding->found), 4);
  append_column(text, g_dgettext(GETTEXT_PACKAGE, check->title), width);
  if (finding->found == BT_FOUND_UNKNOWN)
    g_string_append(text, _("not tried: it needs what is missing above"));
  else if (finding->reason != NULL || finding->value != NULL)
    append_safe(text, finding->reason != NULL ? finding->reason : finding->value);
  while (text->str[text->len - 1] == ' ')
    g_string_truncate(text, text->len - 1);
  g_string_append_c(text, '\n');
  if (finding->found != BT_FOUND_MISSING)
    return;
  if (check->missed != NULL)
    g_string_append_printf(text, _("       without it: %s\n"),
                           g_dgettext(GETTEXT_PACKAGE, check->missed));
  if (finding->cure != NULL) {
    g_string_append(text, "       ");
    append_safe(text, finding->cure);
    g_string_append_c(text, '\n');
  }
}

/* The weaker tier is chosen by itself inside Flatpak alone. */
static const char *
outcome_of(const BtFinding findings[N_CHECKS], gboolean whole)
{
  gboolean tier = FALSE;

  for (gsize i = 0; i < N_CHECKS; i++)
    tier |= checks[i].probe == bt_probe_tier && findings[i].found == BT_FOUND_OK;
  if (whole)
    return _("The default policy can be enforced whole.\n");
  if (!tier)
    return _("The default policy cannot be enforced: no run will start.\n");
  return bt_is_in_flatpak()
           ? _("The default policy cannot be enforced whole: runs are held by Landlock alone, which is "
               "weaker.\n")
           : _("The default policy cannot be enforced: no run will start, but for those with "
               "--tier=landlock, which is weaker.\n");
}

static char *
format_table(const BtFinding findings[N_CHECKS], gboolean whole)
{
  GString *text = g_string_new(NULL);
  glong width = 0;

  for (gsize i = 0; i < N_CHECKS; i++)
    width = MAX(width, bt_help_columns(g_dgettext(GETTEXT_PACKAGE, checks[i].title)));
  for (gsize i = 0; i < N_CHECKS; i++)
    if (findings[i].found != BT_FOUND_FACT || findings[i].value != NULL)
      append_row(text, &checks[i], &findings[i], width + 1);
  g_string_append(text, outcome_of(findings, whole));
  return g_string_free(text, FALSE);
}

/* ---- for programs ---- */

static void
append_string(GString *text, const char *key, const char *value)
{
  g_string_append_printf(text, ",\"%s\":\"", key);
  for (const char *p = value; *p != '\0'; p++) {
    if (*p == '"' || *p == '\\')
      g_string_append_printf(text, "\\%c", *p);
    else if ((guchar)*p < 0x20 || *p == 0x7f)
      g_string_append_printf(text, "\\u%04x", (guchar)*p);
    else
      g_string_append_c(text, *p);
  }
  g_string_append_c(text, '"');
}

static char *
format_json(const BtFinding findings[N_CHECKS], gboolean whole)
{
  static const char *const words[] = { "ok", "missing", "unknown", "fact" };
  GString *text = g_string_new(NULL);

  g_string_append_printf(text, "{\"v\":1,\"enforced\":%s,\"checks\":[", whole ? "true" : "false");
  for (gsize i = 0; i < N_CHECKS; i++) {
    const BtFinding *finding = &findings[i];
    g_string_append_printf(text, "%s{\"name\":\"%s\",\"required\":%s", i > 0 ? "," : "",
                           checks[i].name, checks[i].required ? "true" : "false");
    append_string(text, "found", words[finding->found]);
    if (finding->value != NULL)
      append_string(text, "value", finding->value);
    if (finding->reason != NULL)
      append_string(text, "reason", finding->reason);
    if (finding->cure != NULL)
      append_string(text, "cure", finding->cure);
    g_string_append_c(text, '}');
  }
  g_string_append(text, "]}\n");
  return g_string_free(text, FALSE);
}

/* Also for the runs that are made. */
static void
speak_english(void)
{
  setlocale(LC_ALL, "C");
  g_setenv("LC_ALL", "C.UTF-8", TRUE);
  g_unsetenv("LANGUAGE");
}

int
bt_doctor(const BtCommandLine *line, GError **error)
{
  BtFinding findings[N_CHECKS];
  gboolean json = bt_command_line_has(line, BT_OPTION_JSON);

  if (bt_command_line_has(line, BT_OPTION_PRINT_APPARMOR)) {
    g_autofree char *profile = bt_apparmor_profile(error);
    return profile != NULL ? bt_print(profile, error) : -1;
  }
  if (line->words->pdata[0] != NULL) {
    bt_fail(error, BUNTIME_ERROR_USAGE, line->words->pdata[0], _("a word that is no flag"),
            _("'buntime doctor --help' shows what to write"));
    return -1;
  }
  if (json)
    speak_english();
  gboolean whole = look(findings);
  g_autofree char *text = json ? format_json(findings, whole) : format_table(findings, whole);
  for (gsize i = 0; i < N_CHECKS; i++)
    bt_finding_clear(&findings[i]);
  int printed = bt_print(text, error);
  return printed != 0 ? printed : whole ? 0 : 1;
}
