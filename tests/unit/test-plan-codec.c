/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>

#include "../plan-walk.h"
#include "wire/bt-plan.h"

#define N_FILTER 4

/* Each kind of operation once, by its index in the table. */
enum {
  OP_DIR,
  OP_SYMLINK,
  OP_FILE,
  OP_BIND,
  OP_TMPFS,
  OP_PROC,
  OP_DEVPTS,
  OP_DEVICE,
  OP_HIDE,
  OP_CONSOLE,
  N_OPS,
};

/* A whole plan as one struct: what offsets mean is for the compiler to say. */
typedef struct {
  BtPlanHeader header;
  BtPlanOp ops[N_OPS];
  BtPlanLandlock landlock[2];
  BtPlanLimit limits[2];
  guint32 argv[2];
  guint32 env[2];
  struct sock_filter worker_filter[N_FILTER], init_filter[N_FILTER], opener_filter[N_FILTER];
  BtPlanRelay relays[2];
  char data[8];
  char strings[216]; /* the last byte is the last string's NUL */
} Plan;

typedef struct {
  Plan plan;
  gsize used; /* of strings */
} Builder;

static guint32
add_string(Builder *builder, const char *text)
{
  gsize at = builder->used, size = strlen(text) + 1;

  g_assert_cmpuint(at + size, <=, sizeof builder->plan.strings);
  memcpy(builder->plan.strings + at, text, size);
  builder->used += size;
  return (guint32)(offsetof(Plan, strings) + at);
}

#define TABLE(field)                                                                             \
  {                                                                                              \
    offsetof(Plan, field), G_N_ELEMENTS(((Plan *)0)->field)                                      \
  }

static void
add_ops(Builder *builder)
{
  static const char *const targets[N_OPS] = {
    "/d", "/l", "/etc/hosts", "/usr", "/tmp", "/proc", "/dev/pts", "/dev/null", "/h", "/dev/console",
  };
  BtPlanOp *ops = builder->plan.ops;

  for (guint i = 0; i < N_OPS; i++)
    ops[i] = (BtPlanOp){ .kind = BT_PLAN_DIR + i, .target = add_string(builder, targets[i]) };
  ops[OP_DIR].mode = 0755;
  ops[OP_SYMLINK].source = add_string(builder, "usr/lib");
  ops[OP_FILE].mode = 0444;
  ops[OP_FILE].data_offset = offsetof(Plan, data);
  ops[OP_FILE].data_size = sizeof builder->plan.data;
  ops[OP_BIND].source = add_string(builder, "/usr");
  ops[OP_BIND].attr = BT_PLAN_RDONLY | BT_PLAN_NOEXEC | BT_PLAN_RECURSIVE;
  ops[OP_TMPFS].size = 1 << 20;
  ops[OP_TMPFS].mode = 01777;
  ops[OP_DEVICE].source = ops[OP_DEVICE].target;
  ops[OP_CONSOLE].mode = 2;
}

