using Hanbae.Api.Core.V1;

namespace Hanbae.Scheduler.Volumes;

/// <summary>What has to happen to a Pod's claims for it to run on a node.</summary>
/// <param name="Bind">Volumes there are, for claims.</param>
/// <param name="Provision">Claims whose volumes are to be made for the node.</param>
internal sealed record VolumePlan(List<(PersistentVolumeClaim Claim, PersistentVolume Volume)> Bind, List<PersistentVolumeClaim> Provision)
{
    public bool IsEmpty => Bind.Count == 0 && Provision.Count == 0;
}
