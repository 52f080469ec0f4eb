using Hanbae.Api.Core.V1;
using Hanbae.Client;

namespace Hanbae.Scheduler.Plugins;

/// <summary>Binds a Pod by the API's own subresource for it.</summary>
internal sealed class DefaultBinder : IBind
{
    public string Name => "DefaultBinder";

    public async Task BindAsync(PodInfo pod, string node, IClusterAccess cluster, CancellationToken ct)
    {
        var binding = new Binding
        {
            Metadata = new() { Namespace = pod.Key.Namespace, Name = pod.Key.Name, Uid = pod.Uid },
            Target = new() { Kind = "Node", Name = node },
        };
        await cluster.Client.CreateAsync<Pod>(pod.Key, "binding", binding, ct);
    }
}
