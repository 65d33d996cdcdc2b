/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The encoding is: header, heap (strings and file contents), tables.  The heap
 * comes before the tables so that an offset is final as soon as it is given.
 */
#include "plan/bt-plan-builder.h"

#include <string.h>

#include "policy/bt-path.h"

struct _BtPlanBuilder {
  BtPlanHeader header;
  GByteArray *bytes;   /* room for the header, then the heap */
  GHashTable *strings; /* text, offset */
  GArray *ops;         /* BtPlanOp */
  GArray *landlock;    /* BtPlanLandlock */
  GArray *limits;      /* BtPlanLimit */
  GArray *argv;        /* guint32 */
  GArray *env;         /* guint32 */
  BtFilter worker, init, opener;
  GArray *relays;      /* BtPlanRelay; NULL: none */
};

BtPlanBuilder *
bt_plan_builder_new(void)
{
  BtPlanBuilder *self = g_new0(BtPlanBuilder, 1);
  /* A plan without grants fits at once. */
  self->bytes = g_byte_array_sized_new(32768);
  g_byte_array_set_size(self->bytes, sizeof(BtPlanHeader));
  self->strings = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  self->ops = g_array_sized_new(FALSE, TRUE, sizeof(BtPlanOp), 128);
  self->landlock = g_array_sized_new(FALSE, TRUE, sizeof(BtPlanLandlock), 32);
  self->limits = g_array_new(FALSE, TRUE, sizeof(BtPlanLimit));
  self->argv = g_array_new(FALSE, TRUE, sizeof(guint32));
  self->env = g_array_new(FALSE, TRUE, sizeof(guint32));
  return self;
}

void
bt_plan_builder_free(BtPlanBuilder *self)
{
  g_byte_array_unref(self->bytes);
  g_hash_table_unref(self->strings);
  g_array_unref(self->ops);
  g_array_unref(self->landlock);
  g_array_unref(self->limits);
  g_array_unref(self->argv);
  g_array_unref(self->env);
  g_clear_pointer(&self->relays, g_array_unref);
  g_free(self);
}

guint32
bt_plan_builder_string(BtPlanBuilder *self, const char *text)
{
  if (text == NULL)
    return 0;
  gpointer known = g_hash_table_lookup(self->strings, text);
  if (known != NULL)
    return GPOINTER_TO_UINT(known);
  guint32 offset = self->bytes->len;
  g_byte_array_append(self->bytes, (const guint8 *)text, strlen(text) + 1);
  g_hash_table_insert(self->strings, g_strdup(text), GUINT_TO_POINTER(offset));
  return offset;
}

BtPlanHeader *
bt_plan_builder_header(BtPlanBuilder *self)
{
  return &self->header;
}

void
bt_plan_builder_dir(BtPlanBuilder *self, const char *target, guint mode)
{
  BtPlanOp op = {
    .kind = BT_PLAN_DIR,
    .target = bt_plan_builder_string(self, target),
    .mode = mode,
  };
  g_array_append_val(self->ops, op);
}

void
bt_plan_builder_symlink(BtPlanBuilder *self, const char *text, const char *target)
{
  BtPlanOp op = {
    .kind = BT_PLAN_SYMLINK,
    .source = bt_plan_builder_string(self, text),
    .target = bt_plan_builder_string(self, target),
  };
  g_array_append_val(self->ops, op);
}

static void
add_data_op(BtPlanBuilder *self, BtPlanOpKind kind, const char *target, guint mode,
            const void *data, gsize size)
{
  BtPlanOp op = {
    .kind = kind,
    .target = bt_plan_builder_string(self, target),
    .mode = mode,
    .data_size = size,
  };
  if (size > 0) {
    op.data_offset = self->bytes->len;
    g_byte_array_append(self->bytes, data, size);
  }
  g_array_append_val(self->ops, op);
}

void
bt_plan_builder_file(BtPlanBuilder *self, const char *target, guint mode, const void *data,
                     gsize size)
{
  add_data_op(self, BT_PLAN_FILE, target, mode, data, size);
}

void
bt_plan_builder_cover(BtPlanBuilder *self, const char *target, guint mode, const char *text)
{
  add_data_op(self, BT_PLAN_COVER, target, mode, text, strlen(text));
}

