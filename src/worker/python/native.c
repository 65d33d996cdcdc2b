/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * buntime._native: libbuntime-worker as a type of Python's, by the limited API of 3.9, so
 * that one build serves every later CPython.  What is seldom used, and what has a choice,
 * is Python (buntime/_client.py); here is what a message passes through.
 *
 * Each call is tried under the interpreter's lock first and waits without it.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x03090000
#include <Python.h>
#include <structmember.h>

#include <errno.h>
#include <poll.h>

#include "worker/buntime-worker.h"

#ifndef METH_FASTCALL
/* Missing from the limited API's headers until 3.10, but part of every CPython since 3.7. */
#define METH_FASTCALL 0x0080
#endif

/* Larger than this the room in the ring is given back at once. */
#define HELD_SIZE 4096
/* Of a message on the control socket: see buntime_channel_recv_control(). */
#define MAX_CONTROL (16u << 10)

typedef struct {
  PyObject_HEAD
  BuntimeChannel *channel; /* NULL: closed */
  PyObject *backlog;       /* list: messages that came while an answer was awaited */
  int busy;                /* threads that are in a call: it cannot be closed */
  int receiving;
} Channel;

static PyObject *
raise_error(int error)
{
  errno = -error;
  return PyErr_SetFromErrno(PyExc_OSError);
}

static PyObject *
none(void)
{
  Py_INCREF(Py_None);
  return Py_None;
}

static PyObject *
raise_closed(void)
{
  PyErr_SetString(PyExc_ValueError, "the channel is closed");
  return NULL;
}

/* The bytes of an object, which *owner_out keeps. */
static int
get_bytes(PyObject *object, PyObject **owner_out, const char **bytes_out, Py_ssize_t *size_out)
{
  if (PyByteArray_Check(object)) {
    *owner_out = NULL;
    *bytes_out = PyByteArray_AsString(object);
    *size_out = PyByteArray_Size(object);
    return 0;
  }
  if (PyUnicode_Check(object)) {
    PyErr_SetString(PyExc_TypeError, "bytes are sent, not str: encode it");
    return -1;
  }
  /* A bytes object is returned as it is; others are copied, for want of a better call in 3.9. */
  *owner_out = PyBytes_FromObject(object);
  if (*owner_out == NULL)
    return -1;
  *bytes_out = PyBytes_AsString(*owner_out);
  *size_out = PyBytes_Size(*owner_out);
  return 0;
}

typedef int (*SendFunction)(BuntimeChannel *, uint32_t, uint32_t, const void *, size_t, int);

/* With the interpreter's lock it does not wait. */
static int
try_to_send(Channel *self, SendFunction function, uint32_t type, uint32_t id, const char *bytes,
            size_t size, int timeout)
{
  int error;

  if (self->channel == NULL) {
    raise_closed();
    return 0;
  }
  if (timeout == 0)
    return function(self->channel, type, id, bytes, size, 0);
  self->busy++;
  Py_BEGIN_ALLOW_THREADS
  error = function(self->channel, type, id, bytes, size, timeout);
  Py_END_ALLOW_THREADS
  self->busy--;
  return error;
}

static PyObject *
send_object(Channel *self, PyObject *object, SendFunction function, uint32_t type, uint32_t id,
            int timeout)
{
  PyObject *owner, *copy = NULL;
  const char *bytes;
  Py_ssize_t size;

  if (get_bytes(object, &owner, &bytes, &size) < 0)
    return NULL;
  /* Only now: making bytes of it runs its own code, as signal handlers below are code. */
  int error = try_to_send(self, function, type, id, bytes, (size_t)size, 0);
  if (error == -EAGAIN && timeout != 0 && owner == NULL) {
    /* A bytearray may be changed by others while this thread waits. */
    copy = PyBytes_FromObject(object);
    bytes = copy != NULL ? PyBytes_AsString(copy) : NULL;
  }
  while ((error == -EAGAIN || error == -EINTR) && timeout != 0 && bytes != NULL) {
    error = try_to_send(self, function, type, id, bytes, (size_t)size, timeout);
    if (error == -EINTR && PyErr_CheckSignals() < 0)
      break;
  }
  Py_XDECREF(owner);
  Py_XDECREF(copy);
  if (PyErr_Occurred())
    return NULL;
  if (error != 0)
    return raise_error(error);
  return none();
}

