/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One compilation: the request, the plan so far, and what lies where in it.
 *
 * A host path is mounted at the same path inside, so "is it visible" and "does the
 * mount point exist" are one question: what is the innermost mount above it.
 */

#include <sys/stat.h>

#include "plan/bt-plan-builder.h"
#include "plan/bt-plan-compile.h"
#include "plan/bt-program.h"
#include "policy/bt-event.h"
#include "policy/bt-path.h"

G_BEGIN_DECLS

/* Landlock rights and scopes that are newer than the headers of the floor. */
#define BT_LANDLOCK_IOCTL_DEV (1u << 15)
#define BT_LANDLOCK_FILE                                                                          \
  (BT_FS_EXECUTE | BT_FS_WRITE_FILE | BT_FS_READ_FILE | BT_FS_TRUNCATE | BT_LANDLOCK_IOCTL_DEV)

/* The kernel lets nobody make them without a capability; an overlay's whiteouts are left out, too. */
#define BT_FS_DEVICES (BT_FS_MAKE_CHAR | BT_FS_MAKE_BLOCK)

typedef enum {
  BT_MOUNT_OWN,  /* a tmpfs of the sandbox's: mount points can be made on it */
  BT_MOUNT_HOST, /* the host's tree at the same path */
  BT_MOUNT_WAY,  /* a mask: mount points can be made on it, and nothing else is there */
  BT_MOUNT_SHUT, /* neither: procfs, a mask */
} BtMountKind;

typedef struct {
  char *path;
  gsize length; /* of path; 0 for "/" */
  BtMountKind kind;
  guint attr;      /* BT_PLAN_RDONLY ... */
  BtFsPerms perms; /* HOST: what is allowed there */
} BtMount;

/* A place that will be looked at when all are known, parents before children. */
typedef enum {
  BT_SPOT_POINT,   /* a rule speaks of it: the policy says what becomes of it */
  BT_SPOT_NORUN,   /* no program there runs; libraries may still be mapped, programs granted */
  BT_SPOT_LIBRARY, /* a directory to map code from, read-only, unless it is denied */
  BT_SPOT_UNSEEN,  /* the host's, shown read-only where nothing else shows it */
  BT_SPOT_SHOW,    /* the host's, read-only, whatever shows it; NOEXEC is a denial, it shows nothing */
  BT_SPOT_MASK,    /* never the host's, where something shows it */
} BtSpotKind;

typedef struct {
  char *path; /* canonical */
  BtSpotKind kind;
  guint attr;
  GBytes *bytes; /* SHOW: not the host's file but this one, of the policy's; else NULL */
} BtSpot;

/* What a rule grants at a path, for Landlock. */
typedef struct {
  char *path;
  BtFsPerms perms;
  gboolean folder;
} BtGrant;

typedef struct {
  const BtPlanRequest *request;
  BtPlanBuilder *builder;
  GPtrArray *notices;  /* char * */
  GPtrArray *denied;   /* char *: the host's objects that a mount denies */
  GPtrArray *lent;     /* char *: files that the supervisor makes for the worker */
  GArray *mounts;      /* BtMount, in the order they cover each other */
  GArray *spots;       /* BtSpot */
  GArray *grants;      /* BtGrant */
  GHashTable *made;    /* paths made on the sandbox's own filesystems; is it a directory? */
  GHashTable *shown;   /* host paths already followed */
  GHashTable *plain;   /* host paths that are no symbolic links */
  GPtrArray *readable; /* char *: where reading is allowed if not at "/" */
  int landlock_abi;    /* 0: off */
  guint64 handled;     /* Landlock rights this kernel knows */
  gboolean flat;       /* without namespaces: the host's tree is what there is (bt-plan-flat.c) */
  gboolean run_everything; /* programs are granted everywhere */
  gboolean run_denials;    /* ... or elsewhere, but not in some places */
  gboolean map_everything; /* code may be mapped from whatever cannot be written */
  guint noexec;        /* BT_PLAN_NOEXEC, or 0 with run_everything */
  GArray *worker_program; /* struct sock_filter; NULL: none */
  guint map_noexec;    /* the same for what is read-only: 0 with map_everything, too */
  guint copies;        /* programs that the plan itself holds */
  GPtrArray *run_roots; /* char *: whatever is below runs, but for ... */
  GPtrArray *map_only;  /* char *: ... what may be mapped and is denied to run */
  /* What the worker is: bt-plan-worker.c */
  char *executable;    /* canonical: what is granted */
  char *run_path;      /* as found: what is executed, and so the process's name */
  char *path_dir;      /* where its interpreter was found, first in PATH; NULL: none */
  char *program;
  char *entry_path;
  char *own_tmp; /* where every kind of writing goes on, if not in all of /tmp; NULL: there */
} BtCompile;

/* ---- bt-plan-paths.c: what lies where ---- */

