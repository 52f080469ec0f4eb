using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Rest;

namespace Hanbae.Controllers.Tests.Faults;

/// <summary>The state of a cluster as text, but for what differs from one run to the next: times, uids, revisions, addresses, and the parts of names that are drawn.</summary>
static partial class Picture
{
    /// <summary>Of no consequence: told of what happened, or of who is alive.</summary>
    static readonly string[] Left = ["events", "leases", "nodes", "componentstatuses"];
    // The time of the last scaling is told by who scaled, who may have had no answer, or no time left: as upstream.
    static readonly string[] Drawn = ["resourceVersion", "creationTimestamp", "managedFields", "generation", "observedGeneration", "selfLink", "lastScaleTime", "nodeName", "podIP", "podIPs", "hostIP", "hostIPs", "clusterIP", "clusterIPs", "addresses", "endpointsLastChangeTriggerTime", "endpoints.kubernetes.io/last-change-trigger-time"];

    /// <summary>The name, without what the server added to make it one of its own.</summary>
    public static string NameOf(IObject obj) => obj.Metadata.GenerateName.Length > 0 ? obj.Metadata.GenerateName + "*" : obj.Metadata.Name;

    /// <returns>With it the revision up to which all of it is certain: what is stored and not answered yet need not be in a list.</returns>
    public static async Task<(string Text, long Certain)> OfAsync(IApiTransport server, CancellationToken ct)
    {
        List<IObject> all = [];
        long certain = long.MaxValue;
        foreach (var resource in Client.ServerResources.BuiltIn.Preferred)
            if (resource.Verbs.Contains("list") && !Left.Contains(resource.Gvr.Resource))
            {
                var result = await server.SendAsync(new() { Method = "GET", Path = resource.Path("") }, ct);
                if (result.List is not { } list) continue;
                all.AddRange(list.Items);
                certain = Math.Min(certain, long.TryParse(list.Metadata.ResourceVersion, CultureInfo.InvariantCulture, out long at) ? at : 0);
            }
        return (Of(all), certain);
    }

    static string Of(List<IObject> all)
    {
        // Uids and names stand in owner references, labels, messages: everywhere.
        var (uids, names) = (new List<(string Is, string Shown)>(), new List<(string Is, string Shown)>());
        foreach (var obj in all)
        {
            if (obj.Metadata.Uid.Length > 0) uids.Add((obj.Metadata.Uid, $"<uid of {obj.Kind().Kind} {NameOf(obj)}>"));
            if (obj.Metadata.GenerateName.Length > 0) names.Add((obj.Metadata.Name, NameOf(obj)));
        }
        var lines = all.Select(obj => $"{obj.Kind().Kind} {obj.Metadata.Namespace}/{NameOf(obj)} {Body(obj, uids, names)}").ToList();
        lines.Sort(StringComparer.Ordinal);
        return string.Join('\n', lines);
    }

    static string Body(IObject obj, List<(string Is, string Shown)> uids, List<(string Is, string Shown)> names)
    {
        var writer = new JsonWriter();
        string text;
        try
        {
            obj.WriteJson(ref writer);
            text = Encoding.UTF8.GetString(writer.ToArray());
        }
        finally { writer.Dispose(); }
        // Uids before names: some letters of a uid may be somebody's name.
        foreach (var (uid, shown) in uids) text = text.Replace(uid, shown, StringComparison.Ordinal);
        text = Uids().Replace(Times().Replace(text, "\"<time>\""), "<uid>");
        foreach (var (name, shown) in names) text = text.Replace(name, shown, StringComparison.Ordinal);
        var node = JsonNode.Parse(text)!;
        Strip(node);
        return node.ToJsonString();
    }

    static void Strip(JsonNode? node)
    {
        if (node is JsonObject map)
        {
            foreach (string name in Drawn) map.Remove(name);
            foreach (var (name, value) in map.ToArray())
            {
                Strip(value);
                // Nothing else was noted.
                if (name == "annotations" && value is JsonObject { Count: 0 }) map.Remove(name);
            }
        }
        else if (node is JsonArray list)
        {
            foreach (var item in list) Strip(item);
            // What is a set to those who read it: the order is that of who came first.
            var sorted = list.Select(i => i?.ToJsonString() ?? "null").Order(StringComparer.Ordinal).ToList();
            list.Clear();
            foreach (string item in sorted) list.Add(JsonNode.Parse(item));
        }
    }

    [GeneratedRegex("\"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z\"")]
    private static partial Regex Times();

    /// <summary>Of what is gone.</summary>
    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex Uids();

    /// <summary>What one has that the other lacks.</summary>
    public static string Difference(string wanted, string found)
    {
        var a = wanted.Split('\n').ToList();
        var b = found.Split('\n').ToList();
        foreach (string line in a.ToArray()) if (b.Remove(line)) a.Remove(line);
        return string.Join('\n', a.Select(l => "missing: " + l).Concat(b.Select(l => "surplus: " + l)));
    }
}
