/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* By itself, as bt-fail.c: what is wrong in a word is told with the one that was meant. */
#include <string.h>

#include "policy/buntime-error.h"

#define MAX_WORD 64

/* How many letters to change, add or leave out. */
static gsize
distance(const char *a, const char *b)
{
  gsize length = strlen(b), row[MAX_WORD + 1];

  if (strlen(a) > MAX_WORD || length > MAX_WORD)
    return G_MAXSIZE;
  for (gsize j = 0; j <= length; j++)
    row[j] = j;
  for (gsize i = 1; a[i - 1] != '\0'; i++) {
    gsize diagonal = row[0];
    row[0] = i;
    for (gsize j = 1; j <= length; j++) {
      gsize above = row[j];
      gsize change = g_ascii_tolower(a[i - 1]) == g_ascii_tolower(b[j - 1]) ? 0 : 1;
      row[j] = MIN(MIN(row[j - 1], above) + 1, diagonal + change);
      diagonal = above;
    }
  }
  return row[length];
}

const char *
bt_nearest(const char *word, const char *const *words)
{
  const char *nearest = NULL;
  /* A third of the word may be wrong, or two letters: further away it is another word. */
  gsize length = strlen(word), best = MIN(MAX(length / 3, 2) + 1, length);

  for (; *words != NULL; words++) {
    gsize steps = distance(word, *words);
    if (steps < best) {
      best = steps;
      nearest = *words;
    }
  }
  return nearest;
}
