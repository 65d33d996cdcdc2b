/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bt_plan_open() checks a plan whole, before buntime-init acts on any of it.
 *
 * The supervisor wrote it and it is sealed, so this guards against two builds
 * and against mistakes, not against an attacker.  It is written as if it did:
 * nothing outside the bytes is read, and the work is bounded by their number.
 */
#include "bt-plan.h"

#include <limits.h>
#include <linux/bpf_common.h> /* BPF_MAXINSNS */
#include <net/if.h>
#include <string.h>
#include <sys/resource.h>

/* The records are read in place. */
_Static_assert(sizeof(BtPlanHeader) == 224, "BtPlanHeader has a hole");
_Static_assert(sizeof(BtPlanOp) == 56, "BtPlanOp has a hole");
_Static_assert(sizeof(BtPlanLandlock) == 16, "BtPlanLandlock has a hole");
_Static_assert(sizeof(BtPlanLimit) == 24, "BtPlanLimit has a hole");
_Static_assert(sizeof(BtPlanRelay) == 4, "BtPlanRelay has a hole");
_Static_assert(sizeof(struct sock_filter) == 8, "struct sock_filter has a hole");

#define ALL_FLAGS                                                                                \
  (BT_PLAN_NO_SECCOMP | BT_PLAN_NO_NAMESPACES | BT_PLAN_KILLABLE | BT_PLAN_CHANNEL |              \
   BT_PLAN_FAST_PATH)
#define ALL_ATTRS (BT_PLAN_RDONLY | BT_PLAN_NOEXEC | BT_PLAN_RECURSIVE)
/* The kernel's MAX_ARG_STRLEN on 4 KiB pages: execve takes no longer string. */
#define MAX_ARG_SIZE (128u << 10)
/* The kernel's __NEW_UTS_LEN. */
#define MAX_HOSTNAME_LENGTH 64
/* The least that IPv4 asks of a link, the most that its length field holds. */
#define MIN_MTU 68
#define MIN_MTU6 1280
#define MAX_MTU 65535
#define ALL_FAMILIES (BT_PLAN_RELAY_IPV4 | BT_PLAN_RELAY_IPV6)

typedef struct {
  const uint8_t *bytes;
  size_t size;
  BtPlanError error; /* the first one */
} Reader;

static bool
refuse(Reader *reader, BtPlanError error)
{
  if (reader->error == BT_PLAN_OK)
    reader->error = error;
  return false;
}

/* Where the records are, NULL if the table is empty. */
static const void *
read_table(Reader *reader, BtPlanTable table, size_t record_size)
{
  if (table.offset % 8 != 0 || table.offset > reader->size ||
      table.count > (reader->size - table.offset) / record_size ||
      (table.count > 0 && table.offset < sizeof(BtPlanHeader))) {
    refuse(reader, BT_PLAN_E_TABLE);
    return NULL;
  }
  return table.count > 0 ? reader->bytes + table.offset : NULL;
}

static const void *
read_filter(Reader *reader, BtPlanTable table)
{
  if (table.count > BPF_MAXINSNS)
    refuse(reader, BT_PLAN_E_TABLE);
  return read_table(reader, table, sizeof(struct sock_filter));
}

static const void *
read_relays(Reader *reader, BtPlanTable table)
{
  if (table.count > BT_PLAN_MAX_RELAYS)
    refuse(reader, BT_PLAN_E_TABLE);
  return read_table(reader, table, sizeof(BtPlanRelay));
}

/* The string at offset, whose bytes and NUL are at most max_size; else NULL. */
static const char *
read_string(Reader *reader, uint32_t offset, size_t max_size)
{
  if (offset < sizeof(BtPlanHeader) || offset >= reader->size) {
    refuse(reader, BT_PLAN_E_STRING);
    return NULL;
  }
  const uint8_t *bytes = reader->bytes + offset;
  size_t room = reader->size - offset;
  if (memchr(bytes, '\0', room < max_size ? room : max_size) == NULL) {
    refuse(reader, BT_PLAN_E_STRING);
    return NULL;
  }
  return (const char *)bytes;
}

