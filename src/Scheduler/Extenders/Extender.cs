using System.Collections.Frozen;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Scheduler.Configuration;
using Hanbae.Scheduler.Plugins;
using static Hanbae.Scheduler.Extenders.ExtenderMessages;

namespace Hanbae.Scheduler.Extenders;

/// <summary>Somebody outside who has a say in where Pods go.</summary>
internal sealed class Extender(ExtenderConfig config) : IDisposable
{
    /// <summary>Extenders score 0 to 10, plugins 0 to 100.</summary>
    const long ScoreScale = Scores.Most / 10;

    readonly ExtenderChannel _channel = new(config);
    readonly FrozenSet<string> _managed = [.. config.ManagedResources];

    public string Name => config.UrlPrefix;
    public bool Ignorable => config.Ignorable;
    public bool Filters => config.FilterVerb.Length > 0;
    public bool Prioritizes => config.PrioritizeVerb.Length > 0;
    public bool Preempts => config.PreemptVerb.Length > 0;
    public bool Binds => config.BindVerb.Length > 0;

    public bool Concerns(Pod pod)
    {
        if (_managed.Count == 0) return true;
        foreach (var c in pod.Spec.Containers) if (Asks(c)) return true;
        foreach (var c in pod.Spec.InitContainers) if (Asks(c)) return true;
        return false;

        bool Asks(Container c)
        {
            foreach (var (name, _) in c.Resources.Requests) if (_managed.Contains(name)) return true;
            foreach (var (name, _) in c.Resources.Limits) if (_managed.Contains(name)) return true;
            return false;
        }
    }

    /// <param name="Fits">Those of the nodes that are left.</param>
    /// <param name="Refused">Why others are not.</param>
    public sealed record Filtered(List<NodeInfo> Fits, List<(NodeInfo Node, Verdict Verdict)> Refused);

    /// <summary>The question of a Pod and its nodes. To be made under the scheduler's lock: nodes change and go while others answer.</summary>
    public byte[] Question(PodInfo pod, IReadOnlyList<NodeInfo> nodes) => Nodes(pod, nodes, full: !config.NodeCacheCapable);

    /// <param name="question">Of these nodes.</param>
    public async Task<Filtered> FilterAsync(byte[] question, IReadOnlyList<NodeInfo> nodes, CancellationToken ct)
    {
        var answer = await _channel.AskAsync(config.FilterVerb, question, ct);
        if (Text(answer, "Error") is { Length: > 0 } error) throw new ExtenderException(error);
        var byName = nodes.ToDictionary(n => n.Name);
        var left = config.NodeCacheCapable && Field(answer, "NodeNames") is { } names
            ? Items(names).Select(n => (n as JsonString)?.Value ?? "") : Items(Field(Field(answer, "Nodes"), "items")).Select(n => Text(Field(n, "metadata"), "name"));
        List<NodeInfo> fits = [];
        foreach (string name in left)
            fits.Add(byName.TryGetValue(name, out var node) ? node : throw new ExtenderException($"extender \"{Name}\" claims a filtered node \"{name}\" which is not found in the input node list"));
        List<(NodeInfo, Verdict)> refused = [];
        foreach (var (field, hopeless) in (ReadOnlySpan<(string, bool)>)[("FailedAndUnresolvableNodes", true), ("FailedNodes", false)])
            foreach (var (name, why) in Field(answer, field) is JsonObject o ? o : JsonObject.Empty)
                if (byName.Remove(name, out var node)) refused.Add((node, Verdict.Refuse((why as JsonString)?.Value ?? "", hopeless)));
        // Who neither fits nor failed is out all the same.
        foreach (var node in byName.Values) if (!fits.Contains(node)) refused.Add((node, Verdict.Refuse("node(s) didn't pass extender filter")));
        return new(fits, refused);
    }

    /// <summary>Points by node, weighed and on the plugins' scale.</summary>
    public async Task<Dictionary<string, long>> ScoreAsync(byte[] question, CancellationToken ct)
    {
        var answer = await _channel.AskAsync(config.PrioritizeVerb, question, ct);
        Dictionary<string, long> points = [];
        foreach (var entry in Items(answer))
            if (Field(entry, "Score") is JsonNumber n && long.TryParse(n.ToString(), out long score)) points[Text(entry, "Host")] = score * config.Weight * ScoreScale;
        return points;
    }

    /// <summary>The candidates, and the victims of each, that it leaves.</summary>
    /// <param name="there">The Pods of the candidates' nodes, by uid.</param>
    public async Task<List<DefaultPreemption.Candidate>> PreemptAsync(
        PodInfo pod, IReadOnlyList<DefaultPreemption.Candidate> candidates, IReadOnlyDictionary<(string Node, string Uid), PodInfo> there, CancellationToken ct)
    {
        var answer = await _channel.AskAsync(config.PreemptVerb, Victims(pod, candidates, full: !config.NodeCacheCapable), ct);
        List<DefaultPreemption.Candidate> left = [];
        foreach (var (name, victims) in Field(answer, "NodeNameToMetaVictims") is JsonObject o ? o : JsonObject.Empty)
        {
            if (candidates.FirstOrDefault(c => c.Node.Name == name) is not { } candidate) throw new ExtenderException($"extender \"{Name}\" claims to preempt on node \"{name}\" which is not found in the input");
            List<PodInfo> pods = [];
            foreach (var victim in Items(Field(victims, "Pods")))
            {
                string uid = Text(victim, "UID");
                pods.Add(there.GetValueOrDefault((name, uid))
                    ?? throw new ExtenderException($"extender: {Name} claims to preempt pod (UID: {uid}) on node: {name}, but the pod is not found on that node"));
            }
            pods.Sort(DefaultPreemption.MoreImportantFirst);
            int violations = Field(victims, "NumPDBViolations") is JsonNumber n && int.TryParse(n.ToString(), out int v) ? v : 0;
            if (pods.Count > 0) left.Add(new(candidate.Node, pods, violations));
        }
        return left;
    }

    public async Task BindAsync(PodInfo pod, string node, CancellationToken ct)
    {
        var answer = await _channel.AskAsync(config.BindVerb, Binding(pod, node), ct);
        if (Text(answer, "Error") is { Length: > 0 } error) throw new ExtenderException(error);
    }

    public void Dispose() => _channel.Dispose();
}
