using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Lets nobody claim addresses outside of the cluster for a Service (CVE-2020-8554); those that it has it may keep.</summary>
sealed class DenyServiceExternalIPs : IValidates
{
    public bool Handles(Operation operation, GroupResource resource, string subresource) => operation is Operation.Create or Operation.Update && resource is { Group: "", Resource: "services" };

    public ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request.Object is not Service now) return default;
        var old = (request.OldObject as Service)?.Spec.ExternalIPs ?? default;
        return now.Spec.ExternalIPs.Any(ip => !old.Contains(ip)) ? throw Refuse.Because(request, "Use of external IPs is denied by admission control") : default;
    }
}