static void
make_plan(Plan *plan_out)
{
  Builder builder = { .plan.header = {
    .magic = BT_PLAN_MAGIC,
    .version = BT_PLAN_VERSION,
    .size = sizeof(Plan),
    .uid = 1000,
    .gid = 1000,
    .ops = TABLE(ops),
    .landlock = TABLE(landlock),
    .limits = TABLE(limits),
    .argv = TABLE(argv),
    .env = TABLE(env),
    .worker_filter = TABLE(worker_filter),
    .init_filter = TABLE(init_filter),
    .opener_filter = TABLE(opener_filter),
    .relays = TABLE(relays),
    .net = { .mode = BT_PLAN_NET_AUTO, .mtu = 1500, .address = 1, .gateway = 2, .dns = 3,
             .prefix_length = 24 },
  } };
  Plan *plan = &builder.plan;

  plan->header.hostname = add_string(&builder, "sandbox");
  plan->header.executable = add_string(&builder, "/usr/bin/python3");
  plan->header.cwd = add_string(&builder, "/");
  plan->header.net.interface = add_string(&builder, "eth0");
  add_ops(&builder);
  plan->landlock[0] = (BtPlanLandlock){ 1, add_string(&builder, "/"), 0 };
  plan->landlock[1] = (BtPlanLandlock){ 2, add_string(&builder, "/usr/bin"), 0 };
  plan->limits[0] = (BtPlanLimit){ RLIMIT_CORE, 0, 1, 1 };
  plan->limits[1] = (BtPlanLimit){ RLIMIT_NOFILE, BT_PLAN_OR_LESS, 1024, RLIM_INFINITY };
  plan->relays[0] = (BtPlanRelay){ 1, BT_PLAN_RELAY_IPV4 };
  plan->relays[1] = (BtPlanRelay){ 65535, BT_PLAN_RELAY_IPV4 | BT_PLAN_RELAY_IPV6 };
  plan->argv[0] = add_string(&builder, "python3");
  plan->argv[1] = add_string(&builder, "");
  plan->env[0] = add_string(&builder, "HOME=/home/user");
  /* Reaches to the last byte. */
  plan->env[1] = (guint32)(offsetof(Plan, strings) + builder.used);
  memset(plan->strings + builder.used, 'X', sizeof plan->strings - builder.used - 1);
  plan->strings[builder.used + 1] = '=';
  *plan_out = *plan;
}

static BtPlanError
open_plan(const Plan *plan)
{
  BtPlanView view;
  return bt_plan_open(plan, sizeof *plan, &view);
}

static void
test_open(void)
{
  BtPlanView view;
  Plan plan;

  make_plan(&plan);
  g_assert_cmpint(bt_plan_open(&plan, sizeof plan, &view), ==, BT_PLAN_OK);
  g_assert_true(view.bytes == (const guint8 *)&plan);
  g_assert_cmpuint(view.size, ==, sizeof plan);
  g_assert_true(view.header == &plan.header);
  g_assert_true(view.ops == plan.ops);
  g_assert_true(view.landlock == plan.landlock);
  g_assert_true(view.limits == plan.limits);
  g_assert_true(view.argv == plan.argv);
  g_assert_true(view.env == plan.env);
  g_assert_true(view.worker_filter == plan.worker_filter);
  g_assert_true(view.init_filter == plan.init_filter);
  g_assert_true(view.opener_filter == plan.opener_filter);
  g_assert_true(view.relays == plan.relays);
  g_assert_cmpstr(bt_plan_string(&view, view.header->executable), ==, "/usr/bin/python3");
  g_assert_null(bt_plan_string(&view, 0));
  g_assert_cmpuint(plan_walk(&view), >, 0);
}

/* No part of a plan is a plan, whatever size it claims. */
static void
test_truncated(void)
{
  Plan plan;

  make_plan(&plan);
  for (gsize size = 0; size < sizeof plan; size++) {
    /* An exact allocation, so that ASan sees a read past the end. */
    g_autofree guint8 *copy = g_memdup2(&plan, size);
    guint32 claimed = (guint32)size;
    BtPlanView view;
    g_assert_cmpint(bt_plan_open(copy, size, &view), ==, BT_PLAN_E_SIZE);
    if (size < sizeof(BtPlanHeader))
      continue;
    memcpy(copy + offsetof(BtPlanHeader, size), &claimed, sizeof claimed);
    g_assert_cmpint(bt_plan_open(copy, size, &view), !=, BT_PLAN_OK);
  }
}

