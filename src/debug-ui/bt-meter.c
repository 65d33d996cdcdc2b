/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debug-ui/bt-meter.h"

struct _BtMeter {
  GFilterInputStream parent;
  gsize budget;
  gboolean told; /* to come back */
};

static void meter_pollable_init(GPollableInputStreamInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE(BtMeter, bt_meter, G_TYPE_FILTER_INPUT_STREAM,
                              G_IMPLEMENT_INTERFACE(G_TYPE_POLLABLE_INPUT_STREAM,
                                                    meter_pollable_init))

static GPollableInputStream *
base_of(gpointer self)
{
  return G_POLLABLE_INPUT_STREAM(
    g_filter_input_stream_get_base_stream(G_FILTER_INPUT_STREAM(self)));
}

/* -1 with error set: nothing may be read now, or ever. */
static gssize
refuse(BtMeter *self, GError **error)
{
  if (self->told)
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE, "more than is read");
  else
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "others have their turn");
  self->told = TRUE;
  return -1;
}

static gssize
count(BtMeter *self, gssize got)
{
  self->budget -= (gsize)MAX(got, 0);
  return got;
}

static gssize
meter_read(GInputStream *stream, void *buffer, gsize size, GCancellable *cancellable,
           GError **error)
{
  BtMeter *self = BT_METER(stream);

  if (self->budget == 0)
    return refuse(self, error);
  return count(self, g_input_stream_read(G_INPUT_STREAM(base_of(self)), buffer,
                                         MIN(size, self->budget), cancellable, error));
}

static gssize
meter_read_nonblocking(GPollableInputStream *stream, void *buffer, gsize size, GError **error)
{
  BtMeter *self = BT_METER(stream);

  if (self->budget == 0)
    return refuse(self, error);
  return count(self, g_pollable_input_stream_read_nonblocking(
                       base_of(self), buffer, MIN(size, self->budget), NULL, error));
}

static gboolean
meter_can_poll(GPollableInputStream *stream)
{
  return g_pollable_input_stream_can_poll(base_of(stream));
}

static gboolean
meter_is_readable(GPollableInputStream *stream)
{
  return g_pollable_input_stream_is_readable(base_of(stream));
}

static GSource *
meter_create_source(GPollableInputStream *stream, GCancellable *cancellable)
{
  g_autoptr(GSource) base = g_pollable_input_stream_create_source(base_of(stream), NULL);
  return g_pollable_source_new_full(stream, base, cancellable);
}

static void
meter_pollable_init(GPollableInputStreamInterface *iface)
{
  iface->can_poll = meter_can_poll;
  iface->is_readable = meter_is_readable;
  iface->create_source = meter_create_source;
  iface->read_nonblocking = meter_read_nonblocking;
}

static void
bt_meter_class_init(BtMeterClass *class)
{
  G_INPUT_STREAM_CLASS(class)->read_fn = meter_read;
}

static void
bt_meter_init(BtMeter *self)
{
}

BtMeter *
bt_meter_new(GInputStream *base, gsize budget)
{
  BtMeter *self = g_object_new(BT_TYPE_METER, "base-stream", base, NULL);

  self->budget = budget;
  return self;
}

void
bt_meter_allow(BtMeter *self, gsize budget)
{
  self->budget = budget;
  self->told = FALSE;
}
