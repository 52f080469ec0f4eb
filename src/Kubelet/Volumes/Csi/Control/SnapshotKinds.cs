using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;

namespace Hanbae.Kubelet.Volumes.Csi.Control;

/// <summary>Where snapshots are served, once somebody has installed their definitions.</summary>
static class SnapshotKinds
{
    public const string Group = "snapshot.storage.k8s.io";
    const string Version = "v1";

    public static ResourceInfo Snapshots { get; } = Of("volumesnapshots", "VolumeSnapshot", namespaced: true);
    public static ResourceInfo Contents { get; } = Of("volumesnapshotcontents", "VolumeSnapshotContent", namespaced: false);
    public static ResourceInfo Classes { get; } = Of("volumesnapshotclasses", "VolumeSnapshotClass", namespaced: false);

    static ResourceInfo Of(string resource, string kind, bool namespaced) =>
        new() { Gvr = new(Group, Version, resource), Kind = new UnstructuredKind(Group, Version, kind), Singular = kind.ToLowerInvariant(), Namespaced = namespaced };

    public static string Text(JsonValue? value) => (value as JsonString)?.Value ?? "";

    public static bool IsTrue(JsonValue? value) => value is JsonBool { Value: true };

    public static long? Number(JsonValue? value) => value is JsonNumber number && number.TryGetInt64(out long read) ? read : null;

    public static Map<string> Strings(JsonValue? value)
    {
        Map<string> made = default;
        if (value is JsonObject all) foreach (var (name, text) in all) made = made.Set(name, Text(text));
        return made;
    }
}
