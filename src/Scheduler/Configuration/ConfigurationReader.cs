using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Machinery.Yaml;
using Hanbae.Scheduler.Plugins;

namespace Hanbae.Scheduler.Configuration;

/// <summary>Reads a scheduler's configuration file, and says of what it does not know where it stands: a misspelt setting must not be a silent one.</summary>
static class ConfigurationReader
{
    const string Version = "kubescheduler.config.k8s.io/v1";

    /// <summary>Of upstream's binary, not of decisions: taken as they come.</summary>
    static readonly string[] Elsewhere =
    [
        "apiVersion", "kind", "leaderElection", "clientConnection", "enableProfiling", "enableContentionProfiling", "parallelism", "delayCacheUntilActive",
        "healthzBindAddress", "metricsBindAddress",
    ];

    static readonly string[] Points = [Profile.Everywhere, "preEnqueue", "queueSort", "preFilter", "filter", "postFilter", "preScore", "score", "reserve", "permit", "preBind", "bind", "postBind"];

    public static SchedulerConfiguration Read(string yaml)
    {
        if (YamlReader.Read(yaml) is not JsonObject root) throw new FormatException("the scheduler's configuration is no object");
        if (Text(root, "kind") != "KubeSchedulerConfiguration" || Text(root, "apiVersion") != Version)
            throw new FormatException($"no kind \"{Text(root, "kind")}\" is registered for version \"{Text(root, "apiVersion")}\"; want KubeSchedulerConfiguration of {Version}");
        Only(root, "", [.. Elsewhere, "profiles", "percentageOfNodesToScore", "podInitialBackoffSeconds", "podMaxBackoffSeconds", "extenders"]);
        var extenders = ExtenderReader.Read(root["extenders"]);
        var profiles = root["profiles"] is JsonArray list ? [.. list.Items.Select((p, i) => ReadProfile(Object(p, $"profiles[{i}]"), $"profiles[{i}]"))] : ImmutableArray<SchedulerProfile>.Empty;
        if (profiles.GroupBy(p => p.Name).FirstOrDefault(g => g.Count() > 1) is { } twice) throw new FormatException($"profiles: Duplicate value: \"{twice.Key}\"");
        int initial = Int(root, "podInitialBackoffSeconds") ?? 1, most = Int(root, "podMaxBackoffSeconds") ?? 10;
        if (initial <= 0) throw new FormatException($"podInitialBackoffSeconds: Invalid value: {initial}: must be greater than 0");
        if (most < initial) throw new FormatException($"podMaxBackoffSeconds: Invalid value: {most}: must be greater than or equal to PodInitialBackoffSeconds");
        return new()
        {
            Profiles = [.. (profiles.IsEmpty ? [new()] : profiles).Select(p => p with { Fit = p.Fit with { IgnoredResources = [.. p.Fit.IgnoredResources, .. extenders.SelectMany(e => e.IgnoredResources)] } })],
            Extenders = extenders,
            PercentageOfNodesToScore = Percentage(root, "") ?? 0,
            PodInitialBackoff = TimeSpan.FromSeconds(initial),
            PodMaxBackoff = TimeSpan.FromSeconds(most),
        };
    }

    static int? Percentage(JsonObject at, string where) =>
        Int(at, "percentageOfNodesToScore") is not { } p ? null : p is >= 0 and <= 100 ? p
            : throw new FormatException($"{where}percentageOfNodesToScore: Invalid value: {p}: not in valid range [0-100]");

    static SchedulerProfile ReadProfile(JsonObject profile, string where)
    {
        Only(profile, where, ["schedulerName", "percentageOfNodesToScore", "plugins", "pluginConfig"]);
        var read = new SchedulerProfile { PercentageOfNodesToScore = Percentage(profile, where + ".") };
        if (Text(profile, "schedulerName") is { Length: > 0 } name) read = read with { Name = name };
        if (profile["plugins"] is JsonObject plugins)
        {
            Only(plugins, where + ".plugins", Points);
            foreach (var (point, value) in plugins)
            {
                var set = Object(value, $"{where}.plugins.{point}");
                Only(set, $"{where}.plugins.{point}", ["enabled", "disabled"]);
                var on = Named(set["enabled"], $"{where}.plugins.{point}.enabled", wildcard: false);
                var off = Named(set["disabled"], $"{where}.plugins.{point}.disabled", wildcard: true);
                if (!on.IsEmpty) read = read with { Enabled = read.Enabled.SetItem(point, on) };
                if (!off.IsEmpty) read = read with { Disabled = read.Disabled.SetItem(point, [.. off.Select(o => o.Name)]) };
            }
        }
        if (profile["pluginConfig"] is JsonArray configs)
            foreach (var (i, config) in configs.Items.Index())
            {
                var entry = Object(config, $"{where}.pluginConfig[{i}]");
                if (entry["args"] is JsonObject args) read = PluginArgsReader.Apply(read, Text(entry, "name") ?? "", args, $"{where}.pluginConfig[{i}].args");
            }
        return read;
    }

    static ImmutableArray<(string Name, int Weight)> Named(JsonValue? list, string where, bool wildcard)
    {
        if (list is not JsonArray plugins) return [];
        return [.. plugins.Items.Select((p, i) =>
        {
            var plugin = Object(p, $"{where}[{i}]");
            string name = Text(plugin, "name") ?? "";
            if (!(wildcard && name == "*") && !Catalog.All.Any(e => e.Name == name) && !wildcard) throw new FormatException($"{where}[{i}].name: Invalid value: \"{name}\": plugin does not exist");
            return (name, Int(plugin, "weight") ?? 0);
        })];
    }

    internal static void Only(JsonObject at, string where, string[] known)
    {
        foreach (var (name, _) in at)
            if (!known.Contains(name)) throw new FormatException($"strict decoding error: unknown field \"{(where.Length == 0 ? "" : where + ".")}{name}\"");
    }

    internal static JsonObject Object(JsonValue value, string where) => value as JsonObject ?? throw new FormatException($"{where}: must be an object");
    internal static string? Text(JsonObject at, string name) => (at[name] as JsonString)?.Value;
    internal static bool? Bool(JsonObject at, string name) => (at[name] as JsonBool)?.Value;

    internal static int? Int(JsonObject at, string name) => at[name] switch
    {
        null or JsonNull => null,
        JsonNumber n when int.TryParse(n.ToString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int i) => i,
        _ => throw new FormatException($"{name}: must be an integer"),
    };

    /// <summary>A part of the API's own vocabulary inside the file.</summary>
    internal static T Message<T>(JsonValue value) where T : class, IMessage<T>
    {
        var reader = new JsonReader(value.ToUtf8());
        return T.ReadJson(ref reader);
    }
}
