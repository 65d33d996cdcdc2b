/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * No wake-up of bt-channel.c is lost, and no payload is read before it is written or
 * after it is overwritten: every execution of a small model is tried.
 *
 * The model has a writer who sends a few messages of one unit through a ring of
 * one or two, and a reader.  Each line of bt-channel.c that touches shared memory is a
 * step here, with its order.  Memory is C11's as operational semantics: a location has
 * the list of all its writes; a thread has a view, the oldest write of each location
 * that it may still read, and a load may return any write from there on.  A release
 * write carries its thread's view, an acquire load takes it over, and a full fence
 * joins the thread's view with that of all fences.  This is RC11 without loads
 * that are carried out after later stores: only the tail's release order is there for
 * those, which ThreadSanitizer looks after in test-channel.  The socket is weaker than
 * the kernel's: a byte wakes, but brings no view.
 *
 * Each protection is then left out, one by one, and must be missed.
 */
#include <glib.h>
#include <string.h>

#define HISTORY 16

enum { HEAD, TAIL, WANTS_R, WANTS_W, SLOT, LOCATIONS = SLOT + 2 };
enum { WRITER, READER };

typedef enum {
  RESERVE, /* or, of the reader, peek */
  PAYLOAD,
  PUBLISH,
  PUBLISH_FENCE,
  LOOK,
  TAKE,
  SEND,
  ARM,
  ARM_FENCE,
  ARM_LOOK,
  DISARM,
  SLEEP,
  DONE,
} Step;

typedef enum {
  NOTHING,
  NOTIFY_FENCE,
  WAIT_FENCE,
  SECOND_LOOK,
  HEAD_RELEASE,
  HEAD_ACQUIRE,
} LeftOut;

typedef struct {
  guint8 at[LOCATIONS];
} View;

typedef struct {
  View view;
  guint8 value;
} Write;

typedef struct {
  View now;      /* what it may still read */
  View acquired; /* what a fence adds to that */
  View released; /* what a fence has given to later writes */
  guint8 step;
  guint8 own;       /* messages sent or read */
  guint8 published; /* of them, as the peer may see */
  guint8 seen;      /* the peer's index */
  guint8 then;      /* after publishing */
} Thread;

typedef struct {
  Write writes[LOCATIONS][HISTORY];
  guint8 count[LOCATIONS];
  guint8 bytes[2]; /* in the wake-up socket of each */
  View fences;
  Thread threads[2];
} State;

typedef struct {
  LeftOut left_out;
  guint8 messages;
  guint8 capacity;
  guint8 quarter; /* messages read until the writer is told, if there are more */
  GHashTable *visited;
  guint64 ends;
  const char *failure;
} Search;

static void
join(View *view, const View *other)
{
  for (int i = 0; i < LOCATIONS; i++)
    view->at[i] = MAX(view->at[i], other->at[i]);
}

static guint8
load(State *state, Thread *thread, int location, guint choice, gboolean acquire)
{
  guint8 index = thread->now.at[location] + choice;
  const Write *write = &state->writes[location][index];

  thread->now.at[location] = index;
  join(&thread->acquired, &thread->now);
  join(&thread->acquired, &write->view);
  if (acquire)
    join(&thread->now, &write->view);
  return write->value;
}

static void
store(State *state, Thread *thread, int location, guint8 value, gboolean release)
{
  guint8 index = state->count[location]++;

  g_assert_cmpuint(index, <, HISTORY);
  thread->now.at[location] = thread->acquired.at[location] = index;
  state->writes[location][index].value = value;
  state->writes[location][index].view = release ? thread->now : thread->released;
  state->writes[location][index].view.at[location] = index;
}

/* Relaxed: reads the last write, and passes its view on. */
static guint8
exchange(State *state, Thread *thread, int location, guint8 value)
{
  const Write *last = &state->writes[location][state->count[location] - 1];
  View view = last->view;
  guint8 old = last->value;

  join(&thread->acquired, &view);
  store(state, thread, location, value, FALSE);
  join(&state->writes[location][state->count[location] - 1].view, &view);
  return old;
}

static void
fence(State *state, Thread *thread)
{
  join(&thread->now, &thread->acquired);
  join(&thread->now, &state->fences);
  state->fences = thread->acquired = thread->released = thread->now;
}

