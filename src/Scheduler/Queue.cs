using System.Numerics;
using Hanbae.Api;
using Hanbae.Scheduler.Plugins;

namespace Hanbae.Scheduler;

/// <summary>Pods that wait for a node: ready to be tried, backing off after a failure, held back, or set aside until something changes that could help them.</summary>
/// <remarks>Guarded by the scheduler's lock. Bounded by the number of pending Pods.</remarks>
internal sealed class Queue(TimeProvider time, TimeSpan firstBackoff, TimeSpan longestBackoff, Func<PodInfo, Profile> profileOf, Snapshot snapshot)
{
    /// <summary>However hopeless, a Pod is tried again after this long; looked for so often, as upstream.</summary>
    static readonly TimeSpan LongestAside = TimeSpan.FromMinutes(5), FlushEvery = TimeSpan.FromSeconds(30);

    sealed class Waiting(PodInfo pod, long order, Profile profile)
    {
        public PodInfo Pod = pod;
        public readonly long Order = order;
        public readonly Profile Profile = profile;
        public int Attempts, Errors;
        /// <summary>Who refused it, as bits; none: anything may help.</summary>
        public ulong Plugins;
        public Change CurableBy;
        /// <summary>It changed itself while it was being tried.</summary>
        public bool Changed;
        public DateTimeOffset Since;
        public Place Place;
        public int Turn;
        /// <summary>What holds it back.</summary>
        public IPreEnqueue? Gate;
        /// <summary>What would have to be free for it; null when more than that.</summary>
        public RoomWanted? Wanted;
        /// <summary>The node that others leave for it; empty when nobody does.</summary>
        public string Promised = "";
        /// <summary>Those others.</summary>
        public IReadOnlyList<PodInfo> Victims = [];
    }

    enum Place { Active, Backoff, ErrorBackoff, Aside, Gated, InFlight }

    readonly Dictionary<Key, Waiting> _all = [];
    readonly SortedSet<Waiting> _active = new(Comparer<Waiting>.Create((a, b) =>
        a.Profile.Sort.Compare(a.Pod, a.Order, b.Pod, b.Order) is not 0 and var order ? order : a.Order.CompareTo(b.Order)));
    readonly HashSet<Waiting> _aside = [];
    /// <summary>Pods that are held back by something other than themselves.</summary>
    readonly HashSet<Waiting> _gated = [];
    /// <summary>Of those set aside: who waits for a Pod to go. Pods that want alike are asked about once; the rest one by one.</summary>
    readonly Dictionary<(Profile, RoomWanted), HashSet<Waiting>> _alike = [];
    readonly HashSet<Waiting> _unlike = [];
    /// <summary>Of those who are alike: by the node that others leave for them, where more is free to them than to the rest.</summary>
    readonly Dictionary<string, HashSet<Waiting>> _promised = [];
    /// <summary>How many of those set aside each kind of change could help: most changes could help nobody.</summary>
    readonly int[] _caring = new int[32];
    /// <summary>Entries of Pods that have moved on since are stale, by their turn.</summary>
    readonly PriorityQueue<(Waiting Pod, int Turn), DateTimeOffset> _backoff = new(), _errors = new();
    DateTimeOffset _nextFlush;
    long _order;

    public int Count => _all.Count;
    /// <summary>Pods by where they wait: ready, backing off, set aside, held back.</summary>
    public (int Active, int Backoff, int Aside, int Gated) Counts =>
        (_active.Count, _all.Values.Count(w => w.Place is Place.Backoff or Place.ErrorBackoff), _aside.Count, _all.Values.Count(w => w.Place == Place.Gated));

    /// <summary>Adds a Pod, or takes its newer version; one set aside is tried again, since its own change may have helped.</summary>
    public void Put(PodInfo pod)
    {
        if (!_all.TryGetValue(pod.Key, out var waiting) || waiting.Pod.Uid != pod.Uid)
        {
            Remove(pod.Key);
            _all[pod.Key] = waiting = new(pod, _order++, profileOf(pod));
            Enter(waiting);
            return;
        }
        if (AsksTheSame(waiting.Pod.Pod, pod.Pod)) { waiting.Pod.Pod = pod.Pod; return; }
        switch (waiting.Place)
        {
            case Place.Active:
                _active.Remove(waiting);
                waiting.Pod = pod;
                Enter(waiting);
                break;
            case Place.Gated:
                waiting.Pod = pod;
                Enter(waiting);
                break;
            case Place.Aside:
                Leave(waiting);
                waiting.Pod = pod;
                Wake(waiting);
                break;
            default:
                waiting.Pod = pod;
                waiting.Changed |= waiting.Place == Place.InFlight;
                break;
        }
    }