static void
test_too_long(void)
{
  g_autofree guint8 *bytes = g_malloc0(BT_PLAN_MAX_SIZE + 8);
  guint32 sizes[] = { BT_PLAN_MAX_SIZE, BT_PLAN_MAX_SIZE + 1 };
  BtPlanView view;
  Plan plan;

  make_plan(&plan);
  memcpy(bytes, &plan, sizeof plan);
  g_assert_cmpint(bt_plan_open(bytes, sizeof plan + 1, &view), ==, BT_PLAN_E_SIZE);
  for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
    memcpy(bytes + offsetof(BtPlanHeader, size), &sizes[i], sizeof sizes[i]);
    g_assert_cmpint(bt_plan_open(bytes, sizes[i], &view), ==,
                    sizes[i] > BT_PLAN_MAX_SIZE ? BT_PLAN_E_SIZE : BT_PLAN_OK);
  }
  memmove(bytes + 4, &plan, sizeof plan);
  g_assert_cmpint(bt_plan_open(bytes + 4, sizeof plan, &view), !=, BT_PLAN_OK);
}

#define AT(field) offsetof(Plan, field), sizeof(((Plan *)0)->field)
#define SIZE BT_PLAN_E_SIZE
#define VERSION BT_PLAN_E_VERSION
#define TABLE_ BT_PLAN_E_TABLE
#define STRING BT_PLAN_E_STRING
#define RECORD BT_PLAN_E_RECORD
#define OK BT_PLAN_OK
#define END (sizeof(Plan))

