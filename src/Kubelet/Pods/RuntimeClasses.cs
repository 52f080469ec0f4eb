using Hanbae.Api.Core.V1;
using Hanbae.Api.Node.V1;
using Hanbae.Client;

namespace Hanbae.Kubelet.Pods;

/// <summary>Finds the runtime handler that a Pod's RuntimeClass names.</summary>
sealed class RuntimeClasses(IClient client)
{
    /// <exception cref="ContainerConfigException">There is no such class.</exception>
    public async Task<string> HandlerAsync(Pod pod, CancellationToken ct)
    {
        if (pod.Spec.RuntimeClassName is not { Length: > 0 } name) return "";
        return (await client.FindAsync<RuntimeClass>(new("", name), ct).ConfigureAwait(false))?.Handler
            ?? throw new ContainerConfigException($"RuntimeClass not found: \"{name}\"");
    }
}
