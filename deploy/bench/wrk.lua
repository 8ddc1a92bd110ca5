-- Sends GETs with the header lines of the file named by HEADERS, one set a line, in turn.
-- Every request is written once, before the run. Prints: RESULT requests seconds p50us p99us, then failures to connect, read, write, by status, by time
local requests, turn, count = {}, 0, 0
function init()
  for line in io.lines(os.getenv("HEADERS")) do
    local name, value = line:match("^([^:]+): (.*)$")
    count = count + 1
    requests[count] = wrk.format("GET", nil, { [name] = value, ["Accept"] = "application/json",
      ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) bench", ["Origin"] = "http://" .. os.getenv("HOST_HEADER"), ["Host"] = os.getenv("HOST_HEADER") })
  end
end
function request()
  turn = turn % count + 1
  return requests[turn]
end
function done(summary, latency)
  local e = summary.errors
  print(string.format("RESULT %d %f %d %d %d %d %d %d %d", summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    e.connect, e.read, e.write, e.status, e.timeout))
end
