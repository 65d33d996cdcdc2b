/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where this machine is another one's guest; and AppArmor's profile for what is here. */
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/bt-apparmor.h"
#include "cli/bt-doctor.h"
#include "lib/buntime-cure.h"
#include "lib/buntime-sandbox.h"

static char *
read_text(const char *path)
{
  char *text = NULL;
  return g_file_get_contents(path, &text, NULL, NULL) ? g_strchomp(text) : NULL;
}

void
bt_probe_kernel(BtFinding *finding_out)
{
  struct utsname names;

  finding_out->found = BT_FOUND_FACT;
  if (uname(&names) == 0)
    finding_out->value = g_strdup_printf("%s, %s", names.release, names.machine);
}

void
bt_probe_container(BtFinding *finding_out)
{
  finding_out->found = BT_FOUND_FACT;
  finding_out->value = g_strdup(bt_container_name());
}

void
bt_probe_flatpak(BtFinding *finding_out)
{
  finding_out->found = BT_FOUND_FACT;
  if (bt_is_in_flatpak())
    finding_out->value = g_strdup(_("user namespaces are refused inside"));
}

/* Both say Microsoft; only the second's is a Linux. */
void
bt_probe_wsl(BtFinding *finding_out)
{
  g_autofree char *release = read_text("/proc/sys/kernel/osrelease");
  g_autofree char *lower = release != NULL ? g_ascii_strdown(release, -1) : NULL;

  finding_out->found = BT_FOUND_FACT;
  if (lower == NULL || strstr(lower, "microsoft") == NULL)
    return;
  if (strstr(lower, "wsl2") != NULL || strstr(lower, "microsoft-standard") != NULL) {
    finding_out->value = g_strdup("WSL2");
    return;
  }
  finding_out->found = BT_FOUND_MISSING;
  finding_out->reason = g_strdup(_("WSL1: it has no Linux kernel"));
  finding_out->cure = g_strdup(_("run 'wsl --set-version DISTRIBUTION 2' in Windows"));
}

/* ---- AppArmor ---- */

char *
bt_own_path(void)
{
  char path[4096];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);

  if (length <= 0)
    return NULL;
  path[length] = '\0';
  return g_strdup(path);
}

char *
bt_apparmor_profile(GError **error)
{
  g_autofree char *path = bt_own_path();
  char *profile = path != NULL ? bt_apparmor_profile_of(path) : NULL;

  if (profile == NULL)
    bt_fail(error, BUNTIME_ERROR_SETUP, path != NULL ? path : "/proc/self/exe",
            _("no path that AppArmor can have"), _("install buntime elsewhere"));
  return profile;
}