static PyObject *
channel_send(PyObject *object, PyObject *bytes)
{
  return send_object((Channel *)object, bytes, buntime_channel_send, BUNTIME_MESSAGE, 0, -1);
}

static PyObject *
channel_queue(PyObject *object, PyObject *bytes)
{
  return send_object((Channel *)object, bytes, buntime_channel_queue, BUNTIME_MESSAGE, 0, -1);
}

static int
get_number(PyObject *object, unsigned long *number_out)
{
  *number_out = PyLong_AsUnsignedLong(object);
  return PyErr_Occurred() ? -1 : 0;
}

/* send_frame(type, id, data, timeout in ms) */
static PyObject *
channel_send_frame(PyObject *object, PyObject *const *arguments, Py_ssize_t count)
{
  unsigned long type, id;

  if (count != 4) {
    PyErr_SetString(PyExc_TypeError, "send_frame(type, id, data, timeout)");
    return NULL;
  }
  if (get_number(arguments[0], &type) < 0 || get_number(arguments[1], &id) < 0)
    return NULL;
  long timeout = PyLong_AsLong(arguments[3]);
  if (PyErr_Occurred())
    return NULL;
  return send_object((Channel *)object, arguments[2], buntime_channel_send, (uint32_t)type,
                     (uint32_t)id, (int)timeout);
}

static PyObject *
channel_flush(PyObject *object, PyObject *unused)
{
  Channel *self = (Channel *)object;

  if (self->channel == NULL)
    return raise_closed();
  int error = buntime_channel_flush(self->channel);
  return error != 0 && error != -EAGAIN ? raise_error(error) : PyBool_FromLong(error == 0);
}

/* 0: a message; 1: none within the time; -1: an exception. */
static int
receive(Channel *self, BuntimeMessage *message, int timeout)
{
  if (self->channel == NULL) {
    raise_closed();
    return -1;
  }
  if (self->receiving) {
    PyErr_SetString(PyExc_RuntimeError, "another thread is receiving");
    return -1;
  }
  int error = buntime_channel_recv(self->channel, message, 0);
  while ((error == -EAGAIN || error == -EINTR) && timeout != 0) {
    self->busy++;
    self->receiving = 1;
    Py_BEGIN_ALLOW_THREADS
    error = buntime_channel_recv(self->channel, message, timeout);
    Py_END_ALLOW_THREADS
    self->receiving = 0;
    self->busy--;
    if (error == -EINTR && PyErr_CheckSignals() < 0)
      return -1;
    /* By a signal's handler. */
    if (self->channel == NULL) {
      raise_closed();
      return -1;
    }
  }
  if (error == 0)
    return 0;
  if (error == -EAGAIN || error == -ETIMEDOUT)
    return 1;
  if (error == -EPIPE)
    PyErr_SetString(PyExc_EOFError, "the supervisor is gone");
  else
    raise_error(error);
  return -1;
}

static PyObject *
make_bytes(Channel *self, const BuntimeMessage *message)
{
  PyObject *bytes = PyBytes_FromStringAndSize(message->bytes, (Py_ssize_t)message->size);

  if (message->size > HELD_SIZE)
    buntime_channel_release(self->channel);
  return bytes;
}

/* recv_frame(timeout in ms): (type, id, data) or None */
static PyObject *
channel_recv_frame(PyObject *object, PyObject *argument)
{
  Channel *self = (Channel *)object;
  BuntimeMessage message;
  long timeout = PyLong_AsLong(argument);

  if (PyErr_Occurred())
    return NULL;
  int result = receive(self, &message, (int)timeout);
  if (result < 0)
    return NULL;
  if (result > 0)
    return none();
  PyObject *bytes = make_bytes(self, &message);
  return bytes != NULL ? Py_BuildValue("(kkN)", (unsigned long)message.type,
                                       (unsigned long)message.id, bytes)
                       : NULL;
}

