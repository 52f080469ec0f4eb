using System.Collections.Immutable;
using Hanbae.Kubelet.Stats;
using Hanbae.Server.ResourceMetrics;

namespace Hanbae.Host.Roles;

/// <summary>Brings together what the kubelets of this process have measured, for the API server to tell.</summary>
public sealed class NodeUsage
{
    ImmutableList<Func<ResourceUsage>> _sources = [];

    /// <returns>Ends it.</returns>
    public IDisposable Add(Func<ResourceUsage> source)
    {
        ImmutableInterlocked.Update(ref _sources, s => s.Add(source));
        return new Removal(this, source);
    }

    public MeasuredUsage Measured()
    {
        var all = _sources.ConvertAll(s => s());
        return new([.. all.Select(u => u.Node).OfType<Api.Metrics.V1beta1.NodeMetrics>()], [.. all.SelectMany(u => u.Pods)]);
    }

    sealed class Removal(NodeUsage of, Func<ResourceUsage> source) : IDisposable
    {
        public void Dispose() => ImmutableInterlocked.Update(ref of._sources, s => s.Remove(source));
    }
}