    /// <summary>What the scheduler itself writes (status) is no reason to try again.</summary>
    static bool AsksTheSame(Api.Core.V1.Pod known, Api.Core.V1.Pod now) =>
        known.Spec == now.Spec && known.Metadata.Labels == now.Metadata.Labels && known.Status.ResourceClaimStatuses == now.Status.ResourceClaimStatuses;

    /// <summary>Takes the newer version of a Pod that asks for nothing else than before.</summary>
    /// <returns>False when it is not known, or does.</returns>
    public bool Renew(Api.Core.V1.Pod pod)
    {
        if (!_all.TryGetValue(Key.Of(pod), out var waiting) || waiting.Pod.Uid != pod.Metadata.Uid || !AsksTheSame(waiting.Pod.Pod, pod)) return false;
        waiting.Pod.Pod = pod;
        return true;
    }

    /// <param name="uid">Only the Pod of this uid, not another of its name; null for whichever there is.</param>
    public void Remove(Key key, string? uid = null)
    {
        if (!_all.TryGetValue(key, out var waiting) || (uid is not null && waiting.Pod.Uid != uid)) return;
        _all.Remove(key);
        if (waiting.Place == Place.Active) _active.Remove(waiting);
        if (waiting.Place == Place.Aside) Leave(waiting);
        if (waiting.Place == Place.Gated) _gated.Remove(waiting);
        waiting.Place = Place.InFlight;
        waiting.Turn++;
    }

    /// <summary>The next Pod to try: by the queue's order; when none is ready, the first of those that back off (KEP-5142: idle time is theirs).</summary>
    public PodInfo? Next()
    {
        Thaw();
        var next = _active.Min ?? PopBackoff();
        if (next is null) return null;
        _active.Remove(next);
        Take(next);
        return next.Pod;
    }

    /// <summary>Takes a Pod back that was not looked at after all: something holds it back by now.</summary>
    public void Return(PodInfo pod)
    {
        if (InFlight(pod) is { } waiting) Enter(waiting);
    }

    /// <summary>Those of the Pods that wait for anything but leave to be looked at, by the queue's order: they are tried now, with one that is being tried.</summary>
    public List<PodInfo> With(PodInfo first, IEnumerable<Key> others)
    {
        List<Waiting> taken = InFlight(first) is { } begun ? [begun] : [];
        foreach (var key in others)
        {
            if (!_all.TryGetValue(key, out var waiting) || waiting.Place is Place.Gated or Place.InFlight) continue;
            if (waiting.Place == Place.Active) _active.Remove(waiting);
            if (waiting.Place == Place.Aside) Leave(waiting);
            Take(waiting);
            taken.Add(waiting);
        }
        taken.Sort(static (a, b) => a.Pod.Priority != b.Pod.Priority ? b.Pod.Priority.CompareTo(a.Pod.Priority) : a.Order.CompareTo(b.Order));
        return [.. taken.Select(w => w.Pod)];
    }

    static void Take(Waiting waiting)
    {
        waiting.Place = Place.InFlight;
        waiting.Changed = false;
        waiting.Turn++;
    }

    /// <summary>The Pod could not be placed: it waits until something changes for those who refused it.</summary>
    /// <param name="plugins">As bits; none: anything may help.</param>
    /// <param name="victims">Who has been asked to go for it: that some of them have gone is no reason to try again.</param>
    public void Failed(PodInfo pod, ulong plugins, IReadOnlyList<PodInfo>? victims = null)
    {
        if (InFlight(pod) is not { } waiting) return;
        waiting.Victims = victims ?? [];
        waiting.Attempts++;
        waiting.Errors = 0;
        waiting.Plugins = plugins;
        waiting.CurableBy = plugins == 0 ? Change.Any : waiting.Profile.CuresOf(plugins);
        waiting.Since = time.GetUtcNow();
        if (waiting.Changed) { Wake(waiting); return; }
        waiting.Place = Place.Aside;
        if (_aside.Count == 0) _nextFlush = waiting.Since + FlushEvery;
        _aside.Add(waiting);
        Care(waiting.CurableBy, 1);
        AwaitRoom(waiting);
    }

