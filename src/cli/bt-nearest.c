/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/bt-options.h"

#include <string.h>

#define MAX_WORD 32

/* Insertions, deletions and replacements between two words; large if one is too long. */
static guint
distance(const char *a, const char *b)
{
  guint row[MAX_WORD + 1];
  gsize length_a = strlen(a), length_b = strlen(b);

  if (length_a > MAX_WORD || length_b > MAX_WORD)
    return G_MAXUINT;
  for (gsize j = 0; j <= length_b; j++)
    row[j] = j;
  for (gsize i = 1; i <= length_a; i++) {
    guint diagonal = row[0];
    row[0] = i;
    for (gsize j = 1; j <= length_b; j++) {
      guint above = row[j];
      guint replaced = diagonal + (a[i - 1] != b[j - 1]);
      row[j] = MIN(replaced, MIN(above, row[j - 1]) + 1);
      diagonal = above;
    }
  }
  return row[length_b];
}

const char *
bt_words_nearest(const char *word, const char *const *words)
{
  const char *best = NULL;
  guint best_distance = G_MAXUINT;

  for (; *words != NULL; words++) {
    guint far = distance(word, *words);
    if (far < best_distance) {
      best_distance = far;
      best = *words;
    }
  }
  /* A third of the word may be wrong: further away it is another word. */
  return best_distance <= MAX(2, strlen(word) / 3) && best_distance < strlen(word) ? best : NULL;
}
