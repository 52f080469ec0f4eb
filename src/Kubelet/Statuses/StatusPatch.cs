using System.Collections.Immutable;
using Hanbae.Api.Codec;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;

namespace Hanbae.Kubelet.Statuses;

/// <summary>The strategic merge patch that carries only what changed of a Pod's status, so that conditions of others are not overwritten.</summary>
static class StatusPatch
{
    // Lists that the API merges by key: replaced as a whole, or what is gone would stay.
    static readonly string[] s_replaced = ["podIPs", "hostIPs"];

    /// <returns>Null when nothing changed.</returns>
    public static byte[]? Between(string uid, PodStatus old, PodStatus now)
    {
        var (before, after) = (Tree(old), Tree(now));
        var changes = new List<(string, JsonValue)>();
        foreach (var member in after.Members)
        {
            if (before[member.Name] is { } had && had.Equals(member.Value)) continue;
            if (member.Name == "conditions") changes.Add((member.Name, Conditions((JsonArray)member.Value, old)));
            else if (s_replaced.Contains(member.Name))
                changes.Add((member.Name, new JsonArray([JsonObject.Of(("$patch", "replace")), .. ((JsonArray)member.Value).Items])));
            else changes.Add((member.Name, member.Value));
        }
        foreach (var member in before.Members)
            if (!after.Contains(member.Name) && member.Name != "conditions") changes.Add((member.Name, JsonNull.Instance));
        if (changes.Count == 0) return null;
        return JsonObject.Of(("metadata", JsonObject.Of(("uid", uid))), ("status", JsonObject.Of([.. changes]))).ToUtf8();
    }

    /// <summary>Changed conditions whole: a list that merges by type would keep an old reason where the new condition has none, so that is unset by name.</summary>
    static JsonArray Conditions(JsonArray all, PodStatus old)
    {
        var before = old.Conditions.ToDictionary(c => c.Type, c => Tree(c));
        var gone = PodConditions.Passing.Where(type => before.ContainsKey(type) && !all.Items.Any(c => ((JsonString)((JsonObject)c)["type"]!).Value == type));
        return new([.. all.Items.Cast<JsonObject>().Select(now =>
            before.GetValueOrDefault(((JsonString)now["type"]!).Value) is not { } was ? now
            : was.Equals(now) ? null
            : was.Members.Where(m => !now.Contains(m.Name)).Aggregate(now, (c, m) => c.With(m.Name, JsonNull.Instance))).OfType<JsonValue>(),
            .. gone.Select(type => JsonObject.Of(("$patch", "delete"), ("type", type)))]);
    }

    static JsonObject Tree(IMessage message) => (JsonObject)JsonValue.Parse(Json(message));

    internal static byte[] Json(IMessage message)
    {
        var writer = new JsonWriter();
        try
        {
            message.WriteJson(ref writer);
            return writer.ToArray();
        }
        finally { writer.Dispose(); }
    }
}