    void AwaitRoom(Waiting waiting)
    {
        if ((waiting.CurableBy & Change.PodRemoved) == 0) return;
        waiting.Wanted = waiting.Plugins == 0 ? null : waiting.Profile.CuredAlike(waiting.Plugins, waiting.Pod);
        if (waiting.Wanted is not { } wanted) { _unlike.Add(waiting); return; }
        Add(_alike, (waiting.Profile, wanted));
        waiting.Promised = wanted.Promised ? snapshot.NominatedNode(waiting.Pod.Uid) : "";
        if (waiting.Promised.Length > 0) Add(_promised, waiting.Promised);

        void Add<T>(Dictionary<T, HashSet<Waiting>> sets, T key) where T : notnull
        {
            if (!sets.TryGetValue(key, out var set)) sets[key] = set = [];
            set.Add(waiting);
        }
    }

    void GiveUpRoom(Waiting waiting)
    {
        if (waiting.Wanted is not { } wanted) { _unlike.Remove(waiting); return; }
        Remove(_alike, (waiting.Profile, wanted));
        if (waiting.Promised.Length > 0) Remove(_promised, waiting.Promised);
        (waiting.Wanted, waiting.Promised) = (null, "");

        void Remove<T>(Dictionary<T, HashSet<Waiting>> sets, T key) where T : notnull
        {
            if (sets.TryGetValue(key, out var set) && set.Remove(waiting) && set.Count == 0) sets.Remove(key);
        }
    }

    /// <summary>Something else than the cluster's state went wrong: the Pod is tried again after a pause.</summary>
    public void Errored(PodInfo pod)
    {
        if (InFlight(pod) is not { } waiting) return;
        waiting.Errors++;
        waiting.Since = time.GetUtcNow();
        waiting.Place = Place.ErrorBackoff;
        _errors.Enqueue((waiting, waiting.Turn), waiting.Since + Pause(waiting.Errors));
    }

    Waiting? InFlight(PodInfo pod) => _all.TryGetValue(pod.Key, out var waiting) && waiting.Place == Place.InFlight && waiting.Pod.Uid == pod.Uid ? waiting : null;

    /// <summary>Something changed: wakes the Pods that it may help.</summary>
    public void On(in ClusterChange change)
    {
        if (_gated.Count > 0) Open(change);
        if (_aside.Count == 0 || !Cared(change.What)) return;
        List<Waiting>? woken = null;
        bool freed = change.What == Change.PodRemoved;
        foreach (var waiting in freed ? _unlike : _aside)
            if ((waiting.CurableBy & change.What) != 0 && !(freed && AwaitsMore(waiting, change)) && (waiting.Plugins == 0 || waiting.Profile.MayCure(waiting.Plugins, waiting.Pod, change)))
                (woken ??= []).Add(waiting);
        if (freed) Alike(change, ref woken);
        if (woken is null) return;
        foreach (var waiting in woken)
        {
            if (waiting.Place != Place.Aside) continue;
            Leave(waiting);
            Wake(waiting);
        }
    }

    /// <summary>One of each kind is asked about, and those to whom something is promised where the Pod has gone.</summary>
    void Alike(in ClusterChange change, ref List<Waiting>? woken)
    {
        string node = change.FreedOn;
        foreach (var waiting in _promised.GetValueOrDefault(node) ?? [])
            if (!AwaitsMore(waiting, change) && waiting.Profile.MayCure(waiting.Plugins, waiting.Pod, change)) (woken ??= []).Add(waiting);
        foreach (var set in _alike.Values)
            foreach (var one in set)
            {
                if (one.Promised.Length > 0 && one.Promised == node) continue;
                if (one.Profile.MayCure(one.Plugins, one.Pod, change)) (woken ??= []).AddRange(set);
                break;
            }
    }

    /// <summary>One who has to go for the Pod has gone, and others have yet to.</summary>
    bool AwaitsMore(Waiting waiting, in ClusterChange change)
    {
        bool one = false, more = false;
        foreach (var victim in waiting.Victims)
            if (victim.Uid == change.Pod?.Metadata.Uid) one = true;
            else more |= snapshot.PlaceOf(victim.Uid).Length > 0;
        return one && more;
    }