/* No component may be empty, "." or "..": the helper walks the path as it is. */
static bool
is_canonical(const char *path)
{
  while (*path == '/') {
    size_t length = strcspn(++path, "/");
    if (length == 0 || (length == 1 && path[0] == '.') ||
        (length == 2 && path[0] == '.' && path[1] == '.'))
      return false;
    path += length;
  }
  return *path == '\0';
}

/* Nothing is made at the root itself or mounted over it. */
static bool
check_target(Reader *reader, uint32_t offset)
{
  const char *path = read_string(reader, offset, PATH_MAX);
  return path != NULL &&
         ((path[0] == '/' && is_canonical(path)) || refuse(reader, BT_PLAN_E_RECORD));
}

static bool
check_host_path(Reader *reader, uint32_t offset)
{
  const char *path = read_string(reader, offset, PATH_MAX);
  return path != NULL && ((path[0] == '/' && (path[1] == '\0' || is_canonical(path))) ||
                          refuse(reader, BT_PLAN_E_RECORD));
}

static bool
check_absolute(Reader *reader, uint32_t offset)
{
  const char *path = read_string(reader, offset, PATH_MAX);
  return path != NULL && (path[0] == '/' || refuse(reader, BT_PLAN_E_RECORD));
}

static bool
check_source(Reader *reader, const BtPlanOp *op)
{
  switch (op->kind) {
  case BT_PLAN_BIND:
  case BT_PLAN_DEVICE:
  case BT_PLAN_LEND:
    return check_host_path(reader, op->source);
  case BT_PLAN_PROGRAM:
    return check_target(reader, op->source);
  case BT_PLAN_SYMLINK: {
    const char *text = read_string(reader, op->source, PATH_MAX);
    return text != NULL && (text[0] != '\0' || refuse(reader, BT_PLAN_E_RECORD));
  }
  default:
    return op->source == 0 || refuse(reader, BT_PLAN_E_RECORD);
  }
}

static bool
check_data(Reader *reader, const BtPlanOp *op)
{
  if (op->data_size == 0)
    return true;
  if ((op->kind != BT_PLAN_FILE && op->kind != BT_PLAN_COVER) ||
      op->data_offset < sizeof(BtPlanHeader) || op->data_offset > reader->size ||
      op->data_size > reader->size - op->data_offset)
    return refuse(reader, BT_PLAN_E_RECORD);
  return true;
}

static bool
check_op(Reader *reader, const BtPlanOp *op)
{
  uint32_t max_mode = op->kind == BT_PLAN_CONSOLE ? 2 : 07777;

  if (op->kind < BT_PLAN_DIR || op->kind > BT_PLAN_LEND || (op->attr & ~ALL_ATTRS) != 0 ||
      op->mode > max_mode || op->reserved != 0)
    return refuse(reader, BT_PLAN_E_RECORD);
  return check_target(reader, op->target) && check_source(reader, op) && check_data(reader, op);
}

static bool
check_limit(Reader *reader, const BtPlanLimit *limit)
{
  return (limit->resource < RLIM_NLIMITS && (limit->flags & ~(uint32_t)BT_PLAN_OR_LESS) == 0 &&
          limit->soft <= limit->hard) ||
         refuse(reader, BT_PLAN_E_RECORD);
}

static bool
check_env(Reader *reader, uint32_t offset)
{
  const char *text = read_string(reader, offset, MAX_ARG_SIZE);
  if (text == NULL)
    return false;
  return (text[0] != '=' && strchr(text, '=') != NULL) || refuse(reader, BT_PLAN_E_RECORD);
}