/* Where the thread has to look for more, by what it knows. */
static gboolean
has_none(const Search *search, int who, const Thread *thread)
{
  return who == WRITER ? thread->own - thread->seen == search->capacity
                       : thread->own == thread->seen;
}

/* How many ways the thread's next step can go; 0: it cannot. */
static guint
choices(const Search *search, const State *state, int who)
{
  const Thread *thread = &state->threads[who];
  int location = -1;

  if (thread->step == DONE || (thread->step == SLEEP && state->bytes[who] == 0))
    return 0;
  if (thread->step == ARM_LOOK || (thread->step == RESERVE && has_none(search, who, thread)))
    location = who == WRITER ? TAIL : HEAD;
  else if (thread->step == LOOK)
    location = who == WRITER ? WANTS_R : WANTS_W;
  else if (thread->step == PAYLOAD && who == READER)
    location = SLOT + thread->own % search->capacity;
  return location < 0 ? 1 : state->count[location] - thread->now.at[location];
}

static void
step_payload(Search *search, State *state, int who, guint choice)
{
  Thread *thread = &state->threads[who];
  int slot = SLOT + thread->own % search->capacity;

  if (who == WRITER) {
    store(state, thread, slot, ++thread->own, FALSE);
    thread->step = PUBLISH;
    thread->then = RESERVE;
    return;
  }
  if (load(state, thread, slot, choice, FALSE) != ++thread->own)
    search->failure = "a payload that is not the message's";
  thread->step = thread->own - thread->published >= search->quarter ? PUBLISH : RESERVE;
  thread->then = RESERVE;
}

static void
step_reserve(Search *search, State *state, int who, guint choice)
{
  Thread *thread = &state->threads[who];

  if (has_none(search, who, thread))
    thread->seen = load(state, thread, who == WRITER ? TAIL : HEAD, choice,
                        who == WRITER || search->left_out != HEAD_ACQUIRE);
  thread->step = PAYLOAD;
  if (has_none(search, who, thread)) {
    thread->step = thread->own != thread->published ? PUBLISH : ARM;
    thread->then = ARM;
  }
}

static void
step(Search *search, State *state, int who, guint choice)
{
  Thread *thread = &state->threads[who];
  int own_wants = who == WRITER ? WANTS_W : WANTS_R;
  int peers_wants = who == WRITER ? WANTS_R : WANTS_W;

  switch ((Step)thread->step) {
  case RESERVE:
    step_reserve(search, state, who, choice);
    break;
  case PAYLOAD:
    step_payload(search, state, who, choice);
    break;
  case PUBLISH:
    store(state, thread, who == WRITER ? HEAD : TAIL, thread->own,
          who == READER || search->left_out != HEAD_RELEASE);
    thread->published = thread->own;
    thread->step = search->left_out == NOTIFY_FENCE ? LOOK : PUBLISH_FENCE;
    break;
  case PUBLISH_FENCE:
    fence(state, thread);
    thread->step = LOOK;
    break;
  case LOOK:
    thread->step = load(state, thread, peers_wants, choice, FALSE) ? TAKE : thread->then;
    break;
  case TAKE:
    thread->step = exchange(state, thread, peers_wants, 0) ? SEND : thread->then;
    break;
  case SEND:
    state->bytes[!who]++;
    thread->step = thread->then;
    break;
  case ARM:
    exchange(state, thread, own_wants, 1);
    thread->step = search->left_out == SECOND_LOOK ? SLEEP
                   : search->left_out == WAIT_FENCE ? ARM_LOOK
                                                    : ARM_FENCE;
    break;
  case ARM_FENCE:
    fence(state, thread);
    thread->step = ARM_LOOK;
    break;
  case ARM_LOOK: {
    guint8 peers = load(state, thread, who == WRITER ? TAIL : HEAD, choice, FALSE);
    gboolean ready = who == WRITER ? thread->own - peers < search->capacity : peers != thread->own;
    thread->step = ready ? DISARM : SLEEP;
    break;
  }
  case DISARM:
    exchange(state, thread, own_wants, 0);
    thread->step = RESERVE;
    break;
  case SLEEP:
    state->bytes[who] = 0;
    thread->step = RESERVE;
    break;
  case DONE:
    break;
  }
  if (thread->step == RESERVE && thread->own == search->messages)
    thread->step = DONE;
}