    void Open(in ClusterChange change)
    {
        List<Waiting>? open = null;
        foreach (var waiting in _gated)
            if ((waiting.Gate!.Cures & change.What) != 0 && waiting.Gate.MayCure(waiting.Pod, change)) (open ??= []).Add(waiting);
        foreach (var waiting in open ?? []) Enter(waiting);
    }

    /// <summary>Wakes one Pod whatever refused it.</summary>
    public void Nudge(Key key)
    {
        if (!_all.TryGetValue(key, out var waiting) || waiting.Place != Place.Aside) return;
        Leave(waiting);
        Wake(waiting);
    }

    /// <summary>When to look again though nothing changes; null when nothing waits for time.</summary>
    public TimeSpan? Delay()
    {
        Thaw();
        if (_active.Count > 0 || PeekBackoff() is not null) return TimeSpan.Zero;
        var now = time.GetUtcNow();
        DateTimeOffset? due = _errors.TryPeek(out _, out var at) ? at : null;
        if (_aside.Count > 0 && (due is null || _nextFlush < due)) due = _nextFlush;
        return due is null ? null : due.Value <= now ? TimeSpan.Zero : due.Value - now;
    }

    /// <summary>Tries again everything that was set aside too long ago.</summary>
    public void Flush()
    {
        var now = time.GetUtcNow();
        if (_aside.Count == 0 || now < _nextFlush) return;
        _nextFlush = now + FlushEvery;
        foreach (var waiting in _aside.Where(w => now - w.Since >= LongestAside).ToList())
        {
            Leave(waiting);
            Wake(waiting);
        }
    }

    void Enter(Waiting waiting)
    {
        _gated.Remove(waiting);
        foreach (var gate in waiting.Profile.PreEnqueues)
        {
            if (gate.PreEnqueue(waiting.Pod, snapshot) is null) continue;
            waiting.Place = Place.Gated;
            waiting.Gate = gate;
            if (gate.Cures != Change.None) _gated.Add(waiting);
            return;
        }
        waiting.Place = Place.Active;
        _active.Add(waiting);
    }

    void Leave(Waiting waiting)
    {
        if (!_aside.Remove(waiting)) return;
        Care(waiting.CurableBy, -1);
        if ((waiting.CurableBy & Change.PodRemoved) != 0) GiveUpRoom(waiting);
    }

    void Wake(Waiting waiting)
    {
        var due = waiting.Since + Pause(waiting.Attempts);
        if (due <= time.GetUtcNow()) { Enter(waiting); return; }
        waiting.Place = Place.Backoff;
        _backoff.Enqueue((waiting, waiting.Turn), due);
    }

    TimeSpan Pause(int failures) =>
        TimeSpan.FromTicks(Math.Min(longestBackoff.Ticks, firstBackoff.Ticks << Math.Clamp(failures - 1, 0, 20)));

    void Thaw()
    {
        var now = time.GetUtcNow();
        while (_errors.TryPeek(out var first, out var due) && due <= now)
        {
            _errors.Dequeue();
            if (first.Pod.Place == Place.ErrorBackoff && first.Pod.Turn == first.Turn) Enter(first.Pod);
        }
        while (_backoff.TryPeek(out var first, out var due) && due <= now)
        {
            _backoff.Dequeue();
            if (first.Pod.Place == Place.Backoff && first.Pod.Turn == first.Turn) Enter(first.Pod);
        }
    }

    Waiting? PeekBackoff()
    {
        while (_backoff.TryPeek(out var first, out _))
        {
            if (first.Pod.Place == Place.Backoff && first.Pod.Turn == first.Turn) return first.Pod;
            _backoff.Dequeue();
        }
        return null;
    }

    Waiting? PopBackoff()
    {
        if (PeekBackoff() is not { } first) return null;
        _backoff.Dequeue();
        return first;
    }

    void Care(Change changes, int by)
    {
        for (uint left = (uint)changes; left != 0; left &= left - 1) _caring[BitOperations.TrailingZeroCount(left)] += by;
    }

    bool Cared(Change changes)
    {
        for (uint left = (uint)changes; left != 0; left &= left - 1) if (_caring[BitOperations.TrailingZeroCount(left)] > 0) return true;
        return false;
    }
}
