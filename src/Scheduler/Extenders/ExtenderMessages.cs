using Hanbae.Api.Codec;
using Hanbae.Api.Json;

namespace Hanbae.Scheduler.Extenders;

/// <summary>What goes to extenders and comes back, in the form of upstream's <c>extender/v1</c>: Go's names for fields, whose case does not count when they are read.</summary>
internal static class ExtenderMessages
{
    /// <param name="full">Whole nodes rather than their names.</param>
    public static byte[] Nodes(PodInfo pod, IReadOnlyList<NodeInfo> nodes, bool full)
    {
        var w = new JsonWriter();
        try
        {
            w.Raw("{\"Pod\":"u8);
            pod.Pod.WriteJson(ref w);
            w.Raw(full ? ",\"Nodes\":{\"metadata\":{},\"items\":["u8 : ",\"Nodes\":null,\"NodeNames\":["u8);
            for (int i = 0; i < nodes.Count; i++)
            {
                if (i > 0) w.Raw(","u8);
                if (full) nodes[i].Node!.WriteJson(ref w); else w.String(nodes[i].Name);
            }
            w.Raw(full ? "]},\"NodeNames\":null}"u8 : "]}"u8);
            return w.ToArray();
        }
        finally { w.Dispose(); }
    }

    /// <param name="full">Whole Pods rather than their uids.</param>
    public static byte[] Victims(PodInfo pod, IReadOnlyList<Plugins.DefaultPreemption.Candidate> candidates, bool full)
    {
        var w = new JsonWriter();
        try
        {
            w.Raw("{\"Pod\":"u8);
            pod.Pod.WriteJson(ref w);
            w.Raw(full ? ",\"NodeNameToVictims\":{"u8 : ",\"NodeNameToMetaVictims\":{"u8);
            for (int c = 0; c < candidates.Count; c++)
            {
                if (c > 0) w.Raw(","u8);
                w.String(candidates[c].Node.Name);
                w.Raw(":{\"Pods\":["u8);
                for (int i = 0; i < candidates[c].Victims.Count; i++)
                {
                    if (i > 0) w.Raw(","u8);
                    if (full) { candidates[c].Victims[i].Pod.WriteJson(ref w); continue; }
                    w.Raw("{\"UID\":"u8);
                    w.String(candidates[c].Victims[i].Uid);
                    w.Raw("}"u8);
                }
                w.Raw("],\"NumPDBViolations\":"u8);
                w.Int64(candidates[c].Violations);
                w.Raw("}"u8);
            }
            w.Raw("}}"u8);
            return w.ToArray();
        }
        finally { w.Dispose(); }
    }

    public static byte[] Binding(PodInfo pod, string node) =>
        JsonObject.Of(("PodName", pod.Key.Name), ("PodNamespace", pod.Key.Namespace), ("PodUID", pod.Uid), ("Node", node)).ToUtf8();

    /// <summary>As Go reads: the case of a name does not count.</summary>
    public static JsonValue? Field(JsonValue? of, string name)
    {
        if (of is not JsonObject o) return null;
        if (o[name] is { } exact) return exact is JsonNull ? null : exact;
        foreach (var (key, value) in o) if (key.Equals(name, StringComparison.OrdinalIgnoreCase)) return value is JsonNull ? null : value;
        return null;
    }

    public static string Text(JsonValue? of, string name) => (Field(of, name) as JsonString)?.Value ?? "";
    public static IEnumerable<JsonValue> Items(JsonValue? list) => list is JsonArray a ? a.Items : [];
}