/* One field of the valid plan changed. */
static const struct {
  const char *what;
  gsize offset, size;
  guint64 value;
  BtPlanError error;
} mutations[] = {
  { "magic", AT(header.magic), 0, VERSION },
  { "older", AT(header.version), BT_PLAN_VERSION - 1, VERSION },
  { "newer", AT(header.version), BT_PLAN_VERSION + 1, VERSION },
  { "shorter", AT(header.size), END - 1, SIZE },
  { "longer", AT(header.size), END + 1, SIZE },
  { "flags", AT(header.flags), 1, RECORD },
  { "uid -1", AT(header.uid), G_MAXUINT32, RECORD },
  { "gid -1", AT(header.gid), G_MAXUINT32, RECORD },
  { "dialers", AT(header.dialers), BT_PLAN_MAX_DIALERS, OK },
  { "too many dialers", AT(header.dialers), BT_PLAN_MAX_DIALERS + 1, RECORD },
  { "no host name", AT(header.hostname), 0, OK },
  { "host name in the header", AT(header.hostname), 8, STRING },
  { "host name at the end", AT(header.hostname), END, STRING },
  { "host name far away", AT(header.hostname), G_MAXUINT32, STRING },
  { "the last NUL as host name", AT(header.hostname), END - 1, OK },
  { "no executable", AT(header.executable), 0, STRING },
  { "relative executable", AT(header.executable), offsetof(Plan, strings), RECORD },
  { "executable at the end", AT(header.executable), END, STRING },
  { "no cwd", AT(header.cwd), 0, STRING },
  { "relative cwd", AT(header.cwd), offsetof(Plan, strings), RECORD },
  { "empty cwd", AT(header.cwd), END - 1, RECORD },

  { "ops misaligned", AT(header.ops.offset), offsetof(Plan, ops) + 4, TABLE_ },
  { "ops in the header", AT(header.ops.offset), 8, TABLE_ },
  { "ops behind the end", AT(header.ops.offset), (END + 7) & ~7u, TABLE_ },
  { "ops far away", AT(header.ops.offset), 0xfffffff8, TABLE_ },
  { "ops without end", AT(header.ops.count), G_MAXUINT32, TABLE_ },
  { "ops that wrap", AT(header.ops.count), 0x04924925, TABLE_ },
  { "no ops", AT(header.ops.count), 0, OK },
  { "landlock without end", AT(header.landlock.count), 0x10000000, TABLE_ },
  { "landlock misaligned", AT(header.landlock.offset), 177, TABLE_ },
  { "limits without end", AT(header.limits.count), 0x0aaaaaab, TABLE_ },
  { "argv without end", AT(header.argv.count), 0x40000000, TABLE_ },
  { "argv misaligned", AT(header.argv.offset), offsetof(Plan, argv) + 4, TABLE_ },
  { "no argv", AT(header.argv.count), 0, RECORD },
  { "env without end", AT(header.env.count), 0x40000001, TABLE_ },
  { "no env", AT(header.env.count), 0, OK },
  { "worker filter without end", AT(header.worker_filter.count), 0x20000000, TABLE_ },
  { "init filter without end", AT(header.init_filter.count), 4096, TABLE_ },
  { "init filter in the header", AT(header.init_filter.offset), 0, TABLE_ },
  { "no worker filter", AT(header.worker_filter.count), 0, RECORD },
  { "no init filter", AT(header.init_filter.count), 0, RECORD },
  { "opener filter without end", AT(header.opener_filter.count), 4096, TABLE_ },
  { "opener filter misaligned", AT(header.opener_filter.offset), offsetof(Plan, opener_filter) + 4, TABLE_ },
  { "no opener", AT(header.opener_filter.count), 0, OK },
  { "relays without end", AT(header.relays.count), 0x40000000, TABLE_ },
  { "too many relays", AT(header.relays.count), BT_PLAN_MAX_RELAYS + 1, TABLE_ },
  { "no relays", AT(header.relays.count), 0, OK },
  { "a relay without a port", AT(relays[0]), 1u << 16, RECORD },
  { "a relay without an address", AT(relays[1]), 80, RECORD },
  { "a relay of another family", AT(relays[1]), 4u << 16 | 80, RECORD },
  { "a filter where there is to be none", AT(header.flags), BT_PLAN_NO_SECCOMP, RECORD },

  { "op 0", AT(ops[OP_DIR].kind), 0, RECORD },
  { "op unknown", AT(ops[OP_DIR].kind), BT_PLAN_LEND + 1, RECORD },
  { "op unknown attribute", AT(ops[OP_BIND].attr), 8, RECORD },
  { "op high attribute", AT(ops[OP_BIND].attr), 0x80000000, RECORD },
  { "op reserved", AT(ops[OP_DIR].reserved), 1, RECORD },
  { "no target", AT(ops[OP_DIR].target), 0, STRING },
  { "target at the end", AT(ops[OP_HIDE].target), END, STRING },
  { "relative target", AT(ops[OP_DIR].target), offsetof(Plan, strings), RECORD },
  { "directory with a source", AT(ops[OP_DIR].source), offsetof(Plan, strings), RECORD },
  { "directory with data", AT(ops[OP_DIR].data_size), 1, RECORD },
  { "file with a source", AT(ops[OP_FILE].source), offsetof(Plan, strings), RECORD },
  { "bind without a source", AT(ops[OP_BIND].source), 0, STRING },
  { "bind of a relative source", AT(ops[OP_BIND].source), offsetof(Plan, strings), RECORD },
  { "device without a source", AT(ops[OP_DEVICE].source), 0, STRING },
  { "link without a text", AT(ops[OP_SYMLINK].source), 0, STRING },
  { "link with an empty text", AT(ops[OP_SYMLINK].source), END - 1, RECORD },
  { "program at an absolute source", AT(ops[OP_BIND].kind), BT_PLAN_PROGRAM, OK },
  { "program without a source", AT(ops[OP_DIR].kind), BT_PLAN_PROGRAM, STRING },
  { "program of a relative source", AT(ops[OP_SYMLINK].kind), BT_PLAN_PROGRAM, RECORD },
  { "lent at an absolute source", AT(ops[OP_BIND].kind), BT_PLAN_LEND, OK },
  { "lent without a source", AT(ops[OP_DIR].kind), BT_PLAN_LEND, STRING },
  { "lent of a relative source", AT(ops[OP_SYMLINK].kind), BT_PLAN_LEND, RECORD },
  { "mode", AT(ops[OP_DIR].mode), 07777, OK },
  { "mode too large", AT(ops[OP_DIR].mode), 010000, RECORD },
  { "file's mode too large", AT(ops[OP_FILE].mode), 0100444, RECORD },
  { "console 0", AT(ops[OP_CONSOLE].mode), 0, OK },
  { "console 3", AT(ops[OP_CONSOLE].mode), 3, RECORD },
  { "data in the header", AT(ops[OP_FILE].data_offset), 0, RECORD },
  { "data behind the end", AT(ops[OP_FILE].data_offset), END + 1, RECORD },
  { "data over the end", AT(ops[OP_FILE].data_offset), END - 7, RECORD },
  { "data to the end", AT(ops[OP_FILE].data_offset), END - 8, OK },
  { "data far away", AT(ops[OP_FILE].data_offset), G_MAXUINT32, RECORD },
  { "data that wraps", AT(ops[OP_FILE].data_size), G_MAXUINT32, RECORD },
  { "no data", AT(ops[OP_FILE].data_size), 0, OK },

  { "rule without a path", AT(landlock[1].path), 0, STRING },
  { "rule of a relative path", AT(landlock[1].path), offsetof(Plan, strings), RECORD },
  { "rule reserved", AT(landlock[1].reserved), 1, RECORD },
  { "limit unknown", AT(limits[0].resource), RLIM_NLIMITS, RECORD },
  { "limit flags", AT(limits[0].flags), 2, RECORD },
  { "limit upside down", AT(limits[0].soft), 2, RECORD },
  { "argument absent", AT(argv[1]), 0, STRING },
  { "argument at the end", AT(argv[0]), END, STRING },
  { "variable absent", AT(env[0]), 0, STRING },
  { "variable without a value", AT(env[0]), offsetof(Plan, strings), RECORD },

  { "no network", AT(header.net.mode), BT_PLAN_NET_NONE, OK },
  { "network unknown", AT(header.net.mode), BT_PLAN_NET_HOST + 1, RECORD },
  { "prefix", AT(header.net.prefix_length), 32, OK },
  { "prefix too long", AT(header.net.prefix_length), 33, RECORD },
  { "no MTU", AT(header.net.mtu), 0, RECORD },
  { "MTU too small", AT(header.net.mtu), 67, RECORD },
  { "least MTU", AT(header.net.mtu), 68, OK },
  { "largest MTU", AT(header.net.mtu), 65535, OK },
  { "MTU too large", AT(header.net.mtu), 65536, RECORD },
  { "no address", AT(header.net.address), 0, RECORD },
  { "no gateway", AT(header.net.gateway), 0, RECORD },
  { "IPv6 without a gateway", AT(header.net.address6), 1, RECORD },
  { "a gateway without IPv6", AT(header.net.gateway6), 1, RECORD },
  { "no resolver", AT(header.net.dns), 0, OK },
  { "no interface", AT(header.net.interface), 0, STRING },
  { "interface at the end", AT(header.net.interface), END, STRING },
  { "empty interface", AT(header.net.interface), END - 1, RECORD },
};

