/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-event-object.h"

#include "policy/bt-reason.h"

struct _BuntimeEvent {
  BtEvent *event;
  char *reason; /* in the user's language */
  char *worker;
};

G_DEFINE_BOXED_TYPE(BuntimeEvent, buntime_event, buntime_event_copy, buntime_event_free)

BuntimeEvent *
bt_event_object_new(BtEvent *event, const char *worker)
{
  BuntimeEvent *self = g_new0(BuntimeEvent, 1);

  self->event = event;
  self->reason = bt_reason_say(event->reason, TRUE);
  self->worker = g_strdup(worker);
  return self;
}

BuntimeEvent *
buntime_event_copy(const BuntimeEvent *self)
{
  return bt_event_object_new(bt_event_copy(self->event), self->worker);
}

void
buntime_event_free(BuntimeEvent *self)
{
  if (self == NULL)
    return;
  bt_event_free(self->event);
  g_free(self->reason);
  g_free(self->worker);
  g_free(self);
}

const char *
buntime_event_get_kind(const BuntimeEvent *self)
{
  return bt_event_kind_word(self->event->kind);
}

BuntimeAction
buntime_event_get_action(const BuntimeEvent *self)
{
  if (self->event->action == BT_ACTION_DENY)
    return BUNTIME_ACTION_DENY;
  return self->event->action == BT_ACTION_WARN ? BUNTIME_ACTION_WARN : BUNTIME_ACTION_ALLOW;
}

const char *
buntime_event_get_object(const BuntimeEvent *self)
{
  return self->event->object;
}

const char *
buntime_event_get_state(const BuntimeEvent *self)
{
  return self->event->state;
}

const char *
buntime_event_get_reason(const BuntimeEvent *self)
{
  return self->reason;
}

const char *
buntime_event_get_suggestion(const BuntimeEvent *self)
{
  return self->event->suggestion;
}

guint
buntime_event_get_count(const BuntimeEvent *self)
{
  return self->event->count;
}

char *
buntime_event_to_json(const BuntimeEvent *self)
{
  GString *text = g_string_new(NULL);

  bt_event_append_json(self->event, self->worker, text);
  g_string_truncate(text, text->len - 1);
  return g_string_free(text, FALSE);
}

char *
buntime_event_format(const BuntimeEvent *self)
{
  return bt_event_format(self->event);
}