/* The innermost mount at or above path; never NULL. Valid until the next mount. */
const BtMount *bt_mounts_find(const GArray *mounts, const char *path);
const BtMount *bt_compile_mount_at(const BtCompile *self, const char *path);
void bt_compile_add_mount(BtCompile *self, const char *path, BtMountKind kind, guint attr,
                          BtFsPerms perms);
/* These make nothing where the host's tree already shows something. */
void bt_compile_dir(BtCompile *self, const char *path);
void bt_compile_file(BtCompile *self, const char *path, guint mode, const void *data, gsize size);
void bt_compile_symlink(BtCompile *self, const char *text, const char *path);
/* An empty directory in which nothing can be made, for the working directory and home. */
void bt_compile_empty_dir(BtCompile *self, const char *path);
/* A read-only file system of the sandbox's over the directory that is there; TRUE. */
gboolean bt_compile_cover(BtCompile *self, const char *path, BtMountKind kind, guint mode);
/* The host's object at a canonical path, its mount point included. */
gboolean bt_compile_bind(BtCompile *self, const char *path, const struct stat *info, guint attr,
                         BtFsPerms perms, GError **error);
/* A program of these bytes at a canonical path, its mount point included. */
gboolean bt_compile_copy(BtCompile *self, const char *path, GBytes *bytes, GError **error);
/*
 * Follows an absolute path as the kernel does, and repeats the symbolic links
 * on the way where they would be missing. Returns the canonical path; what
 * cannot be looked at is taken as written. Never fails.
 */
char *bt_compile_show(BtCompile *self, const char *path);
void bt_compile_spot(BtCompile *self, const char *path, BtSpotKind kind, guint attr);
/* The program at path, when it is known what it must be. */
void bt_compile_spot_copy(BtCompile *self, const char *path, GBytes *bytes);
void bt_compile_note(BtCompile *self, char *notice);
void bt_compile_readable(BtCompile *self, const char *path);

/* ---- one file a subject ---- */

/* When all is compiled. */
BtPlanPlaces *bt_compile_places(BtCompile *self);        /* bt-plan-places.c */

void bt_compile_base(BtCompile *self);                   /* bt-plan-base.c */
/* What Landlock gives to a place of the program's own. */
guint64 bt_compile_private_access(const BtCompile *self); /* bt-plan-base.c */
/* When all is mounted. */
gboolean bt_compile_makes(BtCompile *self, GError **error); /* bt-plan-make.c */
gboolean bt_compile_is_lent(const BtCompile *self, const char *path);
/* Could a file be granted that is not there yet? */
gboolean bt_compile_can_make(const BtCompile *self, const char *path);
/* When all grants are known. */
void bt_compile_tmp_rules(BtCompile *self);              /* bt-plan-tmp.c */
/* Spots in the order in which they are to be looked at; of the same ones the first. */
void bt_compile_sort_spots(BtCompile *self);             /* bt-plan-fs.c */
void bt_compile_libraries(BtCompile *self);              /* bt-plan-base.c */
void bt_compile_etc(BtCompile *self);                    /* bt-plan-etc.c */
void bt_compile_rules(BtCompile *self);                  /* bt-plan-fs.c */
gboolean bt_compile_is_granted(const BtCompile *self, const char *path);
void bt_compile_submounts(BtCompile *self); /* bt-plan-submounts.c */

/* ---- bt-plan-masks.c: what hides the host's objects ---- */

gboolean bt_compile_is_writable(const BtMount *mount);
/* Makes every directory between the writable mount above and path a mount. */
gboolean bt_compile_guard(BtCompile *self, const char *path, GError **error);
/* A denial is of a path; what else leads to the file is told. */
void bt_compile_tell_of_links(BtCompile *self, const char *path, const struct stat *info);
/* Does a rule for this very path give it what it has, not one for a place above? */
gboolean bt_compile_is_granted_at(const BtCompile *self, const char *path);
/* Whatever may be granted below. */
gboolean bt_compile_hide(BtCompile *self, const char *path, GError **error);
/* But for what a higher layer grants below, to which there is a way. */
gboolean bt_compile_hide_denied(BtCompile *self, const char *path, GError **error);
/* Would Landlock give more than perms below a mask, since it is given above? */
gboolean bt_compile_is_widened(const BtCompile *self, const char *path, BtFsPerms perms,
                               gboolean folder);

/* ---- others ---- */

gboolean bt_compile_spots(BtCompile *self, GError **error); /* bt-plan-fs.c */
gboolean bt_compile_plugins(BtCompile *self, GError **error);         /* bt-plan-plugins.c */
/* An error: wanted is not to be had, for it needs a layer that is off. */
gboolean bt_compile_refuse(const BtCompile *self, const BtOrigin *wanted, const char *reason,
                           GError **error);
