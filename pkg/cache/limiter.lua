-- Decides on several limits at once by the generic cell rate algorithm.
-- KEYS: one per limit. ARGV: for each the time that one request is worth, in
-- microseconds, and how many may come at once.
-- A key holds the theoretical arrival time: when all that was spent will have
-- been given back. Answer, for each limit: allowed (1 or 0), requests left,
-- microseconds until it is allowed again, microseconds until the burst is whole.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local refused = false
local arrival, from = {}, {}

for i, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  from[i] = math.max(tonumber(redis.call('GET', key) or '0'), now)
  -- No later than a whole burst from now: a limit that was made smaller, or a clock
  -- that was set back, closes nothing for longer than the limit itself can.
  local latest = now + burst * interval
  if from[i] > latest then
    from[i] = latest
    redis.call('SET', key, string.format('%.0f', latest), 'PX', math.ceil(burst * interval / 1000))
  end
  arrival[i] = from[i] + interval
  if arrival[i] - now > burst * interval then
    refused = true
  end
end

local answer = {}
for i, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local wait = arrival[i] - now - burst * interval
  local spent = from[i] - now
  if not refused then
    spent = arrival[i] - now
    -- %.0f: Lua's own spelling of a number drops digits after the fourteenth.
    redis.call('SET', key, string.format('%.0f', arrival[i]), 'PX', math.ceil(spent / 1000))
  end
  answer[#answer + 1] = (wait > 0) and 0 or 1
  answer[#answer + 1] = math.floor(burst - spent / interval)
  answer[#answer + 1] = math.max(math.ceil(wait), 0)
  answer[#answer + 1] = math.ceil(spent)
end
return answer
