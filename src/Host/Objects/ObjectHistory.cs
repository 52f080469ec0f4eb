using System.Globalization;
using Hanbae.Api.Json;
using Hanbae.Host.Progress;

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
        .. answer.Each("items").Select(i => new ObjectVersion(i["revision"].Text(), DateTimeOffset.Parse(i["time"].Text(), CultureInfo.InvariantCulture),
            i["user"].Text(), i["verb"].Text(), i["manager"].Text(), i["subresource"].Text(), i["object"] as JsonObject)),
    ];

    /// <summary>One line a version, the oldest first.</summary>
    /// <param name="all">Those of the status subresource too, and what became of the status.</param>
    public static string Table(IReadOnlyList<ObjectVersion> versions, bool all)
    {
        string[][] rows =
        [
            ["REVISION", "TIME", "USER", "VERB", "MANAGER", "CHANGED"],
            .. Shown(versions, all).Select(i => (string[])
            [
                versions[i].Revision, Time(versions[i]), versions[i].User, Verb(versions[i]), versions[i].Manager,
                Changed(Previous(versions, i)?.Object, versions[i].Object, all),
            ]),
        ];
        return TextTable.Of(rows) + Hidden(versions, all);
    }

    /// <summary>What each version changed, the oldest first.</summary>
    /// <param name="all">As for <see cref="Table"/>.</param>
    public static string Diffs(IReadOnlyList<ObjectVersion> versions, bool all) =>
        string.Concat(Shown(versions, all).Select(i => Diff(Previous(versions, i), versions[i], all))) + Hidden(versions, all);

    static IEnumerable<int> Shown(IReadOnlyList<ObjectVersion> versions, bool all) =>
        Enumerable.Range(0, versions.Count).Where(i => all || !OfStatus(versions[i]));

    static string Hidden(IReadOnlyList<ObjectVersion> versions, bool all) => (all ? 0 : versions.Count(OfStatus)) switch
    {
        0 => "",
        1 => "1 version of its status is not shown; --all shows it\n",
        var hidden => $"{hidden} versions of its status are not shown; --all shows them\n",
    };

    static bool OfStatus(ObjectVersion version) => version.Subresource == "status";

    /// <summary>What a version is compared with. Versions of the status in between may be gone, and say nothing of it.</summary>
    static ObjectVersion? Previous(IReadOnlyList<ObjectVersion> versions, int i)
    {
        int before = i - 1;
        if (!OfStatus(versions[i]))
            while (before > 0 && OfStatus(versions[before]) && versions[before].Object is null) before--;
        return before < 0 ? null : versions[before];
    }

    static string Time(ObjectVersion version) => version.Time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    static string Verb(ObjectVersion version) => version.Subresource.Length > 0 ? version.Verb + " " + version.Subresource : version.Verb;

    static string Who(ObjectVersion version) => $"{Verb(version)} by {version.User}" + (version.Manager.Length > 0 ? $" with {version.Manager}" : "");

    /// <summary>The fields that differ, the first few of them.</summary>
    static string Changed(JsonObject? before, JsonObject? after, bool status)
    {
        const int shown = 4;
        if (before is null || after is null) return "";
        List<string> paths = [.. ChangedFields.Between(Meaningful(before, status), Meaningful(after, status))];
        return string.Join(", ", paths.Take(shown)) + (paths.Count > shown ? $" and {paths.Count - shown} more" : "");
    }

    /// <summary>What a version changed, as <c>diff -u</c> shows it.</summary>
    /// <param name="status">What became of its status, too.</param>
    public static string Diff(ObjectVersion? before, ObjectVersion after, bool status) =>
        $"--- revision {before?.Revision ?? "none"}\n+++ revision {after.Revision}   {Time(after)}   {Who(after)}\n"
        + LineDiff.Unified(Yaml(before?.Object, status), Yaml(after.Object, status));

    static string[] Yaml(JsonObject? obj, bool status) =>
        obj is null ? [] : Machinery.Yaml.YamlWriter.Write(Meaningful(obj, status)).TrimEnd('\n').Split('\n');

    /// <summary>Without what every write changes.</summary>
    static JsonObject Meaningful(JsonObject obj, bool status)
    {
        if (!status) obj = obj.Without("status");
        return obj["metadata"] is JsonObject metadata ? obj.With("metadata", metadata.Without("managedFields").Without("resourceVersion")) : obj;
    }

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

    /// <summary>Whose changes are gone when this version is put back: a line for each, the newest first.</summary>
    public static string Undone(IReadOnlyList<ObjectVersion> versions, ObjectVersion wanted)
    {
        List<ObjectVersion> undone = Since(versions, wanted, annotations: false);
        if (undone.Count == 0) undone = Since(versions, wanted, annotations: true);
        return undone.Count == 0 ? "  nobody changed it since\n"
            : string.Concat(undone.Select(v => $"  undone: {Who(v)} at {Time(v)}, revision {v.Revision}\n"));
    }

    /// <summary>The versions since that want something else than the one before them did; those of which that is not known any more, too.</summary>
    static List<ObjectVersion> Since(IReadOnlyList<ObjectVersion> versions, ObjectVersion wanted, bool annotations)
    {
        List<ObjectVersion> changes = [];
        var last = Wish(wanted.Object, annotations);
        foreach (var version in versions.SkipWhile(v => v.Revision != wanted.Revision).Skip(1).Where(v => !OfStatus(v)))
        {
            var wish = Wish(version.Object, annotations);
            if (wish is null || !Equals(wish, last)) changes.Insert(0, version);
            if (wish is not null || version.Verb == "delete") last = wish;
        }
        return changes;
    }

    /// <summary>What users decide: all but status and what the server keeps.</summary>
    static JsonObject? Wish(JsonObject? obj, bool annotations)
    {
        if (obj is null) return null;
        var metadata = obj["metadata"] as JsonObject ?? JsonObject.Empty;
        var notes = annotations ? metadata["annotations"] ?? JsonNull.Instance : JsonNull.Instance;
        return obj.Without("status").With("metadata", JsonObject.Of(("labels", metadata["labels"] ?? JsonNull.Instance), ("annotations", notes)));
    }

    /// <summary>The version as it is to be written now.</summary>
    /// <param name="current">What is there now; null when the object was deleted.</param>
    public static JsonObject ToWrite(JsonObject version, JsonObject? current)
    {
        var metadata = version.In("metadata").Without("managedFields").Without("creationTimestamp").Without("generation")
            .Without("deletionTimestamp").Without("deletionGracePeriodSeconds");
        metadata = current is null ? metadata.Without("uid").Without("resourceVersion") : metadata.With("resourceVersion", current.In("metadata")["resourceVersion"].Text());
        return version.With("metadata", metadata);
    }
}
