-- Resends for wrk. Arguments after "--": token, topic, order (random or consecutive), a file with one range a line:
-- partition, first offset, the offset after the last; and maybe what each call's Idempotency-Key begins with. Prints one
-- line of JSON.
local topic, order, key
local count = 0
local ranges = {}
local range, offset = 1, nil

function init(args)
    wrk.method = "POST"
    wrk.headers["X-Auth-Token"] = args[1]
    wrk.headers["Content-Type"] = "application/json"
    topic, order, key = args[2], args[3], args[5]
    for line in io.lines(args[4]) do
        local partition, first, past = line:match("(%d+)\t(%d+)\t(%d+)")
        ranges[#ranges + 1] = {tonumber(partition), tonumber(first), tonumber(past)}
    end
    math.randomseed(os.time())
end

function request()
    if order == "random" then
        range = math.random(#ranges)
        offset = math.random(ranges[range][2], ranges[range][3] - 1)
    else
        offset = (offset or ranges[range][2] - 1) + 1
        if offset >= ranges[range][3] then
            range = range % #ranges + 1
            offset = ranges[range][2]
        end
    end
    if key then
        count = count + 1
        wrk.headers["Idempotency-Key"] = key .. "-" .. count
    end
    return wrk.format(nil, nil, nil, string.format(
        '{"topic":"%s","partition":%d,"message_offset":%d,"consumer_key":"keyA"}', topic, ranges[range][1], offset))
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '{"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,"rate_per_second":%.1f,"count":%d,"refused":%d,"broken":%d}\n',
        latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000,
        summary.requests / (summary.duration / 1e6), summary.requests, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout))
end
