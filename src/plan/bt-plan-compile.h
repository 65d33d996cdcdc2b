/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * From a policy and the host's facts to a plan for buntime-init.
 */

#include <glib.h>

#include "policy/bt-policy.h"
#include "wire/bt-plan.h"

G_BEGIN_DECLS

typedef enum {
  BT_WORKER_AUTO, /* by the entry's name and nature */
  BT_WORKER_PYTHON,
  BT_WORKER_BUN,
  BT_WORKER_EXEC,
} BtWorkerKind;

typedef struct {
  guint16 port;
  const char *flag; /* that says so */
} BtPlanPublished;

/* Everything the plan depends on; nothing is read from the process's own state. */
typedef struct {
  BtPolicy *policy; /* resolved: bt_policy_resolve() has been called */
  BtWorkerKind worker;
  const char *entry;             /* as given on the command line; "-" is standard input */
  gboolean harness;              /* no entry but the clients' harness: Python's, or of that kind */
  const char *const *args;       /* after the entry, NULL-terminated */
  const char *cwd;               /* absolute */
  const char *home;              /* absolute */
  const char *user_name;
  const char *const *environment; /* the caller's, NAME=VALUE, NULL-terminated */
  const char *host_name;         /* the machine's, for who may know it */
  guint64 host_memory;           /* bytes */
  uid_t uid;                     /* never 0 */
  gid_t gid;
  GBytes *entry_bytes;           /* the program itself where uid cannot read it; else NULL */
  BtPlanNetMode net_mode;        /* used if the policy grants any network */
  gboolean fast_path;            /* nobody has to see its packets but for what the policy says */
  gboolean ipv6;                 /* then the worker has IPv6, as the machine has */
  const BtPlanPublished *published; /* ports of the host lead to these of the worker's */
  guint n_published;
  guint cgroup_limits;           /* a set of 1 << BtLimit: a control group holds them already */
  gboolean channel;              /* the worker is handed one (wire/bt-channel.h) */
  gboolean sockets;              /* stdin, stdout or stderr is one, of the host's network */
  gboolean files;                /* one is a file that was opened for reading alone */
  const char *clients;           /* with a channel: the folder of what programs use it by; NULL: none */
  int terminal_fd;               /* 0, 1 or 2 if one of them is the caller's terminal, else -1 */
} BtPlanRequest;

/* What lies where in a plan, for questions that come when it is carried out. */
typedef struct _BtPlanPlaces BtPlanPlaces;

typedef struct {
  GBytes *bytes;       /* the encoded plan */
  BtPlanPlaces *places; /* with a channel, by which a worker asks; else NULL */
  GPtrArray *notices;  /* char *: what the user is told once at start */
  GPtrArray *denied;   /* char *: the host's objects over which a mount lies that denies them */
  char *program;       /* "python3": the worker's program name */
  char *entry_path;    /* canonical path of the entry, NULL for a program from PATH */
  int landlock_abi;    /* the kernel's; 0: that layer is off */
  gboolean network;    /* an interface is made and buntime-net starts with it */
  char *silent_limits; /* those that only the program is told of when it reaches them; NULL: none */
  char *hidden_folder; /* the entry's, of which the worker sees the entry alone; or NULL */
} BtPlan;

void bt_plan_free(BtPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtPlan, bt_plan_free)

BtPlan *bt_plan_compile(const BtPlanRequest *request, GError **error);

/* What usually helps where the kernel refuses Landlock with this errno. (bt-plan-landlock.c) */
const char *bt_plan_landlock_cure(int error);
/* Does this kernel's Landlock hold a program without namespaces? (bt-plan-landlock.c) */
gboolean bt_plan_landlock_suffices(void);
/*
 * Only what would be executed, for a run without a sandbox: the plan's
 * executable and arguments, and nothing that confines.
 */
BtPlan *bt_plan_compile_bare(const BtPlanRequest *request, GError **error);

/* Is there one more process in the sandbox, which opens files for the worker (init/bt-opener.c)? */
gboolean bt_plan_has_opener(BtPolicy *policy);

/* What a worker would find at a path, whatever the policy calls it. */
typedef struct {
  gboolean host;     /* the host's object, at least to the eye */
  gboolean readable; /* read_file for a file, read_dir for a directory */
  gboolean writable; /* not kept read-only */
  gboolean made;     /* a file or device of the sandbox's own */
  gboolean scratch;  /* on the private /tmp or /dev/shm */
  gboolean withheld; /* ... but no file can be made and written there (bt-plan-tmp.c) */
  gboolean lent;     /* not there yet, and made for the worker that opens it */
  gboolean makeable; /* not there yet, and could be granted so (bt-plan-make.c); not by places */
  gboolean runs;     /* may be executed */
  gboolean maps;     /* code may be mapped from it */
  BtPlanNet net;     /* of the whole plan, as is the next */
  gboolean fast_path;
} BtPlanLook;

/*
 * By the plan alone: the host is not looked at. path is absolute and without dots; its links are
 * not followed. folder: is a directory there, if anything is? NULL as in the next.
 */
void bt_plan_places_look(const BtPlanPlaces *places, const char *path, gboolean folder,
                         BtPlanLook *look_out);
void bt_plan_places_free(BtPlanPlaces *places);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtPlanPlaces, bt_plan_places_free)
/*
 * Compiles the plan but for what the entry brings: its file, its interpreter.
 * path is canonical; NULL asks only for what is not about one.
 */
gboolean bt_plan_look(const BtPlanRequest *request, const char *path, BtPlanLook *look_out,
                      GError **error);

typedef enum {
  BT_ENV_HIDDEN,
  BT_ENV_MADE,    /* the program has one, and it is not the caller's */
  BT_ENV_PASSED,  /* the caller's, by the policy */
  BT_ENV_SETTING, /* the caller's, without any grant */
} BtEnvFate;

/* What becomes of the caller's variable (bt-plan-env.c). */
BtEnvFate bt_plan_env_fate(const BtPlanRequest *request, const char *name);

G_END_DECLS
