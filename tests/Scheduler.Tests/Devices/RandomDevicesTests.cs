using Hanbae.Api;
using Hanbae.Api.Resource.V1;
using Hanbae.Scheduler.Devices;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Scheduler.Tests.Devices;

/// <summary>The allocator against one that tries everything and checks the whole by the rules as they are written.</summary>
public sealed class RandomDevicesTests
{
    [Theory]
    [InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(6), InlineData(7), InlineData(8)]
    public void Both_find_devices_or_neither_and_the_same_alternatives(int seed)
    {
        var random = new Random(seed);
        int found = 0, none = 0;
        for (int round = 0; round < 300; round++)
        {
            var (slice, used, claims) = Case(random);
            var state = new DeviceState();
            state.Set(Some.Class());
            state.Set(slice);
            if (used is not null) state.Set(used);
            var outcome = new Allocator(state, claims).Allocate(Make.Node("n1"));
            var reference = new Reference(slice, used, claims).First();
            string where = $"seed {seed}, round {round}: {string.Join("; ", claims.Select(c => c.Spec.Devices.ToString()))}";
            Assert.True(outcome.Error is null, where + outcome.Error);
            Assert.True(outcome.Allocations is not null == reference is not null, where + ": " + (reference is null ? "none" : string.Join(",", reference.Select(r => r.Request + "=" + r.Device.Name))));
            if (reference is null) { none++; continue; }
            found++;
            var results = outcome.Allocations!.Value.SelectMany((a, c) => a.Devices.Results.Select(r => (Claim: c, r.Request, r.Device))).ToList();
            Assert.Equal(reference.Select(r => (r.Claim, r.Request)).Distinct(), results.Select(r => (r.Claim, r.Request)).Distinct());
            Assert.Equal(reference.Select(r => (r.Claim, r.Request, r.Device.Name)), results);
        }
        Assert.True(found > 40 && none > 40, $"{found} with devices, {none} without");
    }

    static (ResourceSlice, ResourceClaim?, ResourceClaim[]) Case(Random random)
    {
        bool counters = random.Next(3) == 0;
        var devices = Enumerable.Range(0, random.Next(1, 5)).Select(i => Some.Device("dev-" + i, ("model", random.Next(2)), ("numa", random.Next(2))) with
        {
            AllowMultipleAllocations = random.Next(4) == 0 ? true : null,
            Capacity = Map.Of(("mem", new DeviceCapacity { Value = new Quantity(random.Next(2, 5)) })),
            Taints = random.Next(6) == 0 ? [new() { Key = "sick", Effect = "NoSchedule" }] : [],
            ConsumesCounters = counters ? [new() { CounterSet = "set", Counters = Map.Of(("units", new Counter { Value = new Quantity(random.Next(1, 4)) })) }] : [],
        }).ToArray();
        var slice = Some.Slice("n1", devices);
        if (counters) slice = slice with { Spec = slice.Spec with { SharedCounters = [new() { Name = "set", Counters = Map.Of(("units", new Counter { Value = new Quantity(random.Next(1, 7)) })) }] } };
        ResourceClaim? used = null;
        if (random.Next(3) == 0)
        {
            var device = devices[random.Next(devices.Length)];
            bool share = device.AllowMultipleAllocations == true;
            used = Some.Claim("used", Some.Request()) with
            {
                Status = new() { Allocation = new() { Devices = new() { Results = [new() { Request = "r", Driver = Some.Driver, Pool = "n1", Device = device.Name, ShareID = share ? "s" : null, ConsumedCapacity = share ? Map.Of(("mem", new Quantity(1))) : default }] } } },
            };
        }
        var claims = Enumerable.Range(0, random.Next(1, 3)).Select(c =>
        {
            var requests = Enumerable.Range(0, random.Next(1, 3)).Select(r => Request(random, "r" + r)).ToArray();
            var claim = Some.Claim("c" + c, requests);
            return random.Next(3) switch
            {
                0 => claim.With(new DeviceConstraint { MatchAttribute = "d/numa" }),
                1 => claim.With(new DeviceConstraint { DistinctAttribute = "d/model", Requests = ["r0"] }),
                _ => claim,
            };
        }).ToArray();
        return (slice, used, claims);
    }

    static DeviceRequest Request(Random random, string name)
    {
        var ways = Enumerable.Range(0, random.Next(4) == 0 ? 2 : 1).Select(i => new DeviceSubRequest
        {
            Name = "w" + i, DeviceClassName = "any", AllocationMode = random.Next(6) == 0 ? "All" : "ExactCount", Count = random.Next(1, 3),
            Selectors = random.Next(2) == 0 ? [] : [new() { Cel = new() { Expression = $"device.attributes['d'].model == {random.Next(2)}" } }],
            Tolerations = random.Next(3) == 0 ? [new() { Key = "sick", Operator = "Exists" }] : [],
            Capacity = random.Next(2) == 0 ? null : new() { Requests = Map.Of(("mem", new Quantity(random.Next(1, 4)))) },
        }).ToArray();
        if (ways.Length > 1) return new() { Name = name, FirstAvailable = ways };
        var w = ways[0];
        return new()
        {
            Name = name,
            Exactly = new() { DeviceClassName = "any", AllocationMode = w.AllocationMode, Count = w.Count, Selectors = w.Selectors, Tolerations = w.Tolerations, Capacity = w.Capacity, AdminAccess = random.Next(8) == 0 ? true : null },
        };
    }
}

