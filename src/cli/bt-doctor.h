/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What `buntime doctor` looks at: a table of checks, each with a function. */

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  BT_FOUND_OK,
  BT_FOUND_MISSING,
  BT_FOUND_UNKNOWN, /* something else is missing that it needs */
  BT_FOUND_FACT,    /* neither good nor bad, and worth knowing */
} BtFound;

typedef struct {
  BtFound found;
  char *value;  /* OK, FACT: what is there, or NULL */
  char *reason; /* MISSING: "object: reason" */
  char *cure;   /* or NULL */
} BtFinding;

#define BT_FINDING_INIT ((BtFinding){ BT_FOUND_OK, NULL, NULL, NULL })
void bt_finding_clear(BtFinding *finding);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BtFinding, bt_finding_clear)

/* What is missing already where a check would only say that again. */
typedef enum {
  BT_NEEDS_NOTHING,
  BT_NEEDS_NAMESPACES,
  BT_NEEDS_RUN,
} BtNeeds;

typedef struct {
  const char *name;   /* for programs */
  const char *title;  /* to be translated */
  const char *missed; /* to be translated: what there is not without it */
  gboolean required;  /* by the default policy */
  BtNeeds needs;
  void (*probe)(BtFinding *finding_out);
} BtCheck;

/*
 * A child, which is killed if it takes too long. func ends it by _exit(), or by its return with 0;
 * what it writes is text_out (transfer full): valid UTF-8, its start if it is long. The wait
 * status; -1: it could not be started, or did not end in time.
 */
int bt_doctor_child(void (*func)(gconstpointer data), gconstpointer data, char **text_out);

/* Each asks the kernel, in a child (bt-doctor-kernel.c). */
void bt_probe_namespaces(BtFinding *finding_out);
void bt_probe_procfs(BtFinding *finding_out);
void bt_probe_mounts(BtFinding *finding_out);
void bt_probe_landlock(BtFinding *finding_out);
void bt_probe_seccomp(BtFinding *finding_out);
void bt_probe_overlay(BtFinding *finding_out);

/* Each is a run of this very program (bt-doctor-runs.c). */
void bt_probe_run(BtFinding *finding_out);
void bt_probe_tier(BtFinding *finding_out);
void bt_probe_tap(BtFinding *finding_out);
void bt_probe_veth(BtFinding *finding_out);
void bt_probe_cgroup(BtFinding *finding_out);
void bt_probe_python(BtFinding *finding_out);
void bt_probe_bun(BtFinding *finding_out);

/* Where we are (bt-doctor-place.c). FACT; value NULL: nowhere special. */
void bt_probe_kernel(BtFinding *finding_out);
void bt_probe_container(BtFinding *finding_out);
void bt_probe_flatpak(BtFinding *finding_out);
void bt_probe_wsl(BtFinding *finding_out);

/* AppArmor's profile for this program where it is (transfer full); NULL with error set. */
char *bt_apparmor_profile(GError **error);
/* The path of this program (transfer full), or NULL. */
char *bt_own_path(void);

G_END_DECLS
