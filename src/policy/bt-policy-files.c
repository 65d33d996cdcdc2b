/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/bt-policy-files.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/bt-event.h"
#include "policy/bt-json.h"
#include "policy/bt-path.h"
#include "policy/bt-policy-private.h"
#include "policy/bt-policy-vars.h"

/* A file may extend one that extends another; all of them together are bounded, too. */
#define MAX_DEPTH 16
#define MAX_FILES 64
#define MAX_BYTES (4u << 20)

/* A file is the same one under whatever name. Each layer has its own: below it, it says less. */
typedef struct {
  dev_t device;
  ino_t inode;
  BtLayer layer;
  char *path;
  gboolean open; /* it is being added: to come here again is a cycle */
} File;

struct _BtPolicyFiles {
  GStrv folders;
  char *cwd;
  char *home;
  GPtrArray *files; /* File, in the order they were found */
  gsize bytes;
  gboolean used_stdin;
};

/* One call of bt_policy_files_add(). */
typedef struct {
  BtPolicyFiles *files;
  BtPolicy *policy;
  BtLayer layer;
  GString *errors;
  GPtrArray *chain; /* File: what leads here, not owned */
} Adding;

static void
file_free(gpointer data)
{
  File *file = data;
  g_free(file->path);
  g_free(file);
}

BtPolicyFiles *
bt_policy_files_new(const char *const *folders, const char *cwd, const char *home)
{
  BtPolicyFiles *self = g_new0(BtPolicyFiles, 1);
  self->folders = g_strdupv((char **)folders);
  self->cwd = g_strdup(cwd);
  self->home = g_strdup(home);
  self->files = g_ptr_array_new_with_free_func(file_free);
  return self;
}

static gpointer
file_copy(gconstpointer from, gpointer data)
{
  File *file = g_memdup2(from, sizeof *file);
  file->path = g_strdup(file->path);
  return file;
}

BtPolicyFiles *
bt_policy_files_copy(const BtPolicyFiles *from)
{
  BtPolicyFiles *self =
    bt_policy_files_new((const char *const *)from->folders, from->cwd, from->home);

  g_ptr_array_unref(self->files);
  self->files = g_ptr_array_copy(from->files, file_copy, NULL);
  g_ptr_array_set_free_func(self->files, file_free);
  self->bytes = from->bytes;
  self->used_stdin = from->used_stdin;
  return self;
}

void
bt_policy_files_free(BtPolicyFiles *self)
{
  g_strfreev(self->folders);
  g_free(self->cwd);
  g_free(self->home);
  g_ptr_array_unref(self->files);
  g_free(self);
}

gboolean
bt_policy_files_used_stdin(BtPolicyFiles *self)
{
  return self->used_stdin;
}

/* ---- presets ---- */

void
bt_preset_free(BtPreset *preset)
{
  g_free(preset->name);
  g_free(preset->path);
  g_free(preset);
}

/* A name is one component that hides nothing and reads as no flag. */
static gboolean
is_preset_name(const char *name)
{
  return g_ascii_isalnum(name[0]) &&
         name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] ==
           '\0';
}

static int
compare_presets(gconstpointer a, gconstpointer b)
{
  const BtPreset *left = *(const BtPreset *const *)a, *right = *(const BtPreset *const *)b;
  return strcmp(left->name, right->name);
}

static gboolean
has_preset(GPtrArray *presets, const char *name)
{
  for (guint i = 0; i < presets->len; i++)
    if (strcmp(((const BtPreset *)g_ptr_array_index(presets, i))->name, name) == 0)
      return TRUE;
  return FALSE;
}

static void
list_folder(GPtrArray *presets, const char *folder, gboolean own)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);

  if (dir == NULL)
    return;
  for (const char *entry; (entry = g_dir_read_name(dir)) != NULL;) {
    if (!g_str_has_suffix(entry, ".json"))
      continue;
    g_autofree char *name = g_strndup(entry, strlen(entry) - strlen(".json"));
    if (!is_preset_name(name) || has_preset(presets, name))
      continue;
    BtPreset *preset = g_new0(BtPreset, 1);
    preset->name = g_steal_pointer(&name);
    preset->path = g_build_filename(folder, entry, NULL);
    preset->own = own;
    g_ptr_array_add(presets, preset);
  }
}

GPtrArray *
bt_presets_list(const char *const *folders)
{
  GPtrArray *presets = g_ptr_array_new_with_free_func((GDestroyNotify)bt_preset_free);

  for (guint i = 1; folders[0] != NULL && folders[i] != NULL; i++)
    list_folder(presets, folders[i], FALSE);
  if (folders[0] != NULL)
    list_folder(presets, folders[0], TRUE);
  g_ptr_array_sort(presets, compare_presets);
  return presets;
}

