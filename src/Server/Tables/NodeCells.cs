using Hanbae.Api;
using Hanbae.Api.Apiserverinternal.V1alpha1;
using Hanbae.Api.Certificates.V1beta1;
using Hanbae.Api.Coordination.V1;
using LeaseCandidate = Hanbae.Api.Coordination.V1beta1.LeaseCandidate;
using Hanbae.Api.Node.V1;
using DeviceTaintRule = Hanbae.Api.Resource.V1beta2.DeviceTaintRule;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;
using ResourceSlice = Hanbae.Api.Resource.V1.ResourceSlice;

namespace Hanbae.Server.Tables;

/// <summary>Rows of what nodes and servers keep for themselves: leases, runtimes, devices, trust.</summary>
static class NodeCells
{
    public static void Write(Lease lease, IRow row)
    {
        row.Text(lease.Metadata.Name);
        row.Text(lease.Spec.HolderIdentity ?? "");
        row.Age(lease.Metadata.CreationTimestamp);
    }

    public static void Write(LeaseCandidate candidate, IRow row)
    {
        row.Text(candidate.Metadata.Name);
        row.Text(candidate.Spec.LeaseName);
        row.Text(candidate.Spec.BinaryVersion);
        row.Text(candidate.Spec.EmulationVersion);
        row.Age(candidate.Metadata.CreationTimestamp);
    }

    public static void Write(RuntimeClass kind, IRow row)
    {
        row.Text(kind.Metadata.Name);
        row.Text(kind.Handler);
        row.Age(kind.Metadata.CreationTimestamp);
    }

    public static void Write(ResourceClaim claim, IRow row)
    {
        var states = new List<string>();
        bool deleted = claim.Metadata.DeletionTimestamp is not null;
        if (deleted) states.Add("deleted");
        if (claim.Status.Allocation is null)
        {
            if (!deleted) states.Add("pending");
        }
        else
        {
            states.Add("allocated");
            if (!claim.Status.ReservedFor.IsEmpty) states.Add("reserved");
        }
        row.Text(claim.Metadata.Name);
        row.Text(string.Join(',', states));
        row.Age(claim.Metadata.CreationTimestamp);
    }

    public static void Write(ResourceSlice slice, IRow row)
    {
        row.Text(slice.Metadata.Name);
        row.Text(slice.Spec.NodeName ?? "");
        row.Text(slice.Spec.Driver);
        row.Text(slice.Spec.Pool.Name);
        row.Age(slice.Metadata.CreationTimestamp);
    }

    public static void Write(DeviceTaintRule rule, IRow row)
    {
        row.Text(rule.Metadata.Name);
        row.Text(rule.Spec.Taint.Key);
        row.Text(rule.Spec.Taint.Value);
        row.Text(rule.Spec.Taint.Effect);
        row.Age(rule.Spec.Taint.TimeAdded);
        row.Age(rule.Metadata.CreationTimestamp);
    }

    public static void Write(ClusterTrustBundle bundle, IRow row)
    {
        row.Text(bundle.Metadata.Name);
        row.Text(CellText.OrNone(bundle.Spec.SignerName));
    }

    public static void Write(PodCertificateRequest request, IRow row)
    {
        bool Is(string condition) => request.Status.Conditions.Find(c => c.Type == condition) is { Status: "True" };
        row.Text(request.Metadata.Name);
        row.Text(request.Spec.PodName);
        row.Text(request.Spec.ServiceAccountName);
        row.Text(request.Spec.NodeName);
        row.Text(request.Spec.SignerName);
        row.Text(Is("Denied") ? "Denied" : Is("Failed") ? "Failed" : Is("Issued") ? "Issued" : "Pending");
        row.Text(CellText.Labels(request.Spec.UnverifiedUserAnnotations));
    }

    public static void Write(StorageVersion version, IRow row)
    {
        row.Text(version.Metadata.Name);
        row.Text(version.Status.CommonEncodingVersion ?? CellText.Unset);
        row.Text(CellText.SomeOrUnset([.. version.Status.StorageVersions.Select(v => v.ApiServerID + "=" + v.EncodingVersion)]));
        row.Age(version.Metadata.CreationTimestamp);
    }
}
