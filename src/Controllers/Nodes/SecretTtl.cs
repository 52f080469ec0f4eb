using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Controllers.Nodes;

/// <summary>Tells nodes how long they may keep Secrets and ConfigMaps before they ask again: the more nodes, the longer.</summary>
/// <remarks>As upstream: the thresholds overlap, so that a node more or less does not make all of them change their minds.</remarks>
sealed class SecretTtl(IClusterAccess cluster) : IReconciler
{
    const string Annotation = "node.alpha.kubernetes.io/ttl";
    static readonly (int Least, int Most, int Seconds)[] Steps = [(0, 100, 0), (90, 500, 15), (450, 1000, 30), (900, 2000, 60), (1800, int.MaxValue, 300)];

    readonly ICache<Node> _nodes = cluster.Cache<Node>();
    int _step, _count;

    // Counted as they come and go: to list them for each heartbeat would cost the more the more there are.
    public void Watch(Triggers on)
    {
        _count = 0;
        on.From(_ => _nodes.Subscribe(e => Interlocked.Add(ref _count, (e.New is null ? 0 : 1) - (e.Old is null ? 0 : 1)))).Each(_nodes);
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        _step = StepFor(Volatile.Read(ref _count), _step);
        string wanted = Steps[_step].Seconds.ToString(CultureInfo.InvariantCulture);
        if (_nodes.Find(key) is not { } node || node.Metadata.Annotations[Annotation] == wanted) return Again.OnChange;
        try { await cluster.Client.PatchAsync<Node>(key, MetadataPatch.Strategic(("annotations", JsonObject.Of((Annotation, wanted)))), ct); }
        catch (ApiException e) when (e.IsNotFound) { }
        return Again.OnChange;
    }

    /// <summary>From the step that was, as far as the number of nodes goes beyond it.</summary>
    internal static int StepFor(int nodes, int step)
    {
        while (nodes > Steps[step].Most) step++;
        while (nodes < Steps[step].Least) step--;
        return step;
    }
}