static void
test_mutations(void)
{
  Plan valid;

  make_plan(&valid);
  for (gsize i = 0; i < G_N_ELEMENTS(mutations); i++) {
    Plan plan = valid;
    memcpy((guint8 *)&plan + mutations[i].offset, &mutations[i].value, mutations[i].size);
    BtPlanError error = open_plan(&plan);
    if (error != mutations[i].error)
      g_error("%s: %d, not %d", mutations[i].what, error, mutations[i].error);
  }
}

/* An empty table may lie anywhere in the plan, its end and the header included. */
static void
test_empty_tables(void)
{
  static const guint32 offsets[] = { 0, 8, sizeof(BtPlanHeader), END };
  G_STATIC_ASSERT(END % 8 == 0);

  for (gsize i = 0; i < G_N_ELEMENTS(offsets); i++) {
    BtPlanView view;
    Plan plan;
    make_plan(&plan);
    plan.header.ops = plan.header.env = (BtPlanTable){ offsets[i], 0 };
    g_assert_cmpint(bt_plan_open(&plan, sizeof plan, &view), ==, OK);
    g_assert_null(view.ops);
    g_assert_null(view.env);
  }
}

/* A table may reach to the end of the plan, and no further. */
static void
test_last_table(void)
{
  Plan plan;

  for (guint32 count = 1; count <= BPF_MAXINSNS + 1; count++) {
    gsize size = sizeof plan + count * sizeof(struct sock_filter);
    g_autofree guint8 *bytes = NULL;
    BtPlanView view;
    if (count > 2 && count < BPF_MAXINSNS)
      continue;
    bytes = g_malloc0(size);
    make_plan(&plan);
    plan.header.size = (guint32)size;
    plan.header.worker_filter = (BtPlanTable){ sizeof plan, count };
    memcpy(bytes, &plan, sizeof plan);
    g_assert_cmpint(bt_plan_open(bytes, size, &view), ==, count <= BPF_MAXINSNS ? OK : TABLE_);
    plan.header.worker_filter.count = count + 1;
    memcpy(bytes, &plan, sizeof plan);
    g_assert_cmpint(bt_plan_open(bytes, size, &view), ==, TABLE_);
  }
}

