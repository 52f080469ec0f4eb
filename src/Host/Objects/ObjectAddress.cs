using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Objects;

/// <summary>Where one object is on a server: what <c>deployment/web</c> comes to.</summary>
/// <param name="Path">Of the object.</param>
/// <param name="Collection">The path it is created at.</param>
/// <param name="Shown">As kubectl prints it: <c>deployment.apps/web</c>.</param>
public sealed record ObjectAddress(string Path, string Collection, string Shown)
{
    const string Aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

    /// <param name="what">KIND/NAME: the kind, its plural or a short name, with <c>.group</c> where that is needed.</param>
    /// <param name="ns">For kinds that have one.</param>
    /// <exception cref="SettingsException">No such kind, or not of that form.</exception>
    public static async Task<ObjectAddress> FindAsync(IApiTransport transport, string what, string ns, CancellationToken ct)
    {
        int slash = what.IndexOf('/');
        if (slash <= 0 || slash == what.Length - 1) throw new SettingsException($"\"{what}\" names no object; write KIND/NAME, such as deployment/web");
        string kind = what[..slash].ToLowerInvariant(), name = what[(slash + 1)..];
        foreach (string root in (string[])["/api", "/apis"])
            if (Find(await transport.JsonAsync(root, ct, Aggregated), kind, ns, name) is { } found) return found;
        throw new SettingsException($"the server has no kind \"{what[..slash]}\"; `kubectl api-resources` lists those it has");
    }

    /// <param name="discovery">An APIGroupDiscoveryList.</param>
    internal static ObjectAddress? Find(JsonObject discovery, string kind, string ns, string name)
    {
        int dot = kind.IndexOf('.');
        (string word, string group) = dot < 0 ? (kind, "") : (kind[..dot], kind[(dot + 1)..]);
        foreach (var served in discovery.Each("items"))
        {
            string of = served.In("metadata").Text("name");
            if (group.Length > 0 && of != group) continue;
            foreach (var version in served.Each("versions"))
                foreach (var resource in version.Each("resources"))
                {
                    if (!Names(resource).Contains(word)) continue;
                    string plural = resource.Text("resource"), singular = resource.Text("singularResource");
                    string path = (of.Length == 0 ? "/api/" : $"/apis/{of}/") + version.Text("version");
                    if (resource.Text("scope") == "Namespaced") path += "/namespaces/" + Uri.EscapeDataString(ns);
                    path += "/" + plural;
                    return new($"{path}/{Uri.EscapeDataString(name)}", path, (singular.Length > 0 ? singular : plural) + (of.Length > 0 ? "." + of : "") + "/" + name);
                }
        }
        return null;
    }

    static IEnumerable<string> Names(JsonObject resource) =>
    [
        resource.Text("resource"), resource.Text("singularResource"), resource.In("responseKind").Text("kind").ToLowerInvariant(),
        .. (resource["shortNames"] as JsonArray ?? JsonArray.Empty).OfType<JsonString>().Select(s => s.Value),
    ];
}

/// <summary>Short ways through JSON whose shape is known: what is missing is empty.</summary>
static class JsonSteps
{
    public static JsonObject In(this JsonObject obj, string name) => obj[name] as JsonObject ?? JsonObject.Empty;
    public static string Text(this JsonObject obj, string name) => (obj[name] as JsonString)?.Value ?? "";
    public static IEnumerable<JsonObject> Each(this JsonObject obj, string name) => (obj[name] as JsonArray ?? JsonArray.Empty).OfType<JsonObject>();

    /// <summary>A GET whose answer is taken as it is, whatever kind it claims to be.</summary>
    /// <exception cref="ApiException"/>
    public static async Task<JsonObject> JsonAsync(this IApiTransport transport, string path, CancellationToken ct, string accept = "application/json")
    {
        await using var body = await transport.StreamAsync(new() { Method = "GET", Path = path, Accept = accept }, ct);
        using var bytes = new MemoryStream();
        await body.CopyToAsync(bytes, ct);
        return JsonValue.Parse(bytes.GetBuffer().AsSpan(0, (int)bytes.Length)) as JsonObject ?? JsonObject.Empty;
    }
}