/// <summary>Tries every assignment of devices to requests, in order, and checks each as a whole. Slow and obvious.</summary>
sealed class Reference(ResourceSlice slice, ResourceClaim? used, ResourceClaim[] claims)
{
    public sealed record Given(int Claim, string Main, string Request, Device Device, DeviceSubRequest Way, bool Admin);

    Device[] All => [.. slice.Spec.Devices];

    public List<Given>? First() => Try(0, 0, []);

    List<Given>? Try(int claim, int request, List<Given> so)
    {
        if (claim == claims.Length) return Valid(so) ? so : null;
        var requests = claims[claim].Spec.Devices.Requests;
        if (request == requests.Count) return Try(claim + 1, 0, so);
        var r = requests[request];
        var ways = r.Exactly is { } e
            ? [(r.Name, new DeviceSubRequest { AllocationMode = e.AllocationMode, Count = e.Count, Selectors = e.Selectors, Tolerations = e.Tolerations, Capacity = e.Capacity }, e.AdminAccess == true)]
            : r.FirstAvailable.Select(f => (r.Name + "/" + f.Name, f, false)).ToList();
        foreach (var (name, way, admin) in ways)
            foreach (var pick in Picks(way))
                if (Try(claim, request + 1, [.. so, .. pick.Select(d => new Given(claim, r.Name, name, d, way, admin))]) is { } result) return result;
        return null;
    }

    /// <summary>Sets of devices, repeated ones included; those that a request for all must have.</summary>
    IEnumerable<Device[]> Picks(DeviceSubRequest way)
    {
        var match = All.Where(d => Meant(way, d)).ToArray();
        if (way.AllocationMode == "All") return match.Length == 0 ? [] : [match];
        return Of(match, (int)way.Count, 0);

        static IEnumerable<Device[]> Of(Device[] from, int count, int start) =>
            count == 0 ? [[]] : Enumerable.Range(start, Math.Max(0, from.Length - start)).SelectMany(i => Of(from, count - 1, i).Select(rest => (Device[])[from[i], .. rest]));
    }

    static bool Meant(DeviceSubRequest way, Device d) =>
        way.Selectors.All(s => s.Cel!.Expression.EndsWith("== " + d.Attributes["model"]!.Int, StringComparison.Ordinal));

    bool Valid(List<Given> all)
    {
        foreach (var device in All)
        {
            var takers = all.Where(g => ReferenceEquals(g.Device, device)).ToList();
            foreach (var g in takers) if (!device.Taints.IsEmpty && g.Way.Tolerations.IsEmpty) return false;
            foreach (var g in takers) if ((g.Way.Capacity?.Requests["mem"].Value() ?? 0) > device.Capacity["mem"]!.Value.Value()) return false;
            // Nobody looks after a device twice in one claim, nor uses what the same claim looks after.
            foreach (var g in takers.Where(g => g.Admin)) if (takers.Count(t => t.Claim == g.Claim && (t.Admin || all.IndexOf(t) < all.IndexOf(g))) > 1) return false;
            var users = takers.Where(t => !t.Admin).ToList();
            var before = used?.Status.Allocation!.Devices.Results.FirstOrDefault(r => r.Device == device.Name);
            if (device.AllowMultipleAllocations == true)
            {
                long mem = users.Sum(u => u.Way.Capacity?.Requests["mem"].Value() ?? device.Capacity["mem"]!.Value.Value()) + (before is null || users.Count == 0 ? 0 : 1);
                if (mem > device.Capacity["mem"]!.Value.Value()) return false;
            }
            else if (users.Count + (before is null ? 0 : 1) > 1) return false;
        }
        if (slice.Spec.SharedCounters is [var set])
        {
            bool InUse(Device d) => used?.Status.Allocation!.Devices.Results.Any(r => r.Device == d.Name) == true;
            long Units(IEnumerable<Device> of) => of.Sum(d => d.ConsumesCounters[0].Counters["units"]!.Value.Value());
            var fresh = all.Where(g => !g.Admin).Select(g => g.Device).Distinct().Where(d => !InUse(d)).ToList();
            // What was over before is over without anybody's doing.
            if (fresh.Count > 0 && Units(fresh) + Units(All.Where(InUse)) > set.Counters["units"]!.Value.Value()) return false;
        }
        for (int c = 0; c < claims.Length; c++)
            foreach (var constraint in claims[c].Spec.Devices.Constraints)
            {
                var concerned = all.Where(g => g.Claim == c && (constraint.Requests.IsEmpty || constraint.Requests.Contains(g.Main))).ToList();
                if (constraint.MatchAttribute is not null && concerned.Select(g => g.Device.Attributes["numa"]!.Int).Distinct().Count() > 1) return false;
                if (constraint.DistinctAttribute is not null && concerned.Select(g => g.Device.Attributes["model"]!.Int).Distinct().Count() < concerned.Count) return false;
            }
        return true;
    }
}