/* Without an interface of our own there need not be a name for one; if there is, it is one. */
static void
test_no_interface(void)
{
  static const guint32 modes[] = { BT_PLAN_NET_NONE, BT_PLAN_NET_HOST };

  for (gsize i = 0; i < G_N_ELEMENTS(modes); i++) {
    Plan plan;
    make_plan(&plan);
    guint32 interface = plan.header.net.interface;
    plan.header.net = (BtPlanNet){ .mode = modes[i] };
    g_assert_cmpint(open_plan(&plan), ==, OK);
    plan.header.net.interface = interface;
    g_assert_cmpint(open_plan(&plan), ==, OK);
    plan.header.net.interface = END;
    g_assert_cmpint(open_plan(&plan), ==, STRING);
  }
}

/* The plan with `text` in the place of the strings' end, and what points there. */
static BtPlanError
open_with(gsize field, const char *text)
{
  gsize size = sizeof(Plan) + strlen(text) + 1;
  g_autofree guint8 *bytes = g_malloc0(size);
  guint32 claimed = (guint32)size, offset = sizeof(Plan);
  BtPlanView view;
  Plan plan;

  make_plan(&plan);
  memcpy(bytes, &plan, sizeof plan);
  memcpy(bytes + sizeof plan, text, strlen(text) + 1);
  memcpy(bytes + offsetof(BtPlanHeader, size), &claimed, sizeof claimed);
  memcpy(bytes + field, &offset, sizeof offset);
  return bt_plan_open(bytes, size, &view);
}

static void
test_paths(void)
{
  static const struct {
    const char *path;
    BtPlanError as_target, as_source;
  } cases[] = {
    { "/a", OK, OK },
    { "/a/b.c/..d/.e/f..", OK, OK },
    { "/...", OK, OK },
    { "/", RECORD, OK },
    { "", RECORD, RECORD },
    { "a", RECORD, RECORD },
    { "./a", RECORD, RECORD },
    { "//", RECORD, RECORD },
    { "//a", RECORD, RECORD },
    { "/a/", RECORD, RECORD },
    { "/a//b", RECORD, RECORD },
    { "/.", RECORD, RECORD },
    { "/..", RECORD, RECORD },
    { "/./a", RECORD, RECORD },
    { "/../a", RECORD, RECORD },
    { "/a/.", RECORD, RECORD },
    { "/a/..", RECORD, RECORD },
    { "/a/../b", RECORD, RECORD },
    { "/a/./b", RECORD, RECORD },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_assert_cmpint(open_with(offsetof(Plan, ops[OP_TMPFS].target), cases[i].path), ==,
                    cases[i].as_target);
    g_assert_cmpint(open_with(offsetof(Plan, ops[OP_BIND].source), cases[i].path), ==,
                    cases[i].as_source);
  }
  /* A link may say what it likes. */
  g_assert_cmpint(open_with(offsetof(Plan, ops[OP_SYMLINK].source), "../a//b/."), ==, OK);
}

