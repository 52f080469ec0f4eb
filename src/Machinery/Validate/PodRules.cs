using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>What a Pod has to be, as itself or as a template; how it may change is in <see cref="PodUpdateRules"/>.</summary>
static class PodRules
{
    public static void Create(Pod pod, Errors errors)
    {
        var at = FieldPath.Spec;
        Whole(pod, errors);
        if (!pod.Spec.EphemeralContainers.IsEmpty) errors.Forbidden(at["ephemeralContainers"], "cannot be set on create");
        if (pod.Spec.NodeName.Length > 0 && !pod.Spec.SchedulingGates.IsEmpty) errors.Forbidden(at["nodeName"], "cannot be set until all schedulingGates have been cleared");
        PodAnnotationRules.Agree(at, pod.Metadata.Annotations, pod.Spec, errors);
    }

    /// <summary>What a Pod is, new or changed.</summary>
    public static void Whole(Pod pod, Errors errors)
    {
        var (at, spec) = (FieldPath.Spec, pod.Spec);
        PodAnnotationRules.Check(FieldPath.Metadata["annotations"], pod.Metadata.Annotations, spec, errors);
        Spec(at, spec, pod.Metadata.Name, errors);
        if (spec.ServiceAccountName.Length > 0) return;
        for (int i = 0; i < spec.Volumes.Count; i++)
            for (int j = 0; j < (spec.Volumes[i].Projected?.Sources.Count ?? 0); j++)
                if (spec.Volumes[i].Projected!.Sources[j].ServiceAccountToken is not null)
                    errors.Forbidden(at["volumes"][i]["projected"]["sources"][j]["serviceAccountToken"], "must not be specified when serviceAccountName is not set");
    }

    public static void Template(FieldPath at, PodTemplateSpec template, Errors errors)
    {
        LabelRules.Labels(at["labels"], template.Metadata.Labels, errors);
        MetaRules.Annotations(at["annotations"], template.Metadata.Annotations, errors);
        PodAnnotationRules.Check(at["annotations"], template.Metadata.Annotations, template.Spec, errors);
        Spec(at["spec"], template.Spec, null, errors);
        PodAnnotationRules.Agree(at["spec"], template.Metadata.Annotations, template.Spec, errors);
        if (!template.Spec.EphemeralContainers.IsEmpty) errors.Forbidden(at["spec"]["ephemeralContainers"], "ephemeral containers not allowed in pod template");
    }

    /// <param name="name">The Pod's; null for templates.</param>
    static void Spec(FieldPath at, PodSpec spec, string? name, Errors errors)
    {
        VolumeRules.Volumes(at["volumes"], spec.Volumes, name, errors);
        if (spec.ResourceClaims is { IsEmpty: false } claims) PodLevelRules.Claims(at["resourceClaims"], claims, errors);
        ContainerRules.All(at, spec, name is not null, errors);
        ContainerRules.Ephemeral(at["ephemeralContainers"], spec, errors);
        if (spec.Resources is { } resources) PodLevelRules.Check(at["resources"], resources, spec, errors);
        errors.RequiredOneOf(at["restartPolicy"], spec.RestartPolicy, "Always", "OnFailure", "Never");
        errors.RequiredOneOf(at["dnsPolicy"], spec.DnsPolicy, "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None");
        LabelRules.Labels(at["nodeSelector"], spec.NodeSelector, errors);
        SecurityRules.Pod(at["securityContext"], spec, errors);
        WindowsRules.HostProcess(at, spec, errors);
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
        if (spec.HostnameOverride is { } own) HostnameOverride(at, spec, own, errors);
        if (spec.Hostname.Length > 0) errors.Invalid(at["hostname"], spec.Hostname, Names.Label(spec.Hostname));
        if (spec.Subdomain.Length > 0) errors.Invalid(at["subdomain"], spec.Subdomain, Names.Label(spec.Subdomain));
        SchedulingRules.Tolerations(at["tolerations"], spec.Tolerations, errors);
        for (int i = 0; i < spec.HostAliases.Count; i++)
        {
            var (here, alias) = (at["hostAliases"][i], spec.HostAliases[i]);
            errors.Address(here["ip"], alias.Ip);
            for (int j = 0; j < alias.Hostnames.Count; j++) errors.Invalid(here["hostnames"][j], alias.Hostnames[j], Names.Subdomain(alias.Hostnames[j]));
        }
        if (spec.PriorityClassName.Length > 0) errors.Invalid(at["priorityClassName"], spec.PriorityClassName, Names.Subdomain(spec.PriorityClassName));
        if (spec.RuntimeClassName is { } runtime) errors.Invalid(at["runtimeClassName"], runtime, Names.Subdomain(runtime));
        if (spec.PreemptionPolicy is { } preemption) errors.RequiredOneOf(at["preemptionPolicy"], preemption, "PreemptLowerPriority", "Never");
        // What a sandbox costs is counted as containers' amounts are.
        ResourceRules.Amounts(at["overhead"], new() { Limits = spec.Overhead }, ResourceRules.Container, errors);
        if (spec.Os is { Name.Length: 0 }) errors.Required(at["os"]["name"], "cannot be empty");
        else if (spec.Os is { } os)
        {
            errors.OneOf(at["os"], os.Name, "linux", "windows");
            WindowsRules.Check(at, spec, os.Name, errors);
        }
        if (spec.HostUsers == false) PodLevelRules.UserNamespace(at, spec, errors);
    }

