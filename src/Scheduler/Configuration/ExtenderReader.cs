using System.Collections.Immutable;
using System.Text;
using Hanbae.Api.Json;
using static Hanbae.Scheduler.Configuration.ConfigurationReader;

namespace Hanbae.Scheduler.Configuration;

/// <summary>Reads <c>extenders</c> of a scheduler's configuration.</summary>
static class ExtenderReader
{
    public static ImmutableArray<ExtenderConfig> Read(JsonValue? value)
    {
        if (value is not JsonArray list) return [];
        ImmutableArray<ExtenderConfig> all = [.. list.Items.Select((e, i) => One(Object(e, $"extenders[{i}]"), $"extenders[{i}]"))];
        int binders = all.Count(e => e.BindVerb.Length > 0);
        if (binders > 1) throw new FormatException($"extenders: Invalid value: \"found {binders} extenders implementing bind\": only one extender can implement bind");
        var managed = new HashSet<string>();
        foreach (var (i, extender) in all.Index())
            foreach (string resource in extender.ManagedResources)
                if (!managed.Add(resource)) throw new FormatException($"extenders[{i}].managedResources: Duplicate value: \"{resource}\"");
        return all;
    }

    static ExtenderConfig One(JsonObject e, string where)
    {
        Only(e, where, ["urlPrefix", "filterVerb", "preemptVerb", "prioritizeVerb", "weight", "bindVerb", "enableHTTPS", "tlsConfig", "httpTimeout", "nodeCacheCapable", "managedResources", "ignorable"]);
        var resources = e["managedResources"] is JsonArray managed ? managed.Items.Select((r, i) => Resource(Object(r, $"{where}.managedResources[{i}]"), $"{where}.managedResources[{i}]")).ToList() : [];
        var read = new ExtenderConfig
        {
            UrlPrefix = Text(e, "urlPrefix") ?? "", FilterVerb = Text(e, "filterVerb") ?? "", PreemptVerb = Text(e, "preemptVerb") ?? "", PrioritizeVerb = Text(e, "prioritizeVerb") ?? "",
            BindVerb = Text(e, "bindVerb") ?? "", Weight = Int(e, "weight") ?? 0, EnableHttps = Bool(e, "enableHTTPS") ?? false, Tls = e["tlsConfig"] is JsonObject tls ? ReadTls(tls, where + ".tlsConfig") : null,
            HttpTimeout = Timeout(e, where), NodeCacheCapable = Bool(e, "nodeCacheCapable") ?? false, Ignorable = Bool(e, "ignorable") ?? false,
            ManagedResources = [.. resources.Select(r => r.Name)], IgnoredResources = [.. resources.Where(r => r.Ignored).Select(r => r.Name)],
        };
        if (!Uri.TryCreate(read.UrlPrefix, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            throw new FormatException($"{where}.urlPrefix: Invalid value: \"{read.UrlPrefix}\": must be an http or https URL");
        if (read.PrioritizeVerb.Length > 0 && read.Weight <= 0) throw new FormatException($"{where}.weight: Invalid value: {read.Weight}: must have a positive weight applied to it");
        return read;
    }

    static TimeSpan Timeout(JsonObject e, string where)
    {
        if (Text(e, "httpTimeout") is not { Length: > 0 } text) return new ExtenderConfig().HttpTimeout;
        if (!Api.Duration.TryParse(text, out var timeout) || timeout.Nanoseconds < 0) throw new FormatException($"{where}.httpTimeout: Invalid value: \"{text}\": must be a duration such as 5s");
        return timeout.Nanoseconds == 0 ? new ExtenderConfig().HttpTimeout : TimeSpan.FromTicks(timeout.Nanoseconds / 100);
    }

    static (string Name, bool Ignored) Resource(JsonObject r, string where)
    {
        Only(r, where, ["name", "ignoredByScheduler"]);
        string name = Text(r, "name") ?? "";
        if (name.IndexOf('/') <= 0 || name.StartsWith("kubernetes.io/", StringComparison.Ordinal))
            throw new FormatException($"{where}.name: Invalid value: \"{name}\": must be an extended resource such as example.com/name");
        return (name, Bool(r, "ignoredByScheduler") ?? false);
    }

    static ExtenderTls ReadTls(JsonObject t, string where)
    {
        Only(t, where, ["insecure", "serverName", "certFile", "keyFile", "caFile", "certData", "keyData", "caData"]);
        string Data(string name)
        {
            try { return Encoding.UTF8.GetString(Convert.FromBase64String(Text(t, name) ?? "")); }
            catch (FormatException) { throw new FormatException($"{where}.{name}: must be base64"); }
        }
        return new()
        {
            Insecure = Bool(t, "insecure") ?? false, ServerName = Text(t, "serverName") ?? "", CertFile = Text(t, "certFile") ?? "", KeyFile = Text(t, "keyFile") ?? "", CaFile = Text(t, "caFile") ?? "",
            CertData = Data("certData"), KeyData = Data("keyData"), CaData = Data("caData"),
        };
    }
}
