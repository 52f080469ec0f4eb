using Hanbae.Scheduler.Configuration;
using Hanbae.Scheduler.Plugins;

namespace Hanbae.Scheduler;

/// <summary>The plugins of one way of scheduling, sorted by the points at which they are asked.</summary>
internal sealed class Profile
{
    public const string Everywhere = "multiPoint";

    readonly List<IPlugin> _plugins = [];
    readonly int[] _active;
    int _activeCount;
    ulong _skipped;
    readonly (IPreFilter Plugin, int Id)[] _preFilters;
    readonly (IFilter Plugin, int Id)[] _filters;

    public Profile(SchedulerProfile settings)
    {
        Settings = settings;
        // One instance of each plugin: what it works out at one point it uses at the next.
        Dictionary<string, IPlugin> made = [];
        IPlugin Made(string name)
        {
            if (made.TryGetValue(name, out var plugin)) return plugin;
            var entry = Catalog.All.FirstOrDefault(e => e.Name == name) ?? throw new ArgumentException($"plugin \"{name}\" does not exist");
            _plugins.Add(plugin = entry.Make(settings));
            return made[name] = plugin;
        }
        List<(T Plugin, int Weight)> At<T>(string point) where T : class, IPlugin
        {
            List<(T, int)> at = [];
            HashSet<string> seen = [];
            bool Off(string where, string name) => settings.Disabled.TryGetValue(where, out var off) && (off.Contains("*") || off.Contains(name));
            void Add(string name, int weight)
            {
                if (Made(name) is T plugin && seen.Add(name)) at.Add((plugin, weight != 0 ? weight : Math.Max(1, Catalog.All.First(e => e.Name == name).Weight)));
            }
            int WeightOf(string where, string name) =>
                settings.Enabled.TryGetValue(where, out var on) && on.FirstOrDefault(e => e.Name == name) is { Name: not null } named ? named.Weight : 0;
            // Named at the point itself first, then for all points, then the defaults that are left.
            bool Named(string where, string name) => settings.Enabled.TryGetValue(where, out var on) && on.Any(e => e.Name == name);
            bool replaced = Off(point, "*");
            foreach (var entry in Catalog.All)
            {
                if (Off(point, entry.Name) || (Off(Everywhere, entry.Name) && !Named(Everywhere, entry.Name)) || Named(point, entry.Name)) continue;
                if (Off(Everywhere, "*")) continue;
                Add(entry.Name, WeightOf(Everywhere, entry.Name));
            }
            if (!replaced && settings.Enabled.TryGetValue(Everywhere, out var everywhere))
                foreach (var (name, weight) in everywhere) if (!Off(point, name) && !Named(point, name)) Add(name, weight);
            if (settings.Enabled.TryGetValue(point, out var here)) foreach (var (name, weight) in here) Add(name, weight);
            return at;
        }

        PreEnqueues = [.. At<IPreEnqueue>("preEnqueue").Select(p => p.Plugin)];
        Sort = At<IQueueSort>("queueSort") is [var sort, ..] ? sort.Plugin : new PrioritySort();
        var preFilters = At<IPreFilter>("preFilter");
        var filters = At<IFilter>("filter");
        PostFilters = [.. At<IPostFilter>("postFilter").Select(p => p.Plugin)];
        Scorers = [.. At<IScore>("score")];
        Reserves = [.. At<IReserve>("reserve").Select(p => p.Plugin)];
        Permits = [.. At<IPermit>("permit").Select(p => p.Plugin)];
        Releases = [.. _plugins.OfType<IRelease>()];
        PreBinds = [.. At<IPreBind>("preBind").Select(p => p.Plugin)];
        Binder = At<IBind>("bind") is [var bind, ..] ? bind.Plugin : throw new ArgumentException($"profile \"{settings.Name}\" has no bind plugin");
        PostBinds = [.. At<IPostBind>("postBind").Select(p => p.Plugin)];
        _preFilters = [.. preFilters.Select(p => (p.Plugin, _plugins.IndexOf(p.Plugin)))];
        _filters = [.. filters.Select(p => (p.Plugin, _plugins.IndexOf(p.Plugin)))];
        _active = new int[_filters.Length];
    }

