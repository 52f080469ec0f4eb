using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Apiregistration.V1;
using Hanbae.Api.Schema;
using Hanbae.Server.Discovery;

namespace Hanbae.Server.Aggregation;

/// <summary>The APIServices that nobody writes by hand: one for every group and version that this server serves itself.</summary>
static class BuiltInServices
{
    public const string Automanaged = "kube-aggregator.kubernetes.io/automanaged", OnStart = "onstart", Always = "true";

    // Upstream's order of groups, which kubectl shows resources in and finds short names by. Groups that are not named come last.
    static readonly Dictionary<string, int> s_groups = new()
    {
        [""] = 18000, ["apps"] = 17800, ["events.k8s.io"] = 17750, ["authentication.k8s.io"] = 17700, ["authorization.k8s.io"] = 17600, ["autoscaling"] = 17500,
        ["batch"] = 17400, ["certificates.k8s.io"] = 17300, ["networking.k8s.io"] = 17200, ["policy"] = 17100, ["rbac.authorization.k8s.io"] = 17000,
        ["storage.k8s.io"] = 16800, ["apiextensions.k8s.io"] = 16700, ["admissionregistration.k8s.io"] = 16700, ["scheduling.k8s.io"] = 16600,
        ["coordination.k8s.io"] = 16500, ["node.k8s.io"] = 16300, ["discovery.k8s.io"] = 16200, ["flowcontrol.apiserver.k8s.io"] = 16100,
        ["internal.apiserver.k8s.io"] = 16000, ["resource.k8s.io"] = 15900, ["storagemigration.k8s.io"] = 15800,
    };

    /// <summary>The priority of versions that CustomResourceDefinitions have.</summary>
    public const int Definitions = 100;

    /// <summary>What is served here and not built in is made of CustomResourceDefinitions, but for figures of what runs.</summary>
    public static int GroupPriority(string group) => group == ResourceMetrics.ResourceMetricsApi.Group ? 100 : s_groups.TryGetValue(group, out int known) ? known
        : ApiData.Groups.Any(g => g.Name == group) ? 15000 : 1000;

    /// <summary>Made at every start and left alone after that. The registry of APIServices is no APIService itself, as upstream.</summary>
    /// <param name="more">Groups that upstream leaves to other servers: last in order, as those have themselves.</param>
    public static IEnumerable<APIService> AtStart(IEnumerable<ServedGroup> more) =>
        (from g in ApiData.Groups
         where g.Name != "apiregistration.k8s.io"
         from version in g.Default
         select Make(g.Name, version, s_groups.GetValueOrDefault(g.Name, 15000), VersionPriority(g.Name, version), OnStart))
        .Concat(from g in more from v in g.Versions select Make(g.Name, v.Version, 100, 100, OnStart));

    static int VersionPriority(string group, string version) => (group, version) switch
    {
        ("", _) => 1,
        ("autoscaling", "v2") => 30,
        ("flowcontrol.apiserver.k8s.io", "v1") => 21,
        _ when version.Contains("alpha", StringComparison.Ordinal) => 9,
        _ when version.Contains("beta", StringComparison.Ordinal) => 12,
        _ => 15,
    };

    /// <summary>Those of CustomResourceDefinitions come and go with them.</summary>
    public static IEnumerable<APIService> Of(IEnumerable<CustomResourceDefinition> definitions) =>
        (from d in definitions
         where d.Metadata.DeletionTimestamp is null
         from version in d.Spec.Versions
         where version.Served
         select (d.Spec.Group, version.Name)).Distinct().Select(v => Make(v.Group, v.Name, 1000, Definitions, Always));

    static APIService Make(string group, string version, int groupPriority, int versionPriority, string managed) => new()
    {
        Metadata = new() { Name = version + "." + group, Labels = Map.Of((Automanaged, managed)) },
        Spec = new() { Group = group, Version = version, GroupPriorityMinimum = groupPriority, VersionPriority = versionPriority },
    };
}
