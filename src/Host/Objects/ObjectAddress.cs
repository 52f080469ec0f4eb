using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Objects;

/// <summary>Where one object is on a server: what <c>deployment/web</c> comes to.</summary>
/// <param name="Path">Of the object.</param>
/// <param name="Collection">The path it is created at.</param>
/// <param name="Shown">As kubectl prints it: <c>deployment.apps/web</c>.</param>
public sealed record ObjectAddress(string Path, string Collection, string Shown)
{
    /// <param name="what">KIND/NAME: the kind, its plural or a short name, with <c>.group</c> where that is needed.</param>
    /// <param name="ns">For kinds that have one.</param>
    /// <exception cref="SettingsException">No such kind, or not of that form.</exception>
    public static async Task<ObjectAddress> FindAsync(IApiTransport transport, string what, string ns, CancellationToken ct)
    {
        int slash = what.IndexOf('/');
        if (slash <= 0 || slash == what.Length - 1) throw new SettingsException($"\"{what}\" names no object; write KIND/NAME, such as deployment/web");
        return Find(await ServerResources.DiscoverAsync(transport, ct), what[..slash].ToLowerInvariant(), ns, what[(slash + 1)..])
            ?? throw new SettingsException($"the server has no kind \"{what[..slash]}\"; `kubectl api-resources` lists those it has");
    }

    internal static ObjectAddress? Find(ServerResources served, string kind, string ns, string name)
    {
        if (served.Find(kind) is not { } resource) return null;
        string collection = resource.Path(Uri.EscapeDataString(ns)), group = resource.Gvr.Group;
        string shown = resource.Singular.Length > 0 ? resource.Singular : resource.Gvr.Resource;
        return new($"{collection}/{Uri.EscapeDataString(name)}", collection, shown + (group.Length > 0 ? "." + group : "") + "/" + name);
    }
}

/// <summary>Short ways through JSON whose shape is known: what is missing is empty.</summary>
static class JsonSteps
{
    public static JsonObject In(this JsonObject obj, string name) => obj[name] as JsonObject ?? JsonObject.Empty;
    public static IEnumerable<JsonObject> Each(this JsonObject obj, string name) => (obj[name] as JsonArray ?? JsonArray.Empty).OfType<JsonObject>();

    /// <summary>A GET whose answer is taken as it is, whatever kind it claims to be.</summary>
    /// <exception cref="ApiException"/>
    public static async Task<JsonObject> JsonAsync(this IApiTransport transport, string path, CancellationToken ct)
    {
        await using var body = await transport.StreamAsync(new() { Method = "GET", Path = path, Accept = "application/json" }, ct);
        using var bytes = new MemoryStream();
        await body.CopyToAsync(bytes, ct);
        return JsonValue.Parse(bytes.GetBuffer().AsSpan(0, (int)bytes.Length)) as JsonObject ?? JsonObject.Empty;
    }
}
