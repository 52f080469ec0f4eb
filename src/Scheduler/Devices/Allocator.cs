using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Scheduler.Devices;

/// <summary>Finds devices for claims, all together or none: depth first, alternatives in their order, as upstream's structured allocator.</summary>
/// <remarks>Changes nothing of the <see cref="DeviceState"/>, which must not change while it is used. What selectors say of devices is remembered from node to node.</remarks>
internal sealed class Allocator(DeviceState state, IReadOnlyList<ResourceClaim> claims)
{
    /// <summary>Devices for one claim at most; what the API takes.</summary>
    const int MostResults = 32;
    /// <summary>Devices tried for one node at most: what the time limit of upstream's filter is, without a clock.</summary>
    const int MostSteps = 200_000;

    /// <param name="Allocations">By claim, as they were asked for; null when there is none.</param>
    /// <param name="Error">What is wrong with claims, classes or pools; null when there are just not the devices.</param>
    /// <param name="Here">With pools of this node, or their number: another may do.</param>
    public readonly record struct Outcome(ImmutableArray<AllocationResult>? Allocations, string? Error = null, bool Here = false);

    sealed class Trouble(string message, bool here = true) : Exception(message)
    {
        public bool Here => here;
    }

    readonly DeviceState _state = state;
    readonly Dictionary<(DeviceId, int Want), bool> _matches = [];
    readonly List<Want[]> _requests = Flatten(claims);

    /// <summary>One way to meet a request.</summary>
    /// <param name="Id">Which of all of the claims, for what is remembered.</param>
    sealed record Want(int Id, int Claim, string Request, string Name, string Class, Seq<DeviceSelector> Selectors, bool All, long Count, bool Admin, Seq<DeviceToleration> Tolerations, CapacityRequirements? Capacity);

    static List<Want[]> Flatten(IReadOnlyList<ResourceClaim> claims)
    {
        int id = 0;
        List<Want[]> all = [];
        for (int c = 0; c < claims.Count; c++)
            foreach (var request in claims[c].Spec.Devices.Requests)
            {
                int claim = c;
                all.Add(request.Exactly is { } e
                    ? [new(id++, claim, request.Name, request.Name, e.DeviceClassName, e.Selectors, e.AllocationMode == "All", Math.Max(1, e.Count), e.AdminAccess == true, e.Tolerations, e.Capacity)]
                    : [.. request.FirstAvailable.Select(f => new Want(
                        id++, claim, request.Name, request.Name + "/" + f.Name, f.DeviceClassName, f.Selectors, f.AllocationMode == "All", Math.Max(1, f.Count), false, f.Tolerations, f.Capacity))]);
            }
        return all;
    }

    IReadOnlyList<ResourceClaim> Claims => claims;
    ResourceClaim ClaimOf(Want want) => claims[want.Claim];

    public Outcome Allocate(Node node)
    {
        var pools = _state.PoolsFor(node.Metadata.Name).ToList();
        var search = new Search(this, node, pools, [.. pools.SelectMany(p => p.Devices.Where(d => d.Reaches(node)))]);
        try
        {
            if (search.Find(0)) return new(search.Results());
            // Nothing was taken of these; it may be they that were meant.
            return pools.Exists(p => p.Fault is not null && p.Devices.Any(d => d.Reaches(node))) ? new(null, "invalid resource pools were encountered", Here: true) : default;
        }
        catch (Trouble t) { return new(null, t.Message, t.Here); }
    }

    /// <summary>Whether class and request mean the device.</summary>
    bool Matches(Want want, PoolDevice device)
    {
        if (_matches.TryGetValue((device.Id, want.Id), out bool known)) return known;
        if (!_state.Classes.TryGetValue(want.Class, out var @class)) throw new Trouble($"claim {Key.Of(claims[want.Claim])}, request {want.Name}: could not retrieve device class {want.Class}", here: false);
        bool matches = DeviceSelectors.Match(@class.Spec.Selectors, device, "class " + want.Class, out string? error) && DeviceSelectors.Match(want.Selectors, device, "claim " + Key.Of(claims[want.Claim]), out error);
        if (error is not null) throw new Trouble(error, here: false);
        return _matches[(device.Id, want.Id)] = matches;
    }

    /// <summary>A device that is taken in the course of a search.</summary>
    readonly record struct Taken(Want Want, PoolDevice Device, Map<Quantity> Consumes);

    sealed class Search(Allocator allocator, Node node, List<DevicePool> pools, PoolDevice[] devices)
    {
        readonly List<Taken> _taken = [];
        int _steps;

        public bool Find(int request)
        {
            if (request == allocator._requests.Count) return true;
            foreach (var want in allocator._requests[request])
                if (want.All ? All(request, want) : Some(request, want, want.Count, 0)) return true;
            return false;
        }

        /// <summary>Every device that matches, or the request is not met; none at all does not do either.</summary>
        bool All(int request, Want want)
        {
            int before = _taken.Count;
            foreach (var pool in pools)
            {
                if (!pool.Devices.Any(d => d.Reaches(node))) continue;
                string at = $"claim {Key.Of(allocator.ClaimOf(want))}, request {want.Name}: asks for all devices, but resource pool {pool} is currently ";
                if (!pool.IsComplete) throw new Trouble(at + "being updated");
                if (pool.Fault is not null) throw new Trouble(at + "invalid");
            }
            bool got = true;
            foreach (var device in devices)
                if (allocator.Matches(want, device) && !Take(want, device)) { got = false; break; }
            if (got && _taken.Count > before && Find(request + 1)) return true;
            Back(before);
            return false;
        }

