-- Segment-dialect requests with ids of their own. Arguments: events a request, key, a mark that no other run has.
local size, key, mark = 1, "", ""
local count = 0
local thread = 0

function setup(made)
  made:set("number", thread)
  thread = thread + 1
end

local function event(id, account)
  return '{"type":"track","event":"feature_used","messageId":"' .. id .. '","userId":"user-' .. account % 97 ..
    '","timestamp":"2026-06-01T12:00:00.000Z","context":{"groupId":"account-' .. account ..
    '","library":{"name":"analytics-python","version":"2.4.0"}},"properties":{"feature":"reports","depth":3,' ..
    '"seconds":12.5,"is_admin":true,"screen":"dashboard","plan_name":"team","rows":1200,"query":"last 30 days"},' ..
    '"integrations":{}}'
end

function init(args)
  size, key, mark = tonumber(args[1]), args[2], args[3]
  wrk.method = "POST"
  wrk.headers["Authorization"] = "Bearer " .. key
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  local events = {}
  for place = 1, size do
    count = count + 1
    events[place] = event(mark .. "-" .. number .. "-" .. count, count % 2000)
  end
  return wrk.format(nil, "/v1/batch", nil, '{"batch":[' .. table.concat(events, ",") .. ']}')
end

function done(summary, latency, requests)
  io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.timeout))
end