static gboolean
fail_unknown_preset(BtPolicyFiles *self, const char *name, GError **error)
{
  g_autoptr(GPtrArray) presets = bt_presets_list((const char *const *)self->folders);
  g_autoptr(GPtrArray) names = g_ptr_array_new();

  for (guint i = 0; i < presets->len; i++)
    g_ptr_array_add(names, ((BtPreset *)g_ptr_array_index(presets, i))->name);
  g_ptr_array_add(names, NULL);
  const char *nearest = bt_nearest(name, (const char *const *)names->pdata);
  g_autofree char *cure =
    nearest != NULL
      ? g_strdup_printf(_("did you mean %s? A file is named with a slash or .json"), nearest)
      : g_strdup(_("'buntime policy list' shows them; a file is named with a slash or .json"));
  return bt_fail(error, BUNTIME_ERROR_POLICY, name, _("no preset of that name"), cure);
}

/* Even a file that cannot be read: what somebody put before a preset is not passed over. */
static char *
find_in(const char *folder, const char *name)
{
  g_autofree char *file = g_strconcat(name, ".json", NULL);
  g_autofree char *path = g_build_filename(folder, file, NULL);
  struct stat info;

  return lstat(path, &info) == 0 || (errno != ENOENT && errno != ENOTDIR) ? g_steal_pointer(&path)
                                                                          : NULL;
}

static char *
fail_twofold(const char *name, const char *own, GError **error)
{
  g_autofree char *reason =
    g_strdup_printf(_("a preset that all have, and a file of your own: %s"), own);
  bt_fail(error, BUNTIME_ERROR_POLICY, name, reason,
          _("rename yours, or name the one you mean by its path"));
  return NULL;
}

static char *
find_preset(BtPolicyFiles *self, const char *name, GError **error)
{
  g_autofree char *found = NULL;

  if (!is_preset_name(name)) {
    bt_fail(error, BUNTIME_ERROR_POLICY, name, _("neither a preset's name nor a path"),
            _("write a path with a slash or ending in .json"));
    return NULL;
  }
  g_autofree char *own = self->folders[0] != NULL ? find_in(self->folders[0], name) : NULL;
  for (guint i = 1; self->folders[0] != NULL && self->folders[i] != NULL && found == NULL; i++)
    found = find_in(self->folders[i], name);
  if (own != NULL && found != NULL)
    return fail_twofold(name, own, error);
  if (own == NULL && found == NULL)
    fail_unknown_preset(self, name, error);
  return own != NULL ? g_steal_pointer(&own) : g_steal_pointer(&found);
}

static gboolean
is_path(const char *value)
{
  return strchr(value, '/') != NULL || g_str_has_suffix(value, ".json");
}

char *
bt_policy_files_find(BtPolicyFiles *self, const char *value, GError **error)
{
  if (strcmp(value, "-") == 0)
    return g_strdup(value);
  if (!is_path(value))
    return find_preset(self, value, error);
  return g_path_is_absolute(value) ? g_strdup(value) : g_build_filename(self->cwd, value, NULL);
}

/* What a file extends: paths are relative to it. NULL: the error has no object yet. */
static char *
find_extended(BtPolicyFiles *self, const char *value, const char *folder, GError **error)
{
  if (!is_path(value))
    return find_preset(self, value, error);
  g_autofree char *expanded = bt_policy_expand_variables(value, self->home, error);
  return expanded != NULL ? bt_path_absolute(expanded, folder, self->home, error) : NULL;
}

/* ---- bytes ---- */

static GBytes *
read_bytes(int fd, const char *path, GError **error)
{
  /* One byte more than is allowed, so that the reader sees a file that is too large. */
  gsize room = BT_JSON_MAX_SIZE + 1, have = 0;
  g_autofree char *bytes = g_malloc(room);
  gssize got = 1;

  while (have < room && got > 0) {
    got = read(fd, bytes + have, room - have);
    if (got < 0 && errno == EINTR)
      got = 1;
    else if (got > 0)
      have += (gsize)got;
  }
  if (got < 0) {
    bt_fail(error, BUNTIME_ERROR_POLICY, path, g_strerror(errno), NULL);
    return NULL;
  }
  return g_bytes_new(bytes, have);
}

/* *info_out is of what was read. */
static GBytes *
read_file(const char *path, struct stat *info_out, GError **error)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  gboolean known = fd >= 0 && fstat(fd, info_out) == 0;

  if (!known || !S_ISREG(info_out->st_mode)) {
    bt_fail(error, BUNTIME_ERROR_POLICY, path,
            !known ? g_strerror(errno) : _("not a regular file"),
            !known ? _("give the path of a policy file")
                   : _("give the path of a policy file, or '-' for standard input"));
    if (fd >= 0)
      close(fd);
    return NULL;
  }
  GBytes *bytes = read_bytes(fd, path, error);
  close(fd);
  return bytes;
}

