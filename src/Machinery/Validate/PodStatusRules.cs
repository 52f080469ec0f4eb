using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>What a kubelet reports of a Pod: what has ended for good stays so, and addresses are addresses.</summary>
static class PodStatusRules
{
    public static void Check(Pod pod, Pod old, Errors errors)
    {
        var (at, now, was) = (FieldPath.Of("status"), pod.Status, old.Status);
        for (int i = 0; i < now.Conditions.Count; i++)
            if (now.Conditions[i].Type is var type and not ("PodScheduled" or "Ready" or "Initialized")) errors.Invalid(FieldPath.Metadata["conditions"][i]["Type"], type, LabelSyntax.KeyErrors(type));
        if (pod.Spec.NodeName != old.Spec.NodeName) errors.Forbidden(at["nodeName"], "may not be changed directly");
        if (now.NominatedNodeName.Length > 0 && now.NominatedNodeName != was.NominatedNodeName) errors.Invalid(at["nominatedNodeName"], now.NominatedNodeName, Names.Subdomain(now.NominatedNodeName));
        errors.Unchanged(at["qosClass"], now.QosClass, was.QosClass);
        Ended(at["containerStatuses"], now.ContainerStatuses, was.ContainerStatuses, c => MayRun(old.Spec, c, init: false), errors);
        Ended(at["initContainerStatuses"], now.InitContainerStatuses, was.InitContainerStatuses, c => MayRun(old.Spec, c, init: true), errors);
        Ended(at["ephemeralContainerStatuses"], now.EphemeralContainerStatuses, was.EphemeralContainerStatuses, _ => false, errors);
        Claims(at["resourceClaimStatuses"], now.ResourceClaimStatuses, pod.Spec.ResourceClaims, errors);
        if (now.PodIPs != was.PodIPs) Addresses(at["podIPs"], now.PodIPs.Select(ip => ip.Ip).ToSeq(), Shown.Messages(now.PodIPs), errors);
        if (now.HostIPs == was.HostIPs || now.HostIPs.IsEmpty) return;
        if (now.HostIP != now.HostIPs[0].Ip) errors.Invalid(at["hostIPs"][0]["ip"], now.HostIPs[0].Ip, "must be equal to `hostIP`");
        Addresses(at["hostIPs"], now.HostIPs.Select(ip => ip.Ip).ToSeq(), Shown.Messages(now.HostIPs), errors);
    }

    static void Ended(FieldPath at, Seq<ContainerStatus> now, Seq<ContainerStatus> was, Func<ContainerStatus, bool> mayRun, Errors errors)
    {
        for (int i = 0; i < was.Count; i++)
            if (was[i].State.Terminated is not null && now.Find(c => c.Name == was[i].Name) is { State.Terminated: null } && !mayRun(was[i]))
                errors.Forbidden(at[i]["state"], "may not be transitioned to non-terminated state");
    }

    /// <summary>The Pod's policy, if the container has none of its own; rules may say more (KEP-5307, KEP-5532).</summary>
    static bool MayRun(PodSpec spec, ContainerStatus ended, bool init)
    {
        var all = spec.Containers.Concat(spec.InitContainers);
        if (all.Any(c => c.RestartPolicyRules.Exists(r => r.Action == "RestartAllContainers"))) return true;
        var container = (init ? spec.InitContainers : spec.Containers).Find(c => c.Name == ended.Name);
        if (container is { RestartPolicyRules.IsEmpty: false }) return true;
        return (container?.RestartPolicy ?? spec.RestartPolicy) switch { "Always" => true, "OnFailure" => ended.State.Terminated!.ExitCode != 0, _ => false };
    }

    static void Claims(FieldPath at, Seq<PodResourceClaimStatus> statuses, Seq<PodResourceClaim> claims, Errors errors)
    {
        var names = new HashSet<string>();
        for (int i = 0; i < statuses.Count; i++)
        {
            var (here, status) = (at[i]["name"], statuses[i]);
            if (!claims.Exists(c => c.Name == status.Name)) errors.Invalid(here, status.Name, "must match the name of an entry in `spec.resourceClaims`");
            if (!names.Add(status.Name)) errors.Duplicate(here, status.Name);
            if (status.ResourceClaimName is { } name) errors.Invalid(here, name, Names.Subdomain(name));
        }
    }

    static void Addresses(FieldPath at, Seq<string> ips, string shown, Errors errors)
    {
        var (families, seen) = (new HashSet<System.Net.Sockets.AddressFamily>(), new HashSet<string>());
        bool one = true;
        for (int i = 0; i < ips.Count; i++)
            if (errors.Address(at[i], ips[i]) is { } address) one &= families.Add(address.AddressFamily);
        if (!one) errors.InvalidAs(at, shown, "may specify no more than one IP for each IP family");
        for (int i = 0; i < ips.Count; i++)
            if (!seen.Add(ips[i])) errors.Add(new(FieldErrorType.Duplicate, at[i].ToString(), $"{{\"ip\":{Shown.Json(ips[i])}}}", ""));
    }
}
