using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>What a Pod has to be, as itself or as a template; how it may change is in <see cref="PodUpdateRules"/>.</summary>
static class PodRules
{
    public static void Create(Pod pod, Errors errors)
    {
        Spec(FieldPath.Spec, pod.Spec, errors);
        if (!pod.Spec.EphemeralContainers.IsEmpty) errors.Forbidden(FieldPath.Spec["ephemeralContainers"], "cannot be set on create");
    }

    public static void Template(FieldPath at, PodTemplateSpec template, Errors errors)
    {
        LabelRules.Labels(at["labels"], template.Metadata.Labels, errors);
        MetaRules.Annotations(at["annotations"], template.Metadata.Annotations, errors);
        Spec(at["spec"], template.Spec, errors);
        if (!template.Spec.EphemeralContainers.IsEmpty) errors.Forbidden(at["spec"]["ephemeralContainers"], "ephemeral containers not allowed in pod template");
    }

    static void Spec(FieldPath at, PodSpec spec, Errors errors)
    {
        VolumeRules.Volumes(at["volumes"], spec.Volumes, errors);
        ContainerRules.All(at, spec, errors);
        errors.RequiredOneOf(at["restartPolicy"], spec.RestartPolicy, "Always", "OnFailure", "Never");
        errors.RequiredOneOf(at["dnsPolicy"], spec.DnsPolicy, "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None");
        LabelRules.Labels(at["nodeSelector"], spec.NodeSelector, errors);
        SecurityRules.Pod(at["securityContext"], spec, errors);
        for (int i = 0; i < spec.ImagePullSecrets.Count; i++)
            if (spec.ImagePullSecrets[i].Name.Length == 0) errors.Required(at["imagePullSecrets"][i]["name"]);
        SchedulingRules.Affinity(at["affinity"], spec.Affinity, errors);
        Dns(at["dnsConfig"], spec, errors);
        for (int i = 0; i < spec.ReadinessGates.Count; i++)
            errors.Invalid(at["readinessGates"][i]["conditionType"], spec.ReadinessGates[i].ConditionType, LabelSyntax.KeyErrors(spec.ReadinessGates[i].ConditionType));
        var gates = new HashSet<string>();
        for (int i = 0; i < spec.SchedulingGates.Count; i++)
        {
            string gate = spec.SchedulingGates[i].Name;
            errors.Invalid(at["schedulingGates"][i], gate, LabelSyntax.KeyErrors(gate));
            if (!gates.Add(gate)) errors.Duplicate(at["schedulingGates"][i], gate);
        }
        SchedulingRules.Spread(at["topologySpreadConstraints"], spec.TopologySpreadConstraints, errors);
        if (spec.ServiceAccountName.Length > 0) errors.Invalid(at["serviceAccountName"], spec.ServiceAccountName, Names.Subdomain(spec.ServiceAccountName));
        if (spec.NodeName.Length > 0) errors.Invalid(at["nodeName"], spec.NodeName, Names.Subdomain(spec.NodeName));
        if (spec.ActiveDeadlineSeconds is { } deadline) errors.Between(at["activeDeadlineSeconds"], deadline, 1, int.MaxValue);
        if (spec.Hostname.Length > 0) errors.Invalid(at["hostname"], spec.Hostname, Names.Label(spec.Hostname));
        if (spec.Subdomain.Length > 0) errors.Invalid(at["subdomain"], spec.Subdomain, Names.Label(spec.Subdomain));
        SchedulingRules.Tolerations(at["tolerations"], spec.Tolerations, errors);
        for (int i = 0; i < spec.HostAliases.Count; i++)
        {
            var (here, alias) = (at["hostAliases"][i], spec.HostAliases[i]);
            if (!IpSyntax.IsAddress(alias.Ip)) errors.Invalid(here["ip"], alias.Ip, IpSyntax.AddressRule);
            foreach (string host in alias.Hostnames) errors.Invalid(here["hostnames"], host, Names.Subdomain(host));
        }
        if (spec.PriorityClassName.Length > 0) errors.Invalid(at["priorityClassName"], spec.PriorityClassName, Names.Subdomain(spec.PriorityClassName));
        if (spec.RuntimeClassName is { } runtime) errors.Invalid(at["runtimeClassName"], runtime, Names.Subdomain(runtime));
        if (spec.PreemptionPolicy is { } preemption) errors.RequiredOneOf(at["preemptionPolicy"], preemption, "PreemptLowerPriority", "Never");
        if (spec.Os is { } os) errors.RequiredOneOf(at["os"]["name"], os.Name, "linux", "windows");
        foreach (var (name, quantity) in spec.Overhead) ResourceRules.Quantity(at["overhead"].Key(name), name, quantity, errors);
        if (spec.Resources is { } resources) PodLevelRules.Check(at["resources"], resources, spec, errors);
        if (spec.ResourceClaims is { IsEmpty: false } claims) PodLevelRules.Claims(at["resourceClaims"], claims, errors);
        if (spec.HostUsers == false) PodLevelRules.UserNamespace(at, spec, errors);
    }

    /// <summary>What a resize may change, checked as on create.</summary>
    public static void Amounts(FieldPath at, PodSpec spec, Errors errors)
    {
        for (int i = 0; i < spec.Containers.Count; i++) ResourceRules.Requirements(at["containers"][i]["resources"], spec.Containers[i].Resources, errors);
        for (int i = 0; i < spec.InitContainers.Count; i++) ResourceRules.Requirements(at["initContainers"][i]["resources"], spec.InitContainers[i].Resources, errors);
        if (spec.Resources is { } own) PodLevelRules.Check(at["resources"], own, spec, errors);
    }

    static void Dns(FieldPath at, PodSpec spec, Errors errors)
    {
        const int nameservers = 3, searches = 32;
        if (spec.DnsPolicy == "None" && (spec.DnsConfig is null || spec.DnsConfig.Nameservers.IsEmpty))
            errors.Required(spec.DnsConfig is null ? at : at["nameservers"], "must provide at least one DNS nameserver when `dnsPolicy` is None");
        if (spec.DnsConfig is not { } dns) return;
        if (dns.Nameservers.Count > nameservers) errors.InvalidAs(at["nameservers"], Shown.List(dns.Nameservers), $"must not have more than {nameservers} nameservers");
        for (int i = 0; i < dns.Nameservers.Count; i++)
            if (!IpSyntax.IsAddress(dns.Nameservers[i])) errors.Invalid(at["nameservers"][i], dns.Nameservers[i], IpSyntax.AddressRule);
        if (dns.Searches.Count > searches) errors.InvalidAs(at["searches"], Shown.List(dns.Searches), $"must not have more than {searches} search paths");
        for (int i = 0; i < dns.Options.Count; i++)
            if (dns.Options[i].Name.Length == 0) errors.Required(at["options"][i], "must not be empty");
    }
}