    const int LongestHostname = 64;

    /// <summary>A name that a Pod has among its own, whatever it is called elsewhere (KEP-4762).</summary>
    static void HostnameOverride(FieldPath at, PodSpec spec, string name, Errors errors)
    {
        errors.Invalid(at["hostnameOverride"], name, Names.Subdomain(name));
        if (name.Length > LongestHostname) errors.TooLong(at["hostnameOverride"], LongestHostname);
        if (spec.HostNetwork) errors.Forbidden(at["hostnameOverride"], "may not be set when `hostNetwork` is true");
        if (spec.SetHostnameAsFQDN == true) errors.Forbidden(at["setHostnameAsFQDN"], "may not be true when `hostnameOverride` is set");
    }

    /// <summary>What a resize may change, checked as on create.</summary>
    public static void Amounts(FieldPath at, PodSpec spec, Errors errors)
    {
        for (int i = 0; i < spec.Containers.Count; i++) ResourceRules.Requirements(at["containers"][i]["resources"], spec.Containers[i].Resources, spec.ResourceClaims, errors);
        for (int i = 0; i < spec.InitContainers.Count; i++) ResourceRules.Requirements(at["initContainers"][i]["resources"], spec.InitContainers[i].Resources, spec.ResourceClaims, errors);
        if (spec.Resources is { } own) PodLevelRules.Check(at["resources"], own, spec, errors);
    }

    static void Dns(FieldPath at, PodSpec spec, Errors errors)
    {
        const int nameservers = 3, searches = 32, characters = 2048;
        if (spec.DnsPolicy == "None")
        {
            if (spec.DnsConfig is null) { errors.Required(at, "must provide `dnsConfig` when `dnsPolicy` is None"); return; }
            if (spec.DnsConfig.Nameservers.IsEmpty) { errors.Required(at["nameservers"], "must provide at least one DNS nameserver when `dnsPolicy` is None"); return; }
        }
        if (spec.DnsConfig is not { } dns) return;
        if (dns.Nameservers.Count > nameservers) errors.InvalidAs(at["nameservers"], Shown.List(dns.Nameservers), $"must not have more than {nameservers} nameservers");
        for (int i = 0; i < dns.Nameservers.Count; i++) errors.Address(at["nameservers"][i], dns.Nameservers[i]);
        if (dns.Searches.Count > searches) errors.InvalidAs(at["searches"], Shown.List(dns.Searches), $"must not have more than {searches} search paths");
        if (dns.Searches.Sum(s => s.Length + 1) - 1 > characters)
            errors.InvalidAs(at["searches"], Shown.List(dns.Searches), $"must not have more than {characters} characters (including spaces) in the search list");
        for (int i = 0; i < dns.Searches.Count; i++)
            if (dns.Searches[i] is var search and not ".") errors.Invalid(at["searches"][i], search.EndsWith('.') ? search[..^1] : search, Names.SubdomainWithUnderscore(search.EndsWith('.') ? search[..^1] : search));
        for (int i = 0; i < dns.Options.Count; i++)
            if (dns.Options[i].Name.Length == 0) errors.Required(at["options"][i], "must not be empty");
    }
}
