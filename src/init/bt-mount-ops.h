/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "init/bt-init.h"

/* Carries out the plan's operation number i in the new tree. */
void bt_mount_op(BtInit *init, uint32_t i);
/* What HIDE mounts is made in the root on demand; its names go when all is done. */
void bt_mount_ops_finish(const BtInit *init);

/* A new file system, not yet mounted anywhere. Parameters: name, value, ..., NULL. */
int bt_make_fs(const char *type, const char *const *parameters, uint64_t attributes,
               const char *object);
/* Also remembers it as one where objects may be made. */
int bt_make_tmpfs(BtInit *init, uint64_t size, uint32_t mode, uint64_t attributes,
                  const char *object);