static void
test_lengths(void)
{
  static const struct {
    gsize field;
    const char *start;
    gsize longest;
  } cases[] = {
    { offsetof(Plan, ops[OP_DIR].target), "/", PATH_MAX - 1 },
    { offsetof(Plan, ops[OP_BIND].source), "/", PATH_MAX - 1 },
    { offsetof(Plan, ops[OP_SYMLINK].source), "a", PATH_MAX - 1 },
    { offsetof(Plan, header.executable), "/", PATH_MAX - 1 },
    { offsetof(Plan, header.cwd), "/", PATH_MAX - 1 },
    { offsetof(Plan, landlock[0].path), "/", PATH_MAX - 1 },
    { offsetof(Plan, header.hostname), "a", 64 },
    { offsetof(Plan, header.net.interface), "a", 15 },
    { offsetof(Plan, argv[0]), "", 131071 },
    { offsetof(Plan, env[0]), "A=", 131071 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *fill = g_strnfill(cases[i].longest + 1 - strlen(cases[i].start), 'a');
    g_autofree char *text = g_strconcat(cases[i].start, fill, NULL);
    g_assert_cmpint(open_with(cases[i].field, text), ==, STRING);
    text[cases[i].longest] = '\0';
    g_assert_cmpint(open_with(cases[i].field, text), ==, OK);
  }
}

static void
test_texts(void)
{
  static const char *const interfaces[] = { ".", "..", "a/b", "a b", "a:1", "a\n", "\ta" };
  static const char *const variables[] = { "=", "=A", "A", "" };

  for (gsize i = 0; i < G_N_ELEMENTS(interfaces); i++)
    g_assert_cmpint(open_with(offsetof(Plan, header.net.interface), interfaces[i]), ==, RECORD);
  for (gsize i = 0; i < G_N_ELEMENTS(variables); i++)
    g_assert_cmpint(open_with(offsetof(Plan, env[0]), variables[i]), ==, RECORD);
  g_assert_cmpint(open_with(offsetof(Plan, env[0]), "A="), ==, OK);
}

/* Whatever one byte becomes, what is let through can be read whole. */
static void
test_every_byte(void)
{
  static const guint8 values[] = { 0x00, 0x01, 0x07, 0x2f, 0x7f, 0x80, 0xf8, 0xff };
  g_autofree Plan *plan = g_new(Plan, 1);
  gsize passed = 0;

  make_plan(plan);
  for (gsize at = 0; at < sizeof *plan; at++) {
    guint8 *byte = (guint8 *)plan + at, before = *byte;
    for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
      BtPlanView view;
      *byte = values[i];
      if (bt_plan_open(plan, sizeof *plan, &view) == BT_PLAN_OK) {
        plan_walk(&view);
        passed++;
      }
    }
    *byte = before;
  }
  g_assert_cmpuint(passed, >, 0);
  g_assert_cmpint(open_plan(plan), ==, BT_PLAN_OK);
}

static void
test_error_text(void)
{
  for (int a = BT_PLAN_OK; a <= BT_PLAN_E_RECORD + 1; a++) {
    g_assert_nonnull(bt_plan_error_text(a));
    for (int b = BT_PLAN_OK; b < a; b++)
      g_assert_cmpstr(bt_plan_error_text(a), !=, bt_plan_error_text(b));
  }
}

/* Without namespaces: nothing is mounted, named or connected, and the other layers are whole. */
static void
make_flat_plan(Plan *plan_out)
{
  make_plan(plan_out);
  plan_out->header.flags = BT_PLAN_NO_NAMESPACES;
  plan_out->header.ops.count = plan_out->header.relays.count = 0;
  plan_out->header.hostname = 0;
  plan_out->header.net = (BtPlanNet){ .mode = BT_PLAN_NET_HOST };
  plan_out->header.landlock_fs = 1;
  plan_out->header.landlock_net = BT_PLAN_TCP;
  plan_out->header.landlock_scoped = BT_PLAN_SCOPE_ALL;
}