static PyObject *
take_backlog(Channel *self)
{
  PyObject *bytes = PyList_GetItem(self->backlog, 0);

  Py_XINCREF(bytes);
  if (bytes != NULL && PyList_SetSlice(self->backlog, 0, 1, NULL) < 0) {
    Py_DECREF(bytes);
    return NULL;
  }
  return bytes;
}

/* The next message that is not for the client itself; those go to self._on_frame(). */
static PyObject *
channel_recv(PyObject *object, PyObject *unused)
{
  Channel *self = (Channel *)object;

  for (;;) {
    BuntimeMessage message;
    if (PyList_Size(self->backlog) > 0)
      return take_backlog(self);
    int result = receive(self, &message, -1);
    if (result < 0)
      return NULL;
    PyObject *bytes = make_bytes(self, &message);
    if (bytes == NULL || message.type == BUNTIME_MESSAGE)
      return bytes;
    PyObject *done = PyObject_CallMethod(object, "_on_frame", "kkN", (unsigned long)message.type,
                                         (unsigned long)message.id, bytes);
    if (done == NULL)
      return NULL;
    Py_DECREF(done);
  }
}

static PyObject *
channel_prepare(PyObject *object, PyObject *argument)
{
  Channel *self = (Channel *)object;
  unsigned long wants;

  if (get_number(argument, &wants) < 0)
    return NULL;
  if (self->channel == NULL)
    return raise_closed();
  int ready = buntime_channel_prepare(self->channel, (uint32_t)wants);
  return ready < 0 ? raise_error(ready) : PyBool_FromLong(ready);
}

static PyObject *
channel_fileno(PyObject *object, PyObject *unused)
{
  Channel *self = (Channel *)object;

  return self->channel != NULL ? PyLong_FromLong(buntime_channel_get_fd(self->channel))
                               : raise_closed();
}

static PyObject *
channel_control_fileno(PyObject *object, PyObject *unused)
{
  Channel *self = (Channel *)object;

  return self->channel != NULL ? PyLong_FromLong(buntime_channel_get_control_fd(self->channel))
                               : raise_closed();
}

/* Without the interpreter's lock; a handler of signals cannot close the channel meanwhile. */
static int
await_control_room(Channel *self)
{
  struct pollfd fd = { .fd = buntime_channel_get_control_fd(self->channel), .events = POLLOUT };

  self->busy++;
  Py_BEGIN_ALLOW_THREADS
  poll(&fd, 1, -1);
  Py_END_ALLOW_THREADS
  int result = PyErr_CheckSignals();
  self->busy--;
  return result;
}

static PyObject *
channel_send_control(PyObject *object, PyObject *text)
{
  Channel *self = (Channel *)object;
  char *bytes;
  Py_ssize_t size;
  int error;

  if (self->channel == NULL)
    return raise_closed();
  if (PyBytes_AsStringAndSize(text, &bytes, &size) < 0)
    return NULL;
  while ((error = buntime_channel_send_control(self->channel, bytes, (size_t)size)) == -EAGAIN)
    if (await_control_room(self) < 0)
      return NULL;
  return error != 0 ? raise_error(error) : none();
}

/* No exception for what is the rule: to raise one takes longer than all else here. */
static PyObject *
channel_recv_control(PyObject *object, PyObject *unused)
{
  Channel *self = (Channel *)object;
  char bytes[MAX_CONTROL];

  if (self->channel == NULL)
    return raise_closed();
  int size = buntime_channel_recv_control(self->channel, bytes, sizeof bytes, 0);
  if (size == -EAGAIN || size == -EPIPE || size == -ECONNRESET)
    return none();
  return size < 0 ? raise_error(size) : PyBytes_FromStringAndSize(bytes, size);
}

