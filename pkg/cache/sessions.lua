-- Writes a cached session unless a newer version is known. An entry is its
-- version (decimal), a bar, and the value; nothing behind the bar means: ask the
-- database. A revocation is the highest version of all, so that a fill that read
-- the row before it was deleted finds the door closed.
-- Every process hears of a value that is over, and forgets its own copy.
-- KEYS[1] entry; ARGV: version, value, time to live in ms, channel, what is told there
local known = redis.call('GET', KEYS[1])
if known then
  local version = tonumber(string.match(known, '^(%d+)|'))
  if version and version > tonumber(ARGV[1]) then
    return 0
  end
end
redis.call('SET', KEYS[1], ARGV[1] .. '|' .. ARGV[2], 'PX', ARGV[3])
if ARGV[2] == '' then
  redis.call('PUBLISH', ARGV[4], ARGV[5])
end
return 1
