using System.Globalization;
using System.Text;
using Hanbae.Api.Json;

namespace Hanbae.Host.Objects;

/// <summary>One version of an object, and who made it.</summary>
/// <param name="Object">Null when this is its deletion, or when what it was is not kept any more.</param>
public sealed record ObjectVersion(string Revision, DateTimeOffset Time, string User, string Verb, string Manager, string Subresource, JsonObject? Object);

/// <summary>What <c>hanbae history</c> shows of an object.</summary>
public static class ObjectHistory
{
    /// <param name="answer">Of the object's <c>history</c> subresource.</param>
    public static IReadOnlyList<ObjectVersion> Read(JsonObject answer) =>
    [
        .. answer.Each("items").Select(i => new ObjectVersion(i.Text("revision"), DateTimeOffset.Parse(i.Text("time"), CultureInfo.InvariantCulture),
            i.Text("user"), i.Text("verb"), i.Text("manager"), i.Text("subresource"), i["object"] as JsonObject)),
    ];

    /// <summary>One line a version, the oldest first.</summary>
    public static string Table(IReadOnlyList<ObjectVersion> versions)
    {
        string[][] rows =
        [
            ["REVISION", "TIME", "USER", "VERB", "MANAGER", "CHANGED"],
            .. versions.Select((v, i) => (string[])
            [
                v.Revision, v.Time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture), v.User,
                v.Subresource.Length > 0 ? v.Verb + " " + v.Subresource : v.Verb, v.Manager, Changed(i == 0 ? null : versions[i - 1].Object, v.Object),
            ]),
        ];
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(c => rows.Max(r => r[c].Length))];
        var text = new StringBuilder();
        foreach (string[] row in rows) text.Append(string.Join("   ", row.Select((cell, c) => cell.PadRight(widths[c]))).TrimEnd()).Append('\n');
        return text.ToString();
    }

    /// <summary>The fields that differ, the first few of them.</summary>
    static string Changed(JsonObject? before, JsonObject? after)
    {
        const int shown = 4;
        if (before is null || after is null) return "";
        List<string> paths = [.. ChangedFields.Between(Meaningful(before), Meaningful(after))];
        return string.Join(", ", paths.Take(shown)) + (paths.Count > shown ? $" and {paths.Count - shown} more" : "");
    }

    /// <summary>What a version changed, as <c>diff -u</c> shows it.</summary>
    public static string Diff(ObjectVersion? before, ObjectVersion after)
    {
        string who = $"{after.Verb} by {after.User}" + (after.Manager.Length > 0 ? $" with {after.Manager}" : "");
        return $"--- revision {before?.Revision ?? "none"}\n+++ revision {after.Revision}   {after.Time.ToUniversalTime():yyyy-MM-dd HH:mm:ss}   {who}\n" + LineDiff.Unified(Yaml(before?.Object), Yaml(after.Object));
    }

    static string[] Yaml(JsonObject? obj) => obj is null ? [] : Machinery.Yaml.YamlWriter.Write(Meaningful(obj)).TrimEnd('\n').Split('\n');

    /// <summary>Without what every write changes.</summary>
    static JsonObject Meaningful(JsonObject obj) => obj["metadata"] is JsonObject metadata ? obj.With("metadata", metadata.Without("managedFields").Without("resourceVersion")) : obj;

    /// <summary>The newest version that wants something else than the last one does: what an undo goes back to.</summary>
    public static ObjectVersion? Before(IReadOnlyList<ObjectVersion> versions)
    {
        if (versions.Count == 0) return null;
        // Controllers keep notes in annotations: these count only where nothing else differs.
        return Before(versions, annotations: false) ?? Before(versions, annotations: true);
    }

    static ObjectVersion? Before(IReadOnlyList<ObjectVersion> versions, bool annotations)
    {
        var wanted = Wish(versions[^1].Object, annotations);
        for (int i = versions.Count - 2; i >= 0; i--)
            if (versions[i].Object is { } obj && !Equals(Wish(obj, annotations), wanted)) return versions[i];
        return null;
    }

    /// <summary>What users decide: all but status and what the server keeps.</summary>
    static JsonObject? Wish(JsonObject? obj, bool annotations)
    {
        if (obj is null) return null;
        var metadata = obj["metadata"] as JsonObject ?? JsonObject.Empty;
        return obj.Without("status").With("metadata", JsonObject.Of(("labels", metadata["labels"] ?? JsonNull.Instance), ("annotations", annotations ? metadata["annotations"] ?? JsonNull.Instance : JsonNull.Instance)));
    }

    /// <summary>The version as it is to be written now.</summary>
    /// <param name="current">What is there now; null when the object was deleted.</param>
    public static JsonObject ToWrite(JsonObject version, JsonObject? current)
    {
        var metadata = version.In("metadata").Without("managedFields").Without("creationTimestamp").Without("generation").Without("deletionTimestamp").Without("deletionGracePeriodSeconds");
        metadata = current is null ? metadata.Without("uid").Without("resourceVersion") : metadata.With("resourceVersion", current.In("metadata").Text("resourceVersion"));
        return version.With("metadata", metadata);
    }
}