    public SchedulerProfile Settings { get; }
    public string Name => Settings.Name;
    public IReadOnlyList<IPlugin> Plugins => _plugins;
    public IPreEnqueue[] PreEnqueues { get; }
    public IQueueSort Sort { get; }
    public IPostFilter[] PostFilters { get; }
    public (IScore Plugin, int Weight)[] Scorers { get; }
    public IReserve[] Reserves { get; }
    public IPermit[] Permits { get; }
    public IPreBind[] PreBinds { get; }
    public IRelease[] Releases { get; }
    public IBind Binder { get; }
    public IPostBind[] PostBinds { get; }

    /// <summary>The outcome of what is asked before nodes are looked at.</summary>
    /// <param name="Refusal">All nodes are refused.</param>
    /// <param name="Only">The nodes that alone come into question; null for all.</param>
    /// <param name="Narrowers">Who said so.</param>
    public readonly record struct Opening(Verdict Refusal, IReadOnlySet<string>? Only, string Narrowers);

    /// <summary>Turns all plugins to a Pod; filters and scores are about it until the next.</summary>
    public Opening Open(PodInfo pod, Snapshot snapshot)
    {
        _skipped = 0;
        IReadOnlySet<string>? only = null;
        List<string>? narrowers = null;
        foreach (var (plugin, id) in _preFilters)
        {
            var found = plugin.PreFilter(pod, snapshot);
            if (!found.Refusal.Ok) return new(found.Refusal with { Plugin = id }, null, "");
            if (found.Skip) _skipped |= 1UL << id;
            if (found.Only is null) continue;
            only = only is null ? found.Only : only.Intersect(found.Only).ToHashSet();
            (narrowers ??= []).Add(plugin.Name);
            if (only.Count == 0)
                return new(new($"node(s) didn't satisfy plugin(s) [{string.Join(' ', narrowers.Order(StringComparer.Ordinal))}] simultaneously", Hopeless: true, id), null, "");
        }
        NodeLocal = pod.Claims.IsEmpty;
        foreach (var (plugin, id) in _preFilters) NodeLocal &= !plugin.FollowsPods || (_skipped & 1UL << id) != 0;
        _activeCount = 0;
        GoesByShape = NodeLocal;
        for (int i = 0; i < _filters.Length; i++)
            if ((_skipped & 1UL << _filters[i].Id) == 0)
            {
                _active[_activeCount++] = i;
                GoesByShape &= _filters[i].Plugin.GoesByShape;
            }
        return new(default, only, narrowers is null ? "" : string.Join(' ', narrowers.Order(StringComparer.Ordinal)));
    }

    /// <summary>Of the Pod that was last opened: what is said of a node depends on that node and its own Pods alone. Then Pods can be taken from it, and given back, without
    /// anybody else having to know.</summary>
    public bool NodeLocal { get; private set; }
    /// <summary>And of the Pod nothing is asked but its shape: others of the same are told the same.</summary>
    public bool GoesByShape { get; private set; }

    /// <summary>Turns those plugins to the Pod anew that look at Pods on nodes, after some were taken away (not: after others came).</summary>
    public void Reopen(PodInfo pod, Snapshot snapshot)
    {
        foreach (var (plugin, id) in _preFilters)
            if (plugin.FollowsPods && (_skipped & 1UL << id) == 0) plugin.PreFilter(pod, snapshot);
    }

    /// <summary>Asks the filters about one node, of the Pod that was last opened.</summary>
    public Verdict Filter(PodInfo pod, NodeInfo node)
    {
        for (int i = 0; i < _activeCount; i++)
        {
            var (plugin, id) = _filters[_active[i]];
            var verdict = plugin.Filter(pod, node);
            if (!verdict.Ok) return verdict with { Plugin = id };
        }
        return Verdict.Fits;
    }

    /// <summary>All that is in the way on a node, not only what is found first.</summary>
    public IEnumerable<(string Plugin, Verdict Verdict)> Refusals(PodInfo pod, NodeInfo node)
    {
        for (int i = 0; i < _activeCount; i++)
            if (_filters[_active[i]].Plugin is var plugin && plugin.Filter(pod, node) is { Ok: false } verdict) yield return (plugin.Name, verdict);
    }