static guint8
less(guint8 index, guint8 base)
{
  return index > base ? index - base : 0;
}

static void
forget_in_view(View *view, const View *base)
{
  for (int i = 0; i < LOCATIONS; i++)
    view->at[i] = less(view->at[i], base->at[i]);
}

/* Drops the writes that nobody can read any more: states that differ in them are one. */
static void
forget(State *state)
{
  View base;

  for (int i = 0; i < LOCATIONS; i++) {
    base.at[i] = MIN(state->threads[0].now.at[i], state->threads[1].now.at[i]);
    state->count[i] -= base.at[i];
    memmove(state->writes[i], state->writes[i] + base.at[i],
            state->count[i] * sizeof state->writes[i][0]);
    memset(state->writes[i] + state->count[i], 0, base.at[i] * sizeof state->writes[i][0]);
  }
  for (int i = 0; i < LOCATIONS; i++)
    for (int j = 0; j < state->count[i]; j++)
      forget_in_view(&state->writes[i][j].view, &base);
  forget_in_view(&state->fences, &base);
  for (int i = 0; i < 2; i++) {
    forget_in_view(&state->threads[i].now, &base);
    forget_in_view(&state->threads[i].acquired, &base);
    forget_in_view(&state->threads[i].released, &base);
  }
}

static void
explore(Search *search, const State *state)
{
  gboolean moved = FALSE;

  for (int who = 0; who < 2; who++) {
    guint ways = choices(search, state, who);
    for (guint choice = 0; choice < ways; choice++) {
      moved = TRUE;
      State next = *state;
      step(search, &next, who, choice);
      if (search->failure != NULL)
        return;
      forget(&next);
      g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_MD5, (const guchar *)&next,
                                                         sizeof next);
      if (g_hash_table_add(search->visited, g_steal_pointer(&sum)))
        explore(search, &next);
      if (search->failure != NULL)
        return;
    }
  }
  if (moved)
    return;
  search->ends++;
  if (state->threads[WRITER].step != DONE || state->threads[READER].step != DONE)
    search->failure = "both wait: a wake-up was lost";
}

/* NULL: no execution fails. */
static const char *
check(LeftOut left_out, guint8 messages, guint8 capacity, guint8 quarter)
{
  State state = { 0 };
  Search search = { .left_out = left_out, .messages = messages, .capacity = capacity,
                    .quarter = quarter };

  search.visited = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  memset(state.count, 1, sizeof state.count);
  explore(&search, &state);
  g_test_message("left out %d, %d messages, capacity %d: %u states, %" G_GUINT64_FORMAT " ends: %s", left_out,
                 messages, capacity, g_hash_table_size(search.visited), search.ends,
                 search.failure != NULL ? search.failure : "sound");
  g_assert_true(search.failure != NULL || search.ends > 0);
  g_hash_table_unref(search.visited);
  return search.failure;
}

static void
test_sound(void)
{
  g_assert_cmpstr(check(NOTHING, 3, 1, 1), ==, NULL);
  g_assert_cmpstr(check(NOTHING, 4, 2, 1), ==, NULL);
  /* The writer is told only of an empty ring. */
  g_assert_cmpstr(check(NOTHING, 4, 2, 2), ==, NULL);
}

static void
test_each_protection_is_needed(void)
{
  static const char lost[] = "both wait: a wake-up was lost";
  static const char torn[] = "a payload that is not the message's";

  g_assert_cmpstr(check(NOTIFY_FENCE, 2, 1, 1), ==, lost);
  g_assert_cmpstr(check(WAIT_FENCE, 2, 1, 1), ==, lost);
  g_assert_cmpstr(check(SECOND_LOOK, 2, 1, 1), ==, lost);
  g_assert_cmpstr(check(HEAD_RELEASE, 2, 1, 1), ==, torn);
  g_assert_cmpstr(check(HEAD_ACQUIRE, 2, 1, 1), ==, torn);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/wake-model/sound", test_sound);
  g_test_add_func("/wake-model/each-protection-is-needed", test_each_protection_is_needed);
  return g_test_run();
}
