using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;
using Hanbae.Store.History;

namespace Hanbae.Server.History;

/// <summary>The subresource <c>history</c> of everything that is stored: who made which version when. Beyond upstream; authorized as its own subresource.</summary>
static class HistoryEndpoint
{
    public const string Subresource = "history";
    const int Looks = 3;

    /// <summary>What there is, in the version asked for; deleted objects have a history too.</summary>
    /// <exception cref="StatusException">404 when nothing was kept.</exception>
    public static async ValueTask<Reply> GetAsync(IHistory history, Resource resource, RequestInfo info, CancellationToken ct)
    {
        if (info.Verb != "get") throw Statuses.MethodNotAllowed();
        var stored = resource.Stored;
        string key = stored.KeyOf(info.Namespace, info.Name);
        for (int attempt = 1; ; attempt++)
        {
            var deeds = await history.OfAsync(new(stored.Prefix + key), ct).ConfigureAwait(false);
            if (deeds.Count == 0) throw Statuses.NotFound(stored.Resource, info.Name);
            var live = await stored.Cache.FindAsync(key, ct).ConfigureAwait(false);
            // A write since, whose deed is about to be noted: then what the last one made is told by that.
            if (live is null || live.Revision <= deeds[^1].Revision.Value || attempt == Looks) return Reply.Bytes("application/json", Render(deeds, live, resource, key));
        }
    }

    /// <summary>What the deed made: what the next one replaced, or what is there now; null when it was deleted, or a deed in between was lost with its process.</summary>
    static Item? Made(IReadOnlyList<Deed> deeds, int i, Item? live, Resource resource, string key)
    {
        long revision = deeds[i].Revision.Value;
        if (live?.Revision == revision) return live;
        return i + 1 < deeds.Count && deeds[i + 1] is { Before: { } before } next && next.Replaced.Value == revision
            ? Item.FromStored(resource.Stored.Kind, key, revision, before.Stored()) : null;
    }

    static byte[] Render(IReadOnlyList<Deed> deeds, Item? live, Resource resource, string key)
    {
        var writer = new JsonWriter();
        try
        {
            writer.Raw("{\"kind\":\"ObjectHistory\",\"apiVersion\":\"hanbae.dev/v1\",\"items\":["u8);
            for (int i = 0; i < deeds.Count; i++)
            {
                var deed = deeds[i];
                writer.Raw(i == 0 ? "{\"revision\":"u8 : ",{\"revision\":"u8);
                writer.String(deed.Revision.ToString());
                writer.Raw(",\"time\":"u8);
                writer.Time(deed.Time);
                Text(ref writer, ",\"user\":"u8, deed.User);
                Text(ref writer, ",\"verb\":"u8, deed.Verb);
                Text(ref writer, ",\"manager\":"u8, deed.Manager);
                Text(ref writer, ",\"subresource\":"u8, deed.Subresource);
                if (Made(deeds, i, live, resource, key) is { } made)
                {
                    writer.Raw(",\"object\":"u8);
                    writer.Raw(resource.View(made).Json.ToArray());
                }
                writer.Raw("}"u8);
            }
            writer.Raw("]}\n"u8);
            return writer.ToArray();
        }
        finally { writer.Dispose(); }
    }

    static void Text(ref JsonWriter writer, ReadOnlySpan<byte> name, string value)
    {
        if (value.Length == 0) return;
        writer.Raw(name);
        writer.String(value);
    }
}
