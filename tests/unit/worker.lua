-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- A worker in a language that has no client: written from buntime-ipc(7) alone, which must
-- therefore say all that there is.  LuaJIT maps memory and calls libatomic for what is atomic.
--
--   worker.lua check   against tests/unit/channel-host.c: asserts what comes back
--   worker.lua serve   for a host program: repeats messages, answers requests in capitals

local ffi = require("ffi")
local bit = require("bit")

ffi.cdef [[
  int fork(void);
  int getpid(void);
  int getppid(void);
  int kill(int pid, int number);
  int usleep(unsigned int microseconds);
  void _exit(int status);
  int fcntl(int fd, int command, ...);
  int getsockopt(int fd, int level, int name, int *value, unsigned int *size);
  long lseek(int fd, long offset, int whence);
  void *mmap(void *at, size_t size, int protection, int flags, int fd, long offset);
  long read(int fd, void *bytes, size_t size);
  long send(int fd, const void *bytes, size_t size, int flags);
  uint32_t __atomic_load_4(const void *at, int order);
  void __atomic_store_4(void *at, uint32_t value, int order);
  uint32_t __atomic_fetch_or_4(void *at, uint32_t value, int order);
  uint32_t __atomic_fetch_and_4(void *at, uint32_t value, int order);
  void atomic_thread_fence(int order);
]]
local C = ffi.C
local atomic = ffi.load("libatomic.so.1")
local ACQUIRE, RELEASE, SEQ_CST = 2, 3, 5
local F_SETFD, FD_CLOEXEC, F_GET_SEALS, F_SEAL_SHRINK, F_SEAL_GROW = 2, 1, 1034, 2, 4
local SIGSTOP, SIGCONT = 19, 18
local SOL_SOCKET, SO_TYPE, SOCK_STREAM, SOCK_SEQPACKET = 1, 3, 1, 5
local PROT_NONE, PROT_READ_WRITE, MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS = 0, 3, 1, 2, 16, 32
local MSG_DONTWAIT, MSG_NOSIGNAL = 0x40, 0x4000
local DATA, ROOM = 1, 2
local MAX_MESSAGE = 67108864
local NET_CONNECT, ALLOW, DENY = 0x03, 0x10, 0x11
local RESULT, MESSAGE, REQUEST, REPLY, ERROR = 0x21, 0x30, 0x31, 0x32, 0x33
local MORE = 128

-- FINDING THE CHANNEL

local function is_socket(fd, kind)
  local value, size = ffi.new("int[1]"), ffi.new("unsigned int[1]", 4)
  return C.getsockopt(fd, SOL_SOCKET, SO_TYPE, value, size) == 0 and value[0] == kind
end

local memory, wake, control = (os.getenv("BUNTIME_CHANNEL") or ""):match("^(%d+),(%d+),(%d+)$")
assert(memory, "no channel")
memory, wake, control = tonumber(memory), tonumber(wake), tonumber(control)
assert(bit.band(C.fcntl(memory, F_GET_SEALS), F_SEAL_SHRINK + F_SEAL_GROW) == F_SEAL_SHRINK + F_SEAL_GROW)
assert(is_socket(wake, SOCK_STREAM) and is_socket(control, SOCK_SEQPACKET))
for _, fd in ipairs { memory, wake, control } do
  C.fcntl(fd, F_SETFD, ffi.cast("int", FD_CLOEXEC))
end

-- THE FILE

local capacity = (tonumber(C.lseek(memory, 0, 2)) - 65536) / 2
local failed = ffi.cast("void *", -1)

local function map(at, size, flags, fd, offset)
  local protection = fd < 0 and PROT_NONE or PROT_READ_WRITE
  local got = C.mmap(at, size, protection, flags, fd, offset)
  assert(got ~= failed, "mmap")
  return ffi.cast("uint8_t *", got)
end