/* Can what the policy asks for be held without namespaces? Says what is not held. */
gboolean bt_compile_check_flat(BtCompile *self, GError **error);      /* bt-plan-flat.c */
gboolean bt_compile_has_plugin(const BtCompile *self, BtPlugins plugin);
/* Can what was granted be held by the layers that are on? */
gboolean bt_compile_check_grants(const BtCompile *self, GError **error);
gboolean bt_compile_landlock(BtCompile *self, GError **error);        /* bt-plan-landlock.c */
void bt_compile_landlock_rules(BtCompile *self);                      /* bt-plan-landlock.c */
/* A rule for path: of access what the kernel knows and a file can have; no rule for nothing. */
void bt_compile_allow(BtCompile *self, const char *path, guint64 access, gboolean folder);
/*
 * What the rules for what is known so far give there. The perms of the mount may be less:
 * a grant within another has no mount of its own where it would be the same.
 */
BtFsPerms bt_compile_perms_at(const BtCompile *self, const char *path);
/* Could a file be cut that may only be written otherwise, or read? Not by mounts, nor by Landlock. */
gboolean bt_compile_loses_truncate(const BtCompile *self);
/* Adds the numbers of calls that must not be made; TRUE: ioctls of files must not, either. */
gboolean bt_compile_refuse_metadata(BtCompile *self, GArray *refused); /* bt-plan-metadata.c */
gboolean bt_compile_check_metadata(const BtCompile *self, GError **error);
gboolean bt_compile_worker(BtCompile *self, GError **error);          /* bt-plan-worker.c */
/* Collecting, base and entry included; and what then may be done with it. */
gboolean bt_compile_flat_places(BtCompile *self, GError **error);     /* bt-plan-flat.c */
/* Everybody may read what is at a path, if anything is. */
void bt_compile_flat_base(BtCompile *self, const char *path);         /* bt-plan-flat.c */
void bt_compile_run_rules(BtCompile *self);                           /* bt-plan-exec.c */

/* ---- bt-plan-run.c: what may be written, run or mapped ---- */

void bt_compile_run_init(BtCompile *self);
void bt_compile_run_clear(BtCompile *self);
/*
 * Of a directory that rules grant to run and, by perms, to write: takes away
 * one of both, unless both are meant, and says so. TRUE: it still runs.
 */
gboolean bt_compile_run_or_write(BtCompile *self, const char *path, BtFsPerms *perms);
/* Landlock's right to run for all below the run_roots. */
gboolean bt_compile_run_roots(BtCompile *self, GError **error);
void bt_compile_ffi(BtCompile *self); /* bt-plan-ffi.c */

/*
 * Makes one program executable: its file, its loader. path is canonical;
 * known is what was read of it, NULL if nothing was.
 */
void bt_compile_program(BtCompile *self, const char *path, const BtProgram *known);
/* The programs that a tool of this name starts by itself, less what is denied. */
void bt_compile_bundle(BtCompile *self, const char *path);
/* Libraries of a prefix may be mapped; its programs do not run. (bt-plan-worker.c) */
void bt_compile_python_prefix(BtCompile *self, const char *binary);
void bt_compile_env(BtCompile *self);    /* bt-plan-env.c */
/* What a program with a channel uses it by, and the variables that lead there. (bt-plan-clients.c) */
void bt_compile_clients(BtCompile *self);
void bt_compile_channel_env(BtCompile *self);
gboolean bt_compile_limits(BtCompile *self, GError **error); /* bt-plan-limits.c */
/* Are new processes notified, since nobody else tells that there are too many? */
gboolean bt_compile_counts_forks(const BtCompile *self);
/* What BtPlan.silent_limits says (transfer full). */
char *bt_compile_silent_limits(const BtCompile *self);
/* Bytes of /tmp (own: TMP_SIZE) or /dev/shm (SHM_SIZE). */
guint64 bt_compile_scratch_size(const BtCompile *self, BtLimit own);
void bt_compile_sys(BtCompile *self);    /* bt-plan-sys.c */
void bt_compile_note_interfaces(BtCompile *self); /* bt-plan-sys.c */
const char *bt_compile_host_name(const BtCompile *self); /* bt-plan-sys.c */
void bt_compile_net(BtCompile *self);    /* bt-plan-net.c */
gboolean bt_compile_relays(BtCompile *self, GError **error); /* bt-plan-relays.c */
gboolean bt_compile_filters(BtCompile *self, GError **error); /* bt-plan-syscalls.c */

/* Never AUTO. (bt-plan-worker.c) */
BtWorkerKind bt_request_kind(const BtPlanRequest *request);
/* The caller's variable, NULL if it has none. */
const char *bt_request_getenv(const BtPlanRequest *request, const char *name);

#define BT_PLAN_DNS_ADDRESS "127.0.0.53"

G_END_DECLS
