/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What was decided about a worker.
 */

#include <glib-object.h>

#include "buntime-policy.h"

G_BEGIN_DECLS
#pragma GCC visibility push(default)

/**
 * BuntimeEvent:
 *
 * One decision about one operation of a worker, or something that happened to it.
 * Whatever it says of the worker's doing may be made up by the worker.
 *
 * Since: 1.0
 */
typedef struct _BuntimeEvent BuntimeEvent;

#define BUNTIME_TYPE_EVENT (buntime_event_get_type())
GType buntime_event_get_type(void);

/**
 * buntime_event_copy:
 * @event: an event
 *
 * Copies an event.
 *
 * Returns: (transfer full): a copy
 *
 * Since: 1.0
 */
BuntimeEvent *buntime_event_copy(const BuntimeEvent *event);

/**
 * buntime_event_free:
 * @event: (transfer full) (nullable): an event
 *
 * Frees an event.
 *
 * Since: 1.0
 */
void buntime_event_free(BuntimeEvent *event);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BuntimeEvent, buntime_event_free)

/**
 * buntime_event_get_kind:
 * @event: an event
 *
 * Says what kind of thing it is about.
 *
 * Returns: `net`, `read`, `write`, `run`, `env`, `unix`, `ffi`, `sys`, `dns`, `limit` or `state`
 *
 * Since: 1.0
 */
const char *buntime_event_get_kind(const BuntimeEvent *event);

/**
 * buntime_event_get_action:
 * @event: an event
 *
 * Says what was decided.
 *
 * Returns: what was decided; without meaning where the kind is `state`
 *
 * Since: 1.0
 */
BuntimeAction buntime_event_get_action(const BuntimeEvent *event);

/**
 * buntime_event_get_object:
 * @event: an event
 *
 * Says which file, host, program or the like it is about.
 *
 * Returns: (nullable): what it is about, not safe to print
 *
 * Since: 1.0
 */
const char *buntime_event_get_object(const BuntimeEvent *event);

/**
 * buntime_event_get_state:
 * @event: an event
 *
 * Says what happened to the worker.
 *
 * Returns: (nullable): where the kind is `state`: `started`, `exited`, `failed`, `dropped`
 *   (events were), or `notice` (buntime_event_get_reason() says it)
 *
 * Since: 1.0
 */
const char *buntime_event_get_state(const BuntimeEvent *event);

/**
 * buntime_event_get_reason:
 * @event: an event
 *
 * Says why, where that is more than a rule, in the user's language;
 * buntime_event_to_json() has it in English.
 *
 * Returns: (nullable): what else decided, or what is to be said
 *
 * Since: 1.0
 */
const char *buntime_event_get_reason(const BuntimeEvent *event);

/**
 * buntime_event_get_suggestion:
 * @event: an event
 *
 * Says what the caller could grant.
 *
 * Returns: (nullable): the narrowest flag that would permit it
 *
 * Since: 1.0
 */
const char *buntime_event_get_suggestion(const BuntimeEvent *event);

/**
 * buntime_event_get_count:
 * @event: an event
 *
 * Says how often it happened.
 *
 * Returns: how many operations it stands for
 *
 * Since: 1.0
 */
guint buntime_event_get_count(const BuntimeEvent *event);

/**
 * buntime_event_to_json:
 * @event: an event
 *
 * Writes the event for programs.
 *
 * Returns: (transfer full): one line of JSON, as `--events` writes it
 *
 * Since: 1.0
 */
char *buntime_event_to_json(const BuntimeEvent *event);

/**
 * buntime_event_format:
 * @event: an event
 *
 * Writes the event for people.
 *
 * Returns: (transfer full): the text for people, safe to print, its last newline included
 *
 * Since: 1.0
 */
char *buntime_event_format(const BuntimeEvent *event);

#pragma GCC visibility pop
G_END_DECLS
