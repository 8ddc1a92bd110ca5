-- Takes requests off one limit ahead of their being made, by the generic cell
-- rate algorithm on Redis's own clock.
-- KEYS: the limit's key. ARGV: the time that one request is worth, in
-- microseconds; how many may come at once; how many callers wait; how many more
-- are wanted (0: none); how many gateways share the limit.
-- The key holds the theoretical arrival time: when all that was taken will have
-- been given back. Answer: callers served, spare requests leased, microseconds
-- until that arrival time, microseconds until one more request is there.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local waiting, want, replicas = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local whole = burst * interval

-- No later than a whole burst from now: a limit that was made smaller, or a clock
-- that was set back, closes nothing for longer than the limit itself can.
local stored = tonumber(redis.call('GET', KEYS[1]) or '0')
local from = math.min(math.max(stored, now), now + whole)
local left = math.floor((whole - (from - now)) / interval)
local served = math.min(waiting, left)
left = left - served

-- A lease fades as its time is given back, so it holds what fades in three seconds
-- beside the demand. It is a small part of what is left, and of the burst: what
-- idle gateways hold stays below a twentieth, and a scarce limit leases nothing.
local spare = 0
if want > 0 then
  local fades = math.max(0, 3000000 - (from - now)) / interval
  local most = math.max(burst / (20 * replicas), 100000 / interval)
  spare = math.floor(math.min(want + fades, left / (2 * replicas), most))
end

local arrival = from + (served + spare) * interval
if served + spare > 0 or stored > from then
  -- %.0f: Lua's own spelling of a number drops digits after the fourteenth.
  redis.call('SET', KEYS[1], string.format('%.0f', arrival), 'PX', math.ceil((arrival - now) / 1000))
end
return {served, spare, arrival - now, math.max(0, math.ceil(arrival + interval - now - whole))}