local function map_twice(offset)
  local area = map(nil, 2 * capacity, MAP_PRIVATE + MAP_ANONYMOUS, -1, 0)
  map(area, capacity, MAP_SHARED + MAP_FIXED, memory, offset)
  map(area + capacity, capacity, MAP_SHARED + MAP_FIXED, memory, offset)
  return area
end

local from_supervisor, to_supervisor = map_twice(0), map_twice(capacity)
local words = map(nil, 65536, MAP_SHARED, memory, 2 * capacity)

local function side(at)
  return { head = at, tail = at + 128, wants = at + 256 }
end

local supervisor, worker = side(words), side(words + 512)
-- Both count modulo 2^32.
local sent, received = 0, 0
local sleeps = { [DATA] = 0, [ROOM] = 0 }

-- WAKING

local function sleep(wanted, is_there)
  atomic.__atomic_fetch_or_4(worker.wants, wanted, SEQ_CST)
  atomic.atomic_thread_fence(SEQ_CST)
  if is_there() then
    atomic.__atomic_fetch_and_4(worker.wants, bit.bnot(wanted), SEQ_CST)
    return
  end
  sleeps[wanted] = sleeps[wanted] + 1
  local size = tonumber(C.read(wake, ffi.new("char[64]"), 64))
  if size == 0 then
    error("the supervisor is gone", 0)
  end
end

local function wake_up(what)
  atomic.atomic_thread_fence(SEQ_CST)
  if bit.band(atomic.__atomic_load_4(supervisor.wants, SEQ_CST), what) == 0 then
    return
  end
  if bit.band(atomic.__atomic_fetch_and_4(supervisor.wants, bit.bnot(what), SEQ_CST), what) ~= 0 then
    C.send(wake, "!", 1, MSG_DONTWAIT + MSG_NOSIGNAL)
  end
end

-- FRAMES

local function send_frame(kind, id, text, from, size)
  local need = 9 + size
  local function has_room()
    local unread = (sent - atomic.__atomic_load_4(supervisor.tail, ACQUIRE)) % 2 ^ 32
    return capacity - unread >= need
  end
  while not has_room() do
    sleep(ROOM, has_room)
  end
  local frame = to_supervisor + sent % capacity
  ffi.cast("uint32_t *", frame)[0] = 5 + size -- this machine is little-endian, or fails at once
  frame[4] = kind
  ffi.copy(frame + 5, ffi.new("uint32_t[1]", id), 4)
  ffi.copy(frame + 9, ffi.cast("const char *", text) + from, size)
  sent = (sent + need) % 2 ^ 32
  atomic.__atomic_store_4(worker.head, sent, RELEASE)
  wake_up(DATA)
end

