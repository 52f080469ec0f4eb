using Hanbae.Api;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Refuses everything: to see what a client makes of it.</summary>
sealed class AlwaysDeny : IMutates
{
    public bool Handles(Operation operation, GroupResource resource, string subresource) => true;
    public ValueTask<IKind?> MutateAsync(AdmissionRequest request, CancellationToken ct) => throw Refuse.Because(request, "admission control is denying all modifications");
}