/* As the kernel's dev_valid_name(). */
static bool
check_interface(Reader *reader, uint32_t offset)
{
  const char *name = read_string(reader, offset, IF_NAMESIZE);
  if (name == NULL)
    return false;
  return (name[0] != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
          strpbrk(name, "/: \t\n\v\f\r") == NULL) ||
         refuse(reader, BT_PLAN_E_RECORD);
}

bool
bt_plan_net_has_ipv6(const BtPlanNet *net)
{
  static const BtAddr none;
  return !bt_addr_equal(&net->address6, &none);
}

static bool
net6_is_valid(const BtPlanNet *net)
{
  static const BtAddr none;
  const BtAddr *address = &net->address6, *gateway = &net->gateway6;

  if (!bt_plan_net_has_ipv6(net))
    return bt_addr_equal(gateway, &none);
  return net->mtu >= MIN_MTU6 && !bt_addr_is_ipv4(address) && !bt_addr_equal(address, gateway) &&
         bt_addr_in(gateway, address, BT_NET_PREFIX_LENGTH6);
}

static bool
check_net(Reader *reader, const BtPlanNet *net)
{
  if (net->mode > BT_PLAN_NET_HOST || net->prefix_length > 32)
    return refuse(reader, BT_PLAN_E_RECORD);
  if (net->mode == BT_PLAN_NET_NONE || net->mode == BT_PLAN_NET_HOST)
    return net->interface == 0 || check_interface(reader, net->interface);
  if (net->mtu < MIN_MTU || net->mtu > MAX_MTU || net->address == 0 || net->gateway == 0 ||
      !net6_is_valid(net))
    return refuse(reader, BT_PLAN_E_RECORD);
  return check_interface(reader, net->interface);
}

static bool
check_relay(Reader *reader, const BtPlanRelay *relay)
{
  return (relay->port != 0 && relay->families != 0 && (relay->families & ~ALL_FAMILIES) == 0) ||
         refuse(reader, BT_PLAN_E_RECORD);
}

/*
 * Without namespaces there is nothing to mount or name, and the other two layers must be on. What
 * Landlock does not keep inside is notified, and a signal is not to be sent twice.
 */
static bool
check_flat(Reader *reader, const BtPlanHeader *header)
{
  bool old = (header->flags & BT_PLAN_KILLABLE) != 0;

  return ((header->flags & (BT_PLAN_NO_SECCOMP | BT_PLAN_FAST_PATH)) == 0 &&
          header->ops.count == 0 &&
          header->hostname == 0 && header->net.mode == BT_PLAN_NET_HOST && header->net.dns == 0 &&
          header->relays.count == 0 && header->dialers == 0 && header->landlock_fs != 0 &&
          header->landlock_scoped == (old ? 0 : BT_PLAN_SCOPE_ALL) &&
          (header->landlock_net == BT_PLAN_TCP || (old && header->landlock_net == 0))) ||
         refuse(reader, BT_PLAN_E_RECORD);
}

static bool
check_header(Reader *reader, const BtPlanHeader *header)
{
  /* To setresuid() and setresgid(), -1 means: leave it as it is. */
  if ((header->flags & ~ALL_FLAGS) != 0 || header->dialers > BT_PLAN_MAX_DIALERS || header->uid == UINT32_MAX ||
      header->gid == UINT32_MAX)
    return refuse(reader, BT_PLAN_E_RECORD);
  bool flat = (header->flags & BT_PLAN_NO_NAMESPACES) != 0;
  if (flat ? !check_flat(reader, header) : header->landlock_net != 0)
    return flat ? false : refuse(reader, BT_PLAN_E_RECORD);
  if (header->hostname != 0 &&
      read_string(reader, header->hostname, MAX_HOSTNAME_LENGTH + 1) == NULL)
    return false;
  return check_absolute(reader, header->executable) && check_absolute(reader, header->cwd) &&
         check_net(reader, &header->net);
}