local function send(kind, id, text)
  local from, most = 0, capacity - 9
  while #text - from > most do
    send_frame(kind + MORE, id, text, from, most)
    from = from + most
  end
  send_frame(kind, id, text, from, #text - from)
end

local function receive_frame()
  local function has_data()
    return atomic.__atomic_load_4(supervisor.head, ACQUIRE) ~= received
  end
  while not has_data() do
    sleep(DATA, has_data)
  end
  local frame = from_supervisor + received % capacity
  local number = ffi.new("uint32_t[2]")
  ffi.copy(number, frame, 4)
  ffi.copy(number + 1, frame + 5, 4)
  local length, kind, id = number[0], frame[4], number[1]
  local payload = ffi.string(frame + 9, length - 5)
  received = (received + 4 + length) % 2 ^ 32
  atomic.__atomic_store_4(worker.tail, received, RELEASE)
  wake_up(ROOM)
  return kind, id, payload
end

local function receive()
  local parts, size = {}, 0
  while true do
    local kind, id, payload = receive_frame()
    size = size + #payload
    assert(size <= MAX_MESSAGE)
    parts[#parts + 1] = payload
    if kind < MORE then
      return kind, id, table.concat(parts), #parts
    end
  end
end

local function say(text)
  assert(C.send(control, text, #text, MSG_NOSIGNAL) == #text)
end

-- What it does.

local function expect(kind, id, payload)
  local got_kind, got_id, got, parts = receive()
  assert(got_kind == kind and got_id == id and got == payload,
    ("%#x %d %d bytes instead of %#x %d %d bytes"):format(got_kind, got_id, #got, kind, id, #payload))
  return parts
end

-- True when it is in this state; false after 10 seconds.
local function await_state(pid, wanted)
  for _ = 1, 10000 do
    local file = assert(io.open(("/proc/%d/status"):format(pid)))
    local state = file:read("*a"):match("\nState:%s*(%a)")
    file:close()
    if state == wanted then
      return true
    end
    C.usleep(1000)
  end
  return false
end

-- The host stands still until somebody sleeps; who does not is woken by nobody.
local function must_sleep(wanted, text)
  local before, host, self = sleeps[wanted], C.getppid(), C.getpid()
  C.kill(host, SIGSTOP)
  assert(await_state(host, "T"), "the host does not stop")
  -- In here nothing sleeps but the read() of the socket.
  if C.fork() == 0 then
    pcall(await_state, self, "S")
    C.kill(host, SIGCONT)
    C._exit(0)
  end
  send(MESSAGE, 0, text)
  expect(MESSAGE, 0, text)
  assert(sleeps[wanted] > before, "nobody slept")
end

local function check()
  local pieces = {}
  for i = 1, 200 * 1024 / 4 do
    pieces[i] = ("%04x"):format(i * 7 % 65536)
  end
  local large = table.concat(pieces)
  for _, text in ipairs { "", "a", ("x"):rep(capacity - 9), ("y"):rep(capacity - 8), large } do
    send(MESSAGE, 0, text)
    expect(MESSAGE, 0, text)
  end
  for _ = 1, 20 do
    send(MESSAGE, 0, large)
    assert(expect(MESSAGE, 0, large) >= math.ceil(#large / (capacity - 9)))
  end
  must_sleep(DATA, "short")
  must_sleep(ROOM, ("r"):rep(2 * capacity))

  send(NET_CONNECT, 7, "allowed.example:443")
  assert(receive() == ALLOW)
  send(NET_CONNECT, 8, "nothing")
  expect(DENY, 8, "")
  send(REQUEST, 9, "what")
  expect(REPLY, 9, "what")
  send(REQUEST, 4294967295, "fail")
  expect(ERROR, 4294967295, "failed")
  send(MESSAGE, 0, "call:from the host")
  local kind, id, payload = receive()
  assert(kind == REQUEST and id ~= 0)
  send(REPLY, id, payload:upper())
  expect(MESSAGE, 0, "reply:FROM THE HOST")

  send(MESSAGE, 0, "flood:3000:700")
  for i = 0, 2999 do
    local _, _, text = receive()
    local a, b, c, d = text:byte(1, 4)
    assert(#text == 700 and a + b * 256 + c * 65536 + d * 16777216 == i)
  end
  for i = 1, 2000 do
    send(MESSAGE, 0, "sink:" .. ("z"):rep(i))
  end
  send(MESSAGE, 0, "count")
  expect(MESSAGE, 0, "2000")
  send(RESULT, 5, "lua was here")
end

local function serve()
  send(NET_CONNECT, 1, "granted.example:443")
  send(NET_CONNECT, 2, "other.example:443")
  send(REQUEST, 3, "from lua")
  while true do
    local kind, id, payload = receive()
    if kind == MESSAGE and payload == "end" then
      return
    elseif kind == MESSAGE then
      send(MESSAGE, 0, payload)
    elseif kind == REQUEST then
      send(REPLY, id, payload:upper())
    elseif kind == ALLOW or kind == DENY then
      send(MESSAGE, 0, ("question %d: %s"):format(id, kind == ALLOW and "yes" or "no"))
    elseif kind == REPLY or kind == ERROR then
      send(MESSAGE, 0, ("request %d: %s"):format(id, payload))
    end
  end
end

say('{"type":"hello","version":1,"client":"lua"}')
say('{"type":"ready"}')
if arg[1] == "check" then
  check()
else
  serve()
end