static void
test_flat(void)
{
  static const struct {
    const char *what;
    gsize offset, size;
    guint64 value;
  } bad[] = {
    { "without seccomp", AT(header.flags), BT_PLAN_NO_NAMESPACES | BT_PLAN_NO_SECCOMP },
    { "another flag", AT(header.flags), BT_PLAN_NO_NAMESPACES | 4 },
    { "an operation", AT(header.ops.count), 1 },
    { "a host name", AT(header.hostname), END - 1 },
    { "an interface", AT(header.net.mode), BT_PLAN_NET_AUTO },
    { "a network of its own", AT(header.net.mode), BT_PLAN_NET_NONE },
    { "a resolver", AT(header.net.dns), 3 },
    { "a relay", AT(header.relays.count), 1 },
    { "a dialer", AT(header.dialers), 1 },
    { "no Landlock", AT(header.landlock_fs), 0 },
    { "TCP not held", AT(header.landlock_net), 0 },
    { "half of TCP held", AT(header.landlock_net), 1 },
    { "nothing scoped", AT(header.landlock_scoped), 0 },
    { "signals not scoped", AT(header.landlock_scoped), BT_PLAN_SCOPE_ABSTRACT },
    { "sockets not scoped", AT(header.landlock_scoped), BT_PLAN_SCOPE_SIGNAL },
    { "a rule for what is no path", AT(landlock[0].path), END - 1 },
    { "no filter", AT(header.worker_filter.count), 0 },
  };
  Plan plan;

  make_flat_plan(&plan);
  g_assert_cmpint(open_plan(&plan), ==, BT_PLAN_OK);
  /* What an older Landlock does not keep inside is notified. */
  plan.header.flags |= BT_PLAN_KILLABLE;
  plan.header.landlock_scoped = 0;
  g_assert_cmpint(open_plan(&plan), ==, BT_PLAN_OK);
  plan.header.landlock_net = 0;
  g_assert_cmpint(open_plan(&plan), ==, BT_PLAN_OK);
  plan.header.landlock_scoped = BT_PLAN_SCOPE_ABSTRACT;
  g_assert_cmpint(open_plan(&plan), ==, BT_PLAN_E_RECORD);
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    make_flat_plan(&plan);
    memcpy((guint8 *)&plan + bad[i].offset, &bad[i].value, bad[i].size);
    g_test_message("%s", bad[i].what);
    g_assert_cmpint(open_plan(&plan), ==, BT_PLAN_E_RECORD);
  }
  /* Only where it is the host's a rule's path must be canonical. */
  static const char odd[] = "/usr/../x";
  make_flat_plan(&plan);
  memcpy((char *)&plan + plan.landlock[1].path, odd, sizeof odd - 1);
  g_assert_cmpint(open_plan(&plan), ==, BT_PLAN_E_RECORD);
  plan.header.flags = 0;
  g_assert_cmpint(open_plan(&plan), ==, BT_PLAN_E_RECORD);
  plan.header.landlock_net = 0;
  g_assert_cmpint(open_plan(&plan), ==, BT_PLAN_OK);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/plan-codec/open", test_open);
  g_test_add_func("/plan-codec/truncated", test_truncated);
  g_test_add_func("/plan-codec/too-long", test_too_long);
  g_test_add_func("/plan-codec/mutations", test_mutations);
  g_test_add_func("/plan-codec/empty-tables", test_empty_tables);
  g_test_add_func("/plan-codec/last-table", test_last_table);
  g_test_add_func("/plan-codec/no-interface", test_no_interface);
  g_test_add_func("/plan-codec/paths", test_paths);
  g_test_add_func("/plan-codec/lengths", test_lengths);
  g_test_add_func("/plan-codec/texts", test_texts);
  g_test_add_func("/plan-codec/flat", test_flat);
  g_test_add_func("/plan-codec/every-byte", test_every_byte);
  g_test_add_func("/plan-codec/error-text", test_error_text);
  return g_test_run();
}