static PyObject *
channel_next_id(PyObject *object, PyObject *unused)
{
  Channel *self = (Channel *)object;

  return self->channel != NULL ? PyLong_FromUnsignedLong(buntime_channel_next_id(self->channel))
                               : raise_closed();
}

static PyObject *
channel_close(PyObject *object, PyObject *unused)
{
  Channel *self = (Channel *)object;

  if (self->busy > 0) {
    PyErr_SetString(PyExc_RuntimeError, "another thread uses the channel");
    return NULL;
  }
  buntime_channel_close(self->channel);
  self->channel = NULL;
  return none();
}

static PyObject *
channel_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
  allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
  Channel *self = (Channel *)alloc(type, 0);

  if (self == NULL)
    return NULL;
  self->backlog = PyList_New(0);
  int error = self->backlog != NULL ? buntime_channel_open(&self->channel) : 0;
  if (self->backlog == NULL || error != 0) {
    Py_DECREF((PyObject *)self);
    return error != 0 ? raise_error(error) : NULL;
  }
  return (PyObject *)self;
}

static void
channel_dealloc(PyObject *object)
{
  Channel *self = (Channel *)object;
  PyTypeObject *type = Py_TYPE(object);
  freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

  buntime_channel_close(self->channel);
  Py_XDECREF(self->backlog);
  release(object);
  Py_DECREF((PyObject *)type);
}

#define FAST(function) ((PyCFunction)(void (*)(void))(function))

static PyMethodDef channel_methods[] = {
  { "send", channel_send, METH_O, "send(data): sends a message, and waits for room." },
  { "queue", channel_queue, METH_O, "queue(data): sends it with the next flush()." },
  { "flush", channel_flush, METH_NOARGS, "flush(): shows what was queued; False if not all of it." },
  { "recv", channel_recv, METH_NOARGS, "recv(): waits for a message." },
  { "send_frame", FAST(channel_send_frame), METH_FASTCALL,
    "send_frame(type, id, data, timeout): of any type; the timeout in ms, -1 for ever." },
  { "recv_frame", channel_recv_frame, METH_O,
    "recv_frame(timeout): (type, id, data) of any type, or None." },
  { "prepare", channel_prepare, METH_O, "prepare(wants): True if there is no need to wait." },
  { "fileno", channel_fileno, METH_NOARGS, "fileno(): the descriptor to wait for." },
  { "control_fileno", channel_control_fileno, METH_NOARGS, "control_fileno(): the control socket." },
  { "send_control", channel_send_control, METH_O,
    "send_control(text): over the control socket; waits for room." },
  { "recv_control", channel_recv_control, METH_NOARGS,
    "recv_control(): what the control socket has, or None." },
  { "next_id", channel_next_id, METH_NOARGS, "next_id(): an id for a request." },
  { "close", channel_close, METH_NOARGS, "close(): ends the channel." },
  { NULL },
};

static PyMemberDef channel_members[] = {
  { "_backlog", T_OBJECT_EX, offsetof(Channel, backlog), READONLY, NULL },
  { NULL },
};

static PyType_Slot channel_slots[] = {
  { Py_tp_new, channel_new },
  { Py_tp_dealloc, channel_dealloc },
  { Py_tp_methods, channel_methods },
  { Py_tp_members, channel_members },
  { 0, NULL },
};

static PyType_Spec channel_spec = {
  .name = "buntime._native.Channel",
  .basicsize = sizeof(Channel),
  .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
  .slots = channel_slots,
};

static int
module_exec(PyObject *module)
{
  PyObject *type = PyType_FromSpec(&channel_spec);

  if (type == NULL)
    return -1;
  if (PyModule_AddObject(module, "Channel", type) < 0) {
    Py_DECREF(type);
    return -1;
  }
  return 0;
}

static PyModuleDef_Slot module_slots[] = {
  { Py_mod_exec, module_exec },
  { 0, NULL },
};

static struct PyModuleDef module = {
  PyModuleDef_HEAD_INIT,
  .m_name = "buntime._native",
  .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__native(void);

PyMODINIT_FUNC
PyInit__native(void)
{
  return PyModuleDef_Init(&module);
}