void
bt_plan_builder_program(BtPlanBuilder *self, const char *source, const char *target)
{
  BtPlanOp op = {
    .kind = BT_PLAN_PROGRAM,
    .attr = BT_PLAN_RDONLY,
    .source = bt_plan_builder_string(self, source),
    .target = bt_plan_builder_string(self, target),
  };
  g_array_append_val(self->ops, op);
}

void
bt_plan_builder_bind(BtPlanBuilder *self, const char *source, const char *target, guint attr,
                     guint64 dev, guint64 ino)
{
  BtPlanOp op = {
    .kind = BT_PLAN_BIND,
    .attr = attr,
    .source = bt_plan_builder_string(self, source),
    .target = bt_plan_builder_string(self, target),
    .dev = dev,
    .ino = ino,
  };
  g_array_append_val(self->ops, op);
}

void
bt_plan_builder_lend(BtPlanBuilder *self, const char *source, const char *target, guint64 dev,
                     guint64 ino)
{
  BtPlanOp op = {
    .kind = BT_PLAN_LEND,
    .source = bt_plan_builder_string(self, source),
    .target = bt_plan_builder_string(self, target),
    .dev = dev,
    .ino = ino,
  };
  g_array_append_val(self->ops, op);
}

void
bt_plan_builder_tmpfs(BtPlanBuilder *self, const char *target, guint attr, guint mode, guint64 size)
{
  BtPlanOp op = {
    .kind = BT_PLAN_TMPFS,
    .attr = attr,
    .target = bt_plan_builder_string(self, target),
    .mode = mode,
    .size = size,
  };
  g_array_append_val(self->ops, op);
}

void
bt_plan_builder_mount(BtPlanBuilder *self, BtPlanOpKind kind, const char *target, guint attr)
{
  BtPlanOp op = {
    .kind = kind,
    .attr = attr,
    .target = bt_plan_builder_string(self, target),
  };
  g_array_append_val(self->ops, op);
}

void
bt_plan_builder_device(BtPlanBuilder *self, const char *path)
{
  BtPlanOp op = {
    .kind = BT_PLAN_DEVICE,
    .attr = BT_PLAN_NOEXEC,
    .source = bt_plan_builder_string(self, path),
    .target = bt_plan_builder_string(self, path),
  };
  g_array_append_val(self->ops, op);
}

void
bt_plan_builder_console(BtPlanBuilder *self, const char *target, int descriptor)
{
  BtPlanOp op = {
    .kind = BT_PLAN_CONSOLE,
    .attr = BT_PLAN_NOEXEC,
    .target = bt_plan_builder_string(self, target),
    .mode = descriptor,
  };
  g_array_append_val(self->ops, op);
}

void
bt_plan_builder_landlock(BtPlanBuilder *self, const char *path, guint64 access)
{
  guint32 offset = bt_plan_builder_string(self, path);

  for (guint i = 0; i < self->landlock->len; i++) {
    BtPlanLandlock *rule = &g_array_index(self->landlock, BtPlanLandlock, i);
    if (rule->path == offset) {
      rule->access |= access;
      return;
    }
  }
  BtPlanLandlock rule = { .access = access, .path = offset };
  g_array_append_val(self->landlock, rule);
}

guint64
bt_plan_builder_rights(const BtPlanBuilder *self, const char *path)
{
  guint64 rights = 0;

  for (guint i = 0; i < self->landlock->len; i++) {
    const BtPlanLandlock *rule = &g_array_index(self->landlock, BtPlanLandlock, i);
    if (bt_path_is_below(path, (const char *)self->bytes->data + rule->path))
      rights |= rule->access;
  }
  return rights;
}

void
bt_plan_builder_each_right(const BtPlanBuilder *self, BtPlanRightFunc func, gpointer data)
{
  for (guint i = 0; i < self->landlock->len; i++) {
    const BtPlanLandlock *rule = &g_array_index(self->landlock, BtPlanLandlock, i);
    func(data, (const char *)self->bytes->data + rule->path, rule->access);
  }
}

gboolean
bt_plan_builder_touches(const BtPlanBuilder *self, const char *path)
{
  for (guint i = 0; i < self->landlock->len; i++) {
    const BtPlanLandlock *rule = &g_array_index(self->landlock, BtPlanLandlock, i);
    const char *place = (const char *)self->bytes->data + rule->path;
    if (bt_path_is_below(path, place) || bt_path_is_below(place, path))
      return TRUE;
  }
  return FALSE;
}