static bool
check_records(Reader *reader, const BtPlanView *view)
{
  const BtPlanHeader *header = view->header;

  for (uint32_t i = 0; i < header->ops.count; i++)
    if (!check_op(reader, &view->ops[i]))
      return false;
  bool flat = (header->flags & BT_PLAN_NO_NAMESPACES) != 0;
  for (uint32_t i = 0; i < header->landlock.count; i++)
    if (!(flat ? check_host_path(reader, view->landlock[i].path)
               : check_absolute(reader, view->landlock[i].path)) ||
        (view->landlock[i].reserved != 0 && !refuse(reader, BT_PLAN_E_RECORD)))
      return false;
  for (uint32_t i = 0; i < header->limits.count; i++)
    if (!check_limit(reader, &view->limits[i]))
      return false;
  for (uint32_t i = 0; i < header->argv.count; i++)
    if (read_string(reader, view->argv[i], MAX_ARG_SIZE) == NULL)
      return false;
  for (uint32_t i = 0; i < header->env.count; i++)
    if (!check_env(reader, view->env[i]))
      return false;
  for (uint32_t i = 0; i < header->relays.count; i++)
    if (!check_relay(reader, &view->relays[i]))
      return false;
  /* Without a filter its process would run unconfined, and nobody would say so. */
  bool off = (header->flags & BT_PLAN_NO_SECCOMP) != 0;
  return (header->argv.count > 0 && header->init_filter.count > 0 &&
          (header->worker_filter.count == 0) == off && (header->opener_filter.count == 0 || !off)) ||
         refuse(reader, BT_PLAN_E_RECORD);
}

BtPlanError
bt_plan_open(const void *bytes, size_t size, BtPlanView *view_out)
{
  Reader reader = { .bytes = bytes, .size = size };
  const BtPlanHeader *header = bytes;

  if (size < sizeof *header || size > BT_PLAN_MAX_SIZE)
    return BT_PLAN_E_SIZE;
  if ((uintptr_t)bytes % _Alignof(BtPlanHeader) != 0)
    return BT_PLAN_E_TABLE;
  if (header->magic != BT_PLAN_MAGIC || header->version != BT_PLAN_VERSION)
    return BT_PLAN_E_VERSION;
  if (header->size != size)
    return BT_PLAN_E_SIZE;

  BtPlanView view = {
    .bytes = bytes,
    .size = size,
    .header = header,
    .ops = read_table(&reader, header->ops, sizeof(BtPlanOp)),
    .landlock = read_table(&reader, header->landlock, sizeof(BtPlanLandlock)),
    .limits = read_table(&reader, header->limits, sizeof(BtPlanLimit)),
    .argv = read_table(&reader, header->argv, sizeof(uint32_t)),
    .env = read_table(&reader, header->env, sizeof(uint32_t)),
    .worker_filter = read_filter(&reader, header->worker_filter),
    .init_filter = read_filter(&reader, header->init_filter),
    .opener_filter = read_filter(&reader, header->opener_filter),
    .relays = read_relays(&reader, header->relays),
  };
  if (reader.error != BT_PLAN_OK || !check_header(&reader, header) ||
      !check_records(&reader, &view))
    return reader.error;
  *view_out = view;
  return BT_PLAN_OK;
}

const char *
bt_plan_error_text(BtPlanError error)
{
  switch (error) {
  case BT_PLAN_OK:
    return "the plan is valid";
  case BT_PLAN_E_SIZE:
    return "the plan is not of the size it claims";
  case BT_PLAN_E_VERSION:
    return "the plan is of another version: buntime and buntime-init are not of one build";
  case BT_PLAN_E_TABLE:
    return "a table lies outside the plan";
  case BT_PLAN_E_STRING:
    return "a string lies outside the plan or is too long";
  case BT_PLAN_E_RECORD:
    return "a record of the plan has impossible values";
  default:
    return "the plan is malformed";
  }
}
