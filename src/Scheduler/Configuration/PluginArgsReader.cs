using System.Collections.Immutable;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using static Hanbae.Scheduler.Configuration.ConfigurationReader;

namespace Hanbae.Scheduler.Configuration;

/// <summary>Reads the arguments of single plugins.</summary>
static class PluginArgsReader
{
    static readonly string[] Kind = ["apiVersion", "kind"];

    public static SchedulerProfile Apply(SchedulerProfile profile, string plugin, JsonObject args, string where)
    {
        switch (plugin)
        {
            case "NodeResourcesFit":
                Only(args, where, [.. Kind, "ignoredResources", "ignoredResourceGroups", "scoringStrategy"]);
                return profile with
                {
                    Fit = new()
                    {
                        IgnoredResources = Strings(args["ignoredResources"]), IgnoredResourceGroups = Strings(args["ignoredResourceGroups"]),
                        Strategy = Strategy(args["scoringStrategy"], where),
                    },
                };
            case "NodeResourcesBalancedAllocation":
                Only(args, where, [.. Kind, "resources"]);
                return args["resources"] is JsonArray resources ? profile with { Balanced = Resources(resources, where + ".resources") } : profile;
            case "PodTopologySpread":
                Only(args, where, [.. Kind, "defaultConstraints", "defaultingType"]);
                return profile with { Spread = Spread(args, where) };
            case "InterPodAffinity":
                Only(args, where, [.. Kind, "hardPodAffinityWeight", "ignorePreferredTermsOfExistingPods"]);
                int weight = Int(args, "hardPodAffinityWeight") ?? 1;
                if (weight is < 0 or > 100) throw new FormatException($"{where}.hardPodAffinityWeight: Invalid value: {weight}: not in valid range [0-100]");
                return profile with { Affinity = new() { HardPodAffinityWeight = weight, IgnorePreferredTermsOfExistingPods = Bool(args, "ignorePreferredTermsOfExistingPods") ?? false } };
            case "DefaultPreemption":
                Only(args, where, [.. Kind, "minCandidateNodesPercentage", "minCandidateNodesAbsolute"]);
                return profile with { Preemption = new() { MinCandidateNodesPercentage = Int(args, "minCandidateNodesPercentage") ?? 10, MinCandidateNodesAbsolute = Int(args, "minCandidateNodesAbsolute") ?? 100 } };
            case "VolumeBinding":
                Only(args, where, [.. Kind, "bindTimeoutSeconds", "shape"]);
                int seconds = Int(args, "bindTimeoutSeconds") ?? 600;
                if (seconds < 0) throw new FormatException($"{where}.bindTimeoutSeconds: Invalid value: {seconds}: invalid BindTimeoutSeconds, should not be a negative value");
                return profile with { Volumes = new() { BindTimeout = TimeSpan.FromSeconds(seconds) } };
            case "DynamicResources":
                // The time limit of a filter is a number of steps here, which no setting changes.
                Only(args, where, [.. Kind, "filterTimeout", "bindingTimeout"]);
                var timeout = Text(args, "bindingTimeout") is not { } wait ? TimeSpan.FromMinutes(10)
                    : Api.Duration.TryParse(wait, out var t) && t.Nanoseconds > 0 ? TimeSpan.FromTicks(t.Nanoseconds / 100)
                    : throw new FormatException($"{where}.bindingTimeout: Invalid value: \"{wait}\": must be a positive duration");
                return profile with { Devices = new() { BindingTimeout = timeout } };
            case "NodeAffinity":
                Only(args, where, [.. Kind, "addedAffinity"]);
                return args["addedAffinity"] is JsonObject added ? profile with { AddedAffinity = Message<NodeAffinity>(added) } : profile;
            default: throw new FormatException($"{where}: plugin \"{plugin}\" takes no arguments");
        }
    }

    static ImmutableArray<string> Strings(JsonValue? value) => value is JsonArray list ? [.. list.Items.OfType<JsonString>().Select(s => s.Value)] : [];

    static ImmutableArray<ResourceWeight> Resources(JsonArray list, string where) =>
        [.. list.Items.Select((r, i) =>
        {
            var resource = Object(r, $"{where}[{i}]");
            int weight = Int(resource, "weight") ?? 1;
            if (weight is < 1 or > 100) throw new FormatException($"{where}[{i}].weight: Invalid value: {weight}: resource weight of {Text(resource, "name")} not in valid range [1, 100]");
            return new ResourceWeight(Text(resource, "name") ?? "", weight);
        })];

    static ScoringStrategy Strategy(JsonValue? value, string where)
    {
        if (value is not JsonObject strategy) return new();
        var type = Text(strategy, "type") switch
        {
            null or "" or "LeastAllocated" => ScoringType.LeastAllocated,
            "MostAllocated" => ScoringType.MostAllocated,
            "RequestedToCapacityRatio" => ScoringType.RequestedToCapacityRatio,
            var other => throw new FormatException($"{where}.scoringStrategy.type: Unsupported value: \"{other}\": supported values: \"LeastAllocated\", \"MostAllocated\", \"RequestedToCapacityRatio\""),
        };
        var read = new ScoringStrategy { Type = type };
        if (strategy["resources"] is JsonArray { Count: > 0 } resources) read = read with { Resources = Resources(resources, where + ".scoringStrategy.resources") };
        if ((strategy["requestedToCapacityRatio"] as JsonObject)?["shape"] is JsonArray shape)
            read = read with { Points = [.. shape.Items.Select((p, i) => (Int(Object(p, where), "utilization") ?? 0, Int(Object(p, where), "score") ?? 0))] };
        if (type == ScoringType.RequestedToCapacityRatio && read.Points.IsEmpty) throw new FormatException($"{where}.scoringStrategy.requestedToCapacityRatio.shape: Required value: at least one point must be specified");
        for (int i = 1; i < read.Points.Length; i++)
            if (read.Points[i].Utilization <= read.Points[i - 1].Utilization)
                throw new FormatException($"{where}.scoringStrategy.requestedToCapacityRatio.shape[{i}].utilization: Invalid value: {read.Points[i].Utilization}: utilization values must be sorted in increasing order");
        return read;
    }

    static PodTopologySpreadArgs Spread(JsonObject args, string where)
    {
        var own = args["defaultConstraints"] is JsonArray list ? list.Items.Select(Message<TopologySpreadConstraint>).ToImmutableArray() : [];
        // Upstream's defaulting: constraints of one's own mean List.
        string type = Text(args, "defaultingType") ?? (own.IsEmpty ? "System" : "List");
        if (type is not ("System" or "List")) throw new FormatException($"{where}.defaultingType: Unsupported value: \"{type}\": supported values: \"List\", \"System\"");
        if (type == "System" && !own.IsEmpty) throw new FormatException($"{where}.defaultingType: Invalid value: \"System\": when .defaultConstraints are specified, must be List");
        if (own.Any(c => c.LabelSelector is not null)) throw new FormatException($"{where}.defaultConstraints: Forbidden: constraint must not define a selector, as they deduced for each pod");
        return new() { IsSystem = type == "System", DefaultConstraints = own };
    }
}