        bool Some(int request, Want want, long left, int from)
        {
            if (left == 0) return Find(request + 1);
            for (int i = from; i < devices.Length; i++)
            {
                if (++_steps > MostSteps) throw new Trouble("timed out trying to allocate devices");
                var device = devices[i];
                if (!device.Pool.IsComplete || device.Pool.Fault is not null || !allocator.Matches(want, device)) continue;
                int before = _taken.Count;
                if (!Take(want, device)) continue;
                // Order within a request means nothing; a device that is shared can be had again.
                if (Some(request, want, left - 1, device.Shared ? i : i + 1)) return true;
                Back(before);
            }
            return false;
        }

        void Back(int to) => _taken.RemoveRange(to, _taken.Count - to);

        static bool Repels(PoolDevice device, Seq<DeviceToleration> tolerations)
        {
            foreach (var taint in device.Taints)
                if (taint.Effect is "NoSchedule" or "NoExecute" && !tolerations.Exists(t => Tolerates(t, taint))) return true;
            return false;
        }

        static bool Tolerates(DeviceToleration t, DeviceTaint taint) =>
            (t.Effect.Length == 0 || t.Effect == taint.Effect) && (t.Key.Length == 0 || t.Key == taint.Key) && (t.Operator == "Exists" || (t.Key.Length > 0 && t.Value == taint.Value));

        bool Take(Want want, PoolDevice device)
        {
            var (use, mine) = (allocator._state.UseOf(device.Id), default(Map<Quantity>));
            int inClaim = 0;
            bool here = false;
            foreach (var t in _taken)
            {
                if (t.Want.Claim == want.Claim) inClaim++;
                if (!ReferenceEquals(t.Device, device)) continue;
                if (want.Admin) { if (t.Want.Claim == want.Claim) return false; continue; }
                if (t.Want.Admin) continue;
                if (!device.Shared) return false;
                here = true;
                foreach (var (name, amount) in t.Consumes) mine = mine.Set(name, mine.TryGet(name, out var before) ? before + amount : amount);
            }
            // A taint that is not tolerated keeps all of them from who wants all.
            if (inClaim >= MostResults || Repels(device, want.Tolerations)) return false;
            if (!want.Admin && (use.Alone > 0 || (use.Shares > 0 && !device.Shared))) return false;
            foreach (var (name, amount) in use.Consumed) mine = mine.Set(name, mine.TryGet(name, out var before) ? before + amount : amount);
            if (Consumption.Of(want.Capacity, device, want.Admin || !device.Shared ? default : mine) is not { } consumes) return false;
            if (!want.Admin && !here && use.IsFree && !CountersAllow(device)) return false;
            if (!ConstraintsAllow(want, device)) return false;
            _taken.Add(new(want, device, consumes));
            return true;
        }

        /// <summary>Whether what the pool's devices share has enough left (KEP-4815); a device draws on it once, however many have it.</summary>
        bool CountersAllow(PoolDevice device)
        {
            if (device.Device.ConsumesCounters.IsEmpty) return true;
            foreach (var draws in device.Device.ConsumesCounters)
                foreach (var (counter, amount) in draws.Counters)
                {
                    if (!device.Pool.Counters.TryGetValue((draws.CounterSet, counter), out var left)) return false;
                    foreach (var other in device.Pool.Devices)
                    {
                        if (other.Device.ConsumesCounters.IsEmpty || (allocator._state.UseOf(other.Id).IsFree && !_taken.Exists(t => !t.Want.Admin && ReferenceEquals(t.Device, other)))) continue;
                        foreach (var drawn in other.Device.ConsumesCounters)
                            if (drawn.CounterSet == draws.CounterSet && drawn.Counters.TryGet(counter, out var gone)) left -= gone.Value;
                    }
                    if (left < amount.Value) return false;
                }
            return true;
        }

        bool ConstraintsAllow(Want want, PoolDevice device)
        {
            foreach (var c in allocator.ClaimOf(want).Spec.Devices.Constraints)
            {
                if (!Concerns(c, want)) continue;
                bool distinct = c.DistinctAttribute is not null;
                string name = c.MatchAttribute ?? c.DistinctAttribute ?? "";
                if (Attribute(device, name) is not { } value) return false;
                foreach (var t in _taken)
                    if (t.Want.Claim == want.Claim && Concerns(c, t.Want) && Attribute(t.Device, name) is { } other && value.Equals(other) == distinct) return false;
            }
            return true;
        }

        static bool Concerns(DeviceConstraint c, Want want) => c.Requests.IsEmpty || c.Requests.Contains(want.Request) || c.Requests.Contains(want.Name);

        /// <summary>By its full name; without a domain it is the driver's.</summary>
        static DeviceAttribute? Attribute(PoolDevice device, string name)
        {
            if (device.Device.Attributes.TryGet(name, out var value)) return value;
            string prefix = device.Id.Driver + "/";
            return name.StartsWith(prefix, StringComparison.Ordinal) && device.Device.Attributes.TryGet(name[prefix.Length..], out value) ? value : null;
        }

        public ImmutableArray<AllocationResult> Results() =>
        [
            .. allocator.Claims.Select((claim, i) => AllocationDraft.Of(claim, allocator._state.Classes, node,
                [.. _taken.Where(t => t.Want.Claim == i).Select(t => new AllocationDraft.Piece(t.Want.Name, t.Want.Class, t.Device, t.Want.Admin, t.Want.Tolerations, t.Consumes))])),
        ];
    }

}