GBytes *
bt_policy_file_read(const char *path, GError **error)
{
  struct stat info;
  if (strcmp(path, "-") == 0)
    return read_bytes(STDIN_FILENO, path, error);
  return read_file(path, &info, error);
}

/* ---- adding ---- */

/* "REASON; CURE" behind where, which is NULL for what the user named himself. */
static void
complain(Adding *self, const char *where, GError *cause)
{
  g_auto(GStrv) lines = g_strsplit(cause->message, "\n", 2);
  g_autofree char *joined = g_strjoinv("; ", lines);
  g_autofree char *text =
    where != NULL ? g_strconcat(where, ": ", joined, NULL) : g_strdup(joined);
  g_autofree char *safe = bt_text_neutralise(text, -1);

  if (self->errors->len > 0)
    g_string_append_c(self->errors, '\n');
  g_string_append(self->errors, safe);
  g_error_free(cause);
}

/* The reader's message is one line a mistake, each with its place. */
static void
complain_lines(Adding *self, GError *cause)
{
  if (self->errors->len > 0)
    g_string_append_c(self->errors, '\n');
  g_string_append(self->errors, cause->message);
  g_error_free(cause);
}

static void
complain_cycle(Adding *self, const File *again, const char *where)
{
  g_autoptr(GString) text = g_string_new(NULL);
  gboolean inside = FALSE;
  GError *cause = NULL;

  for (guint i = 0; i < self->chain->len; i++) {
    const File *file = g_ptr_array_index(self->chain, i);
    inside |= file == again;
    if (inside)
      g_string_append_printf(text, "%s → ", file->path);
  }
  g_string_append(text, again->path);
  bt_fail(&cause, BUNTIME_ERROR_POLICY, _("policies that extend one another"), text->str, NULL);
  complain(self, where, cause);
}

static File *
find_known(Adding *self, const struct stat *info)
{
  for (guint i = 0; i < self->files->files->len; i++) {
    File *file = g_ptr_array_index(self->files->files, i);
    if (file->device == info->st_dev && file->inode == info->st_ino && file->layer == self->layer)
      return file;
  }
  return NULL;
}

static void add_bytes(Adding *self, GBytes *bytes, const char *path);

static void
add_file(Adding *self, const char *path, const char *where)
{
  GError *cause = NULL;
  struct stat info = { .st_size = 0 };
  g_autoptr(GBytes) bytes = read_file(path, &info, &cause);

  if (cause != NULL) {
    complain(self, where, cause);
    return;
  }
  File *file = find_known(self, &info);
  if (file != NULL) {
    if (file->open)
      complain_cycle(self, file, where);
    return;
  }
  self->files->bytes += g_bytes_get_size(bytes);
  if (self->chain->len >= MAX_DEPTH || self->files->files->len >= MAX_FILES ||
      self->files->bytes > MAX_BYTES) {
    bt_fail(&cause, BUNTIME_ERROR_POLICY, path, _("too many policies extend one another"),
            _("put them together into fewer files"));
    complain(self, where, cause);
    return;
  }
  file = g_new0(File, 1);
  file->device = info.st_dev;
  file->inode = info.st_ino;
  file->layer = self->layer;
  file->path = g_strdup(path);
  file->open = TRUE;
  g_ptr_array_add(self->files->files, file);
  g_ptr_array_add(self->chain, file);
  add_bytes(self, bytes, path);
  g_ptr_array_set_size(self->chain, (int)self->chain->len - 1);
  file->open = FALSE;
}

/* path is absolute, "-" or what stands for a path in errors. */
static void
add_bytes(Adding *self, GBytes *bytes, const char *path)
{
  g_autoptr(GPtrArray) extends =
    g_ptr_array_new_with_free_func((GDestroyNotify)bt_policy_extends_free);
  g_autofree char *folder =
    g_path_is_absolute(path) ? g_path_get_dirname(path) : g_strdup(self->files->cwd);
  GError *cause = NULL;

  if (!bt_policy_add_json(self->policy, self->layer, bytes, path, self->files->home, extends,
                          &cause))
    complain_lines(self, cause);
  for (guint i = 0; i < extends->len; i++) {
    const BtPolicyExtends *one = g_ptr_array_index(extends, i);
    cause = NULL;
    g_autofree char *found = find_extended(self->files, one->value, folder, &cause);
    if (cause != NULL)
      complain(self, one->where, cause);
    else
      add_file(self, found, one->where);
  }
}

static void
add_stdin(Adding *self)
{
  GError *cause = NULL;

  if (self->files->used_stdin) {
    bt_fail(&cause, BUNTIME_ERROR_POLICY, "-", _("standard input can be read only once"), NULL);
    complain(self, NULL, cause);
    return;
  }
  self->files->used_stdin = TRUE;
  g_autoptr(GBytes) bytes = read_bytes(STDIN_FILENO, "-", &cause);
  if (cause != NULL)
    complain(self, NULL, cause);
  else
    add_bytes(self, bytes, "-");
}

