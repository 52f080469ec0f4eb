using Hanbae.Server.Subresources.Kubelet;
using Hanbae.Store;

namespace Hanbae.Server.Subresources;

/// <summary>The server's own handlers of what is no plain storage.</summary>
sealed class BuiltInHandlers(ApiServer server, IStore store)
{
    public IEnumerable<RestRoute> Routes()
    {
        foreach (var (group, resource) in ScaleHandler.Resources) yield return new(group, resource, "scale", new ScaleHandler(server, group, resource));
        yield return new("", "componentstatuses", "", new ComponentStatusHandler(server, store));
        var binding = new BindingHandler(server);
        yield return new("", "pods", "binding", binding);
        yield return new("", "bindings", "", binding);
        yield return new("", "pods", "eviction", new EvictionHandler(server));
        var kubelets = new KubeletConnection(server.Options);
        var pods = new PodConnections(server);
        yield return new("", "pods", "log", new LogHandler(pods, kubelets));
        foreach (string sub in (string[])["exec", "attach", "portforward"]) yield return new("", "pods", sub, new StreamHandler(pods, kubelets, sub));
        foreach (string resource in (string[])["pods", "services", "nodes"]) yield return new("", resource, "proxy", new ProxyHandler(server, kubelets, resource));
    }
}
