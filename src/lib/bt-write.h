/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* write() where nobody may read any longer: EPIPE without the signal, which would end buntime. */
gssize bt_write_quietly(int fd, const char *text, gsize length);

G_END_DECLS
