/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-buffers.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "net/bt-confine.h"
#include "net/bt-flows.h"

/* What libslirp asks for at first, and the most that it wants later: whole segments. */
#define FIRST_SIZE (128u << 10)
#define PLACE_SIZE (192u << 10)
/* Two a connection, and some: libslirp lets go of one later than the gate. */
#define N_PLACES (2 * BT_FLOWS_MAX + 1024)
/* Free places that keep their pages. */
#define MAX_WARM 64u
/* malloc's own, before it is raised by what is freed; and less than that to spare at its end. */
#define MMAP_THRESHOLD (128 << 10)
#define TOP_PAD (64 << 10)

static struct {
  guint8 *start; /* NULL: there are no places */
  guint used;    /* places from here on were never given */
  guint n_warm, n_cold;
  guint32 warm[MAX_WARM];
  guint32 cold[N_PLACES];
} places;

void
bt_buffers_reserve(void)
{
  mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
  mallopt(M_TOP_PAD, TOP_PAD);
#ifndef BT_SANITIZED /* it is to see where a buffer ends */
  void *start = mmap(NULL, (gsize)N_PLACES * PLACE_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start != MAP_FAILED)
    places.start = start;
#endif
}

static gboolean
is_place(gconstpointer memory)
{
  const guint8 *bytes = memory;
  return places.start != NULL && bytes >= places.start &&
         bytes < places.start + (gsize)N_PLACES * PLACE_SIZE;
}

/* NULL: there is none. */
static gpointer
take_place(void)
{
  guint place;

  if (places.start == NULL)
    return NULL;
  if (places.n_warm > 0)
    place = places.warm[--places.n_warm];
  else if (places.n_cold > 0)
    place = places.cold[--places.n_cold];
  else if (places.used < N_PLACES)
    place = places.used++;
  else
    return NULL;
  return places.start + (gsize)place * PLACE_SIZE;
}

static void
give_place(gpointer memory)
{
  guint32 place = (guint32)(((guint8 *)memory - places.start) / PLACE_SIZE);

  if (places.n_warm < MAX_WARM) {
    places.warm[places.n_warm++] = place;
    return;
  }
  madvise(memory, PLACE_SIZE, MADV_DONTNEED);
  places.cold[places.n_cold++] = place;
}

static gpointer
reallocate(gpointer memory, gsize size)
{
  gpointer moved = realloc(memory, size);

  if (moved == NULL)
    g_error("no memory for %" G_GSIZE_FORMAT " bytes", size);
  return moved;
}

/* ---- in the place of GLib's ---- */

__attribute__((visibility("default"))) void
(g_free)(gpointer memory)
{
  if (is_place(memory))
    give_place(memory);
  else
    free(memory);
}

__attribute__((visibility("default"))) gpointer
(g_realloc)(gpointer memory, gsize size)
{
  gpointer moved = NULL;

  if (is_place(memory) && size > 0 && size <= PLACE_SIZE)
    return memory;
  if (memory == NULL && size == FIRST_SIZE)
    moved = take_place();
  if (moved != NULL)
    return moved;
  if (size > 0 && !is_place(memory))
    return reallocate(memory, size);
  if (size > 0)
    moved = memcpy(reallocate(NULL, size), memory, PLACE_SIZE);
  g_free(memory);
  return moved;
}
