using Hanbae.Api.Core.V1;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Subresources.Kubelet;

/// <summary>Finds out which kubelet and container a connect request is for.</summary>
sealed class PodConnections(ApiServer server)
{
    /// <summary>Where a Pod's kubelet is.</summary>
    public readonly record struct Place(Pod Pod, string Host, int Port);

    public async ValueTask<Pod> PodAsync(RequestContext request, CancellationToken ct) =>
        (Pod)(await server.Resources.Find("", "v1", "pods")!.Stored.GetAsync(request.Info.Namespace, request.Info.Name, ct).ConfigureAwait(false)).Object;

    public async ValueTask<Place> PlaceAsync(Pod pod, CancellationToken ct)
    {
        var node = await server.Resources.Find("", "v1", "nodes")!.Stored.GetAsync("", pod.Spec.NodeName, ct).ConfigureAwait(false);
        var (host, port) = KubeletConnection.AddressOf((Node)node.Object);
        return new(pod, host, port);
    }

    /// <summary>Lets admission refuse the connection.</summary>
    public ValueTask<Api.IKind?> AdmitAsync(RequestContext request, Pod pod, Api.IKind options, CancellationToken ct)
    {
        var pods = server.Resources.Find("", "v1", "pods")!;
        return pods.Stored.AdmitAsync(Verbs.Writes.RequestOf(request, pods), Admission.Operation.Connect, options, pod, ct);
    }

    /// <summary>The container that is meant.</summary>
    /// <exception cref="StatusException">None was named and there are several, or the Pod has none of that name.</exception>
    public static string ContainerOf(Pod pod, string named)
    {
        string name = pod.Metadata.Name;
        // As upstream walks them.
        string[] all = [.. pod.Spec.InitContainers.Select(c => c.Name), .. pod.Spec.Containers.Select(c => c.Name), .. pod.Spec.EphemeralContainers.Select(c => c.Name)];
        if (named.Length > 0) return all.Contains(named) ? named : throw Statuses.BadRequest($"container {named} is not valid for pod {name}");
        if (pod.Spec.Containers.Count == 1) return pod.Spec.Containers[0].Name;
        string choice = pod.Spec.Containers.IsEmpty ? "" : $", choose one of: [{string.Join(' ', all)}]";
        throw Statuses.BadRequest($"a container name must be specified for pod {name}{choice}");
    }
}