void
bt_plan_builder_limit(BtPlanBuilder *self, guint resource, guint64 soft, guint64 hard)
{
  BtPlanLimit limit = { .resource = resource, .soft = soft, .hard = hard };
  g_array_append_val(self->limits, limit);
}

void
bt_plan_builder_limit_or_less(BtPlanBuilder *self, guint resource, guint64 value)
{
  BtPlanLimit limit = { resource, BT_PLAN_OR_LESS, value, value };
  g_array_append_val(self->limits, limit);
}

void
bt_plan_builder_arg(BtPlanBuilder *self, const char *arg)
{
  guint32 offset = bt_plan_builder_string(self, arg);
  g_array_append_val(self->argv, offset);
}

void
bt_plan_builder_env(BtPlanBuilder *self, const char *name, const char *value)
{
  g_autofree char *text = g_strconcat(name, "=", value, NULL);
  gsize length = strlen(name) + 1;
  guint32 offset = bt_plan_builder_string(self, text);

  for (guint i = 0; i < self->env->len; i++) {
    guint32 *entry = &g_array_index(self->env, guint32, i);
    if (memcmp(self->bytes->data + *entry, text, length) == 0) {
      *entry = offset;
      return;
    }
  }
  g_array_append_val(self->env, offset);
}

const char *
bt_plan_builder_get_env(BtPlanBuilder *self, const char *name)
{
  gsize length = strlen(name);

  for (guint i = 0; i < self->env->len; i++) {
    const char *entry = (const char *)self->bytes->data + g_array_index(self->env, guint32, i);
    if (strncmp(entry, name, length) == 0 && entry[length] == '=')
      return entry + length + 1;
  }
  return NULL;
}

void
bt_plan_builder_filters(BtPlanBuilder *self, BtFilter worker, BtFilter init)
{
  self->worker = worker;
  self->init = init;
}

void
bt_plan_builder_opener(BtPlanBuilder *self, BtFilter opener)
{
  self->opener = opener;
}

void
bt_plan_builder_relay(BtPlanBuilder *self, guint16 port, guint families)
{
  const BtPlanRelay relay = { .port = port, .families = (guint16)families };

  if (self->relays == NULL)
    self->relays = g_array_new(FALSE, FALSE, sizeof relay);
  g_array_append_val(self->relays, relay);
}

static void
append_table(BtPlanBuilder *self, BtPlanTable *table_out, const void *records, guint count,
             gsize record_size)
{
  static const guint8 zeros[8];

  g_byte_array_append(self->bytes, zeros, -self->bytes->len & 7);
  table_out->offset = self->bytes->len;
  table_out->count = count;
  if (count > 0)
    g_byte_array_append(self->bytes, records, count * record_size);
}

static void
append_array(BtPlanBuilder *self, BtPlanTable *table_out, const GArray *array)
{
  append_table(self, table_out, array->data, array->len, g_array_get_element_size((GArray *)array));
}

static void
append_filter(BtPlanBuilder *self, BtPlanTable *table_out, BtFilter filter)
{
  append_table(self, table_out, filter.instructions, filter.count, sizeof(struct sock_filter));
}

GBytes *
bt_plan_builder_finish(BtPlanBuilder *self)
{
  BtPlanHeader *header = &self->header;

  append_array(self, &header->ops, self->ops);
  append_array(self, &header->landlock, self->landlock);
  append_array(self, &header->limits, self->limits);
  append_array(self, &header->argv, self->argv);
  append_array(self, &header->env, self->env);
  append_filter(self, &header->worker_filter, self->worker);
  append_filter(self, &header->init_filter, self->init);
  append_filter(self, &header->opener_filter, self->opener);
  if (self->relays != NULL)
    append_table(self, &header->relays, self->relays->data, self->relays->len,
                 sizeof(BtPlanRelay));
  if (self->bytes->len > BT_PLAN_MAX_SIZE)
    return NULL;
  header->magic = BT_PLAN_MAGIC;
  header->version = BT_PLAN_VERSION;
  header->size = self->bytes->len;
  memcpy(self->bytes->data, header, sizeof *header);
  GByteArray *bytes = self->bytes;
  self->bytes = g_byte_array_new();
  return g_byte_array_free_to_bytes(bytes);
}