    /// <summary>As <see cref="Filter"/>, and with the Pods that others were promised room for on the node.</summary>
    public Verdict FilterWithNominated(PodInfo pod, NodeInfo node, Snapshot snapshot)
    {
        if (node.Nominated is not { } nominated) return Filter(pod, node);
        // Asked of every node for every Pod that waits: no closures here.
        bool any = false, plain = NodeLocal;
        foreach (var n in nominated)
        {
            any |= n.Priority >= pod.Priority && n.Uid != pod.Uid;
            plain &= n.Terms.IsEmpty;
        }
        // Where it does not fit without them it does not fit with them.
        return Filter(pod, node) is { Ok: false } alone ? alone : !any ? Verdict.Fits : plain ? FilterWithGuests(pod, node, nominated) : FilterAnew(pod, node, nominated, snapshot);
    }

    Verdict FilterAnew(PodInfo pod, NodeInfo node, List<PodInfo> nominated, Snapshot snapshot)
    {
        PodInfo[] guests = [.. nominated.Where(n => n.Priority >= pod.Priority && n.Uid != pod.Uid && snapshot.Placed(n.Uid, node.Name) is null)];
        foreach (var guest in guests) snapshot.Join(guest, node);
        Open(pod, snapshot);
        var verdict = Filter(pod, node);
        foreach (var guest in guests) snapshot.Leave(guest.Uid, node);
        Open(pod, snapshot);
        return verdict;
    }

    Verdict FilterWithGuests(PodInfo pod, NodeInfo node, List<PodInfo> nominated)
    {
        int before = node.PodCount;
        foreach (var n in nominated) if (n.Priority >= pod.Priority && n.Uid != pod.Uid) node.AddGuest(n);
        var verdict = Filter(pod, node);
        node.RemoveGuests(before);
        return verdict;
    }

    /// <summary>Takes for the Pod what it needs besides the node, all of it or nothing.</summary>
    /// <returns>Why that cannot be had; null when it is taken.</returns>
    public string? Reserve(PodInfo pod, NodeInfo node, Snapshot snapshot)
    {
        foreach (var reserve in Reserves)
        {
            if (reserve.Reserve(pod, node, snapshot) is not { } refused) continue;
            Unreserve(pod, snapshot);
            return $"running Reserve plugin \"{reserve.Name}\": {refused}";
        }
        return null;
    }

    public void Unreserve(PodInfo pod, Snapshot snapshot)
    {
        foreach (var reserve in Reserves) reserve.Unreserve(pod, snapshot);
    }

    /// <summary>A plugin as who refuses; nothing when the profile is without it.</summary>
    public ulong BitOf(string plugin)
    {
        for (int i = 0; i < _plugins.Count; i++) if (_plugins[i].Name == plugin) return 1UL << i;
        return 0;
    }

    public string NameOf(int plugin) => _plugins[plugin].Name;

    /// <summary>The plugin's changes that may help a Pod it refused.</summary>
    public Change CuresOf(ulong plugins)
    {
        var cures = Change.None;
        for (int id = 0; id < _plugins.Count; id++) if ((plugins & 1UL << id) != 0) cures |= _plugins[id].Cures;
        return cures;
    }

    /// <summary>By what Pods are alike to those of these plugins that a Pod's going may change the mind of; null when they are not.</summary>
    public RoomWanted? CuredAlike(ulong plugins, PodInfo pod)
    {
        RoomWanted? wanted = null;
        for (int id = 0; id < _plugins.Count; id++)
        {
            if ((plugins & 1UL << id) == 0 || (_plugins[id].Cures & Change.PodRemoved) == 0) continue;
            if (wanted is not null || _plugins[id].CuredAlike(pod) is not { } its) return null;
            wanted = its;
        }
        return wanted;
    }

    /// <summary>Whether a change may help a Pod that these plugins refused.</summary>
    public bool MayCure(ulong plugins, PodInfo pod, in ClusterChange change)
    {
        for (int id = 0; id < _plugins.Count; id++)
            if ((plugins & 1UL << id) != 0 && (_plugins[id].Cures & change.What) != 0 && _plugins[id].MayCure(pod, change)) return true;
        return false;
    }
}