gboolean
bt_policy_files_add(BtPolicyFiles *self, BtPolicy *policy, const char *value, GError **error)
{
  g_autofree char *path = bt_policy_files_find(self, value, error);
  g_autoptr(GString) errors = g_string_new(NULL);
  g_autoptr(GPtrArray) chain = g_ptr_array_new();
  Adding adding = {
    .files = self, .policy = policy, .layer = BT_LAYER_FILES, .errors = errors, .chain = chain,
  };

  if (path == NULL)
    return FALSE;
  if (strcmp(path, "-") == 0)
    add_stdin(&adding);
  else
    add_file(&adding, path, NULL);
  return errors->len == 0 || bt_fail(error, BUNTIME_ERROR_POLICY, NULL, errors->str, NULL);
}

gboolean
bt_policy_files_add_bytes(BtPolicyFiles *self, BtPolicy *policy, BtLayer layer, GBytes *bytes,
                          const char *name, GError **error)
{
  g_autoptr(GString) errors = g_string_new(NULL);
  g_autoptr(GPtrArray) chain = g_ptr_array_new();
  Adding adding = {
    .files = self, .policy = policy, .layer = layer, .errors = errors, .chain = chain,
  };

  add_bytes(&adding, bytes, name);
  return errors->len == 0 || bt_fail(error, BUNTIME_ERROR_POLICY, NULL, errors->str, NULL);
}

/* ---- keeping them ---- */

static gboolean
grants_writing(BtPolicy *policy)
{
  for (guint i = 0; i < policy->fs_rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(policy->fs_rules, i);
    if (rule->rule.action != BT_ACTION_DENY && (rule->perms & BT_FS_WRITE) != 0)
      return TRUE;
  }
  return policy->defaults[BT_KIND_WRITE] != BT_ACTION_DENY;
}

static void
guard(BtPolicy *policy, const char *path, const char *text)
{
  BtPathRule *rule = bt_path_rule_new(BT_FS_WRITE);

  bt_rule_init(&rule->rule, BT_ACTION_DENY, BT_LAYER_FLAGS, BT_SOURCE_SELF, 0, text);
  rule->written = g_strdup(path);
  rule->path = g_canonicalize_filename(path, "/");
  g_ptr_array_add(policy->fs_rules, rule);
}

void
bt_policy_files_guard(BtPolicyFiles *self, BtPolicy *policy, const char *protect)
{
  if (!grants_writing(policy))
    return;
  for (guint i = 0; i < self->files->len; i++)
    guard(policy, ((const File *)g_ptr_array_index(self->files, i))->path,
          N_("policies cannot be changed by what they govern"));
  if (protect != NULL && g_file_test(protect, G_FILE_TEST_EXISTS))
    guard(policy, protect, N_("buntime's own configuration"));
}

/* A component of path that is a symbolic link which the policy lets be replaced (transfer full). */
static char *
find_loose_link(BtPolicy *policy, const char *path)
{
  const BtFsPerms replacing = BT_FS_MAKE_SYM | BT_FS_REMOVE_FILE;

  for (const char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
    g_autofree char *part = slash != NULL ? g_strndup(path, slash - path) : g_strdup(path);
    if (g_file_test(part, G_FILE_TEST_IS_SYMLINK)) {
      g_autofree char *folder = g_path_get_dirname(part);
      g_autofree char *real = bt_path_real(folder);
      if (bt_policy_check_path(policy, real, replacing).action != BT_ACTION_DENY)
        return g_steal_pointer(&part);
    }
    if (slash == NULL)
      return NULL;
  }
}

gboolean
bt_policy_files_check_links(BtPolicyFiles *self, BtPolicy *policy, const char *protect,
                            GPtrArray *notices, GError **error)
{
  for (guint i = 0; i < self->files->len; i++) {
    const File *file = g_ptr_array_index(self->files, i);
    g_autofree char *path = g_canonicalize_filename(file->path, "/");
    g_autofree char *link = find_loose_link(policy, path);
    if (link != NULL)
      return bt_fail(error, BUNTIME_ERROR_POLICY, link,
                     _("a symbolic link to a policy, which the program could replace"),
                     _("name the policy's own path, or grant writing elsewhere"));
  }
  g_autofree char *link = protect != NULL ? find_loose_link(policy, protect) : NULL;
  if (link != NULL && notices != NULL) {
    g_autofree char *safe = bt_text_neutralise(link, -1);
    g_ptr_array_add(notices,
                    g_strdup_printf(_("%s is a symbolic link, which the program could replace: "
                                      "look at buntime's policies before the next run"),
                                    safe));
  }
  return TRUE;
}
