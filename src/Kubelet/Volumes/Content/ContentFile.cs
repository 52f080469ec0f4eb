using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Volumes.Content;

/// <summary>One file of a configMap, secret, downwardAPI or projected volume.</summary>
/// <param name="Path">Relative to the volume; may have folders.</param>
/// <param name="User">The owner, when it is not root.</param>
sealed record ContentFile(string Path, Bytes Data, int Mode, long? User = null);

/// <summary>Makes the files of a volume out of the data of an object.</summary>
static class ContentFiles
{
    const int DefaultMode = 0x1A4; // 0644

    public static int ModeOr(int? mode) => mode ?? DefaultMode;

    public static IEnumerable<KeyValuePair<string, Bytes>> DataOf(ConfigMap? map) =>
        map is null ? [] : map.Data.Select(d => KeyValuePair.Create(d.Key, Bytes.FromText(d.Value))).Concat(map.BinaryData);

    /// <summary>All keys as files, or those listed under the paths given.</summary>
    /// <param name="kind">For the error: <c>config</c> or <c>secret</c>.</param>
    /// <exception cref="VolumeException">A listed key is not there, and not optional.</exception>
    public static List<ContentFile> Of(IEnumerable<KeyValuePair<string, Bytes>> data, Seq<KeyToPath> items, int? defaultMode, bool optional, string kind)
    {
        if (items.IsEmpty) return [.. data.Select(d => new ContentFile(d.Key, d.Value, ModeOr(defaultMode)))];
        var byKey = data.ToDictionary();
        List<ContentFile> files = [];
        foreach (var item in items)
        {
            if (byKey.TryGetValue(item.Key, out var bytes)) files.Add(new(item.Path, bytes, ModeOr(item.Mode ?? defaultMode)));
            else if (!optional) throw new VolumeException($"{(kind == "config" ? "configmap " : "")}references non-existent {kind} key: {item.Key}");
        }
        return files;
    }

    /// <summary>Of files with the same path the last stands; paths may not lead out of the volume nor meet the writer's own names.</summary>
    /// <exception cref="VolumeException"/>
    public static SortedDictionary<string, ContentFile> ByPath(IEnumerable<ContentFile> files)
    {
        SortedDictionary<string, ContentFile> byPath = new(StringComparer.Ordinal);
        foreach (var file in files)
        {
            string path = Clean(file.Path);
            byPath[path] = file with { Path = path };
        }
        return byPath;
    }

    static string Clean(string path)
    {
        if (path.Length == 0) throw new VolumeException("invalid path: must not be empty: \"\"");
        if (path[0] == '/') throw new VolumeException($"invalid path: must be relative path: {path}");
        if (path.Length > 4096) throw new VolumeException($"invalid path: must be less than or equal to 4096 characters: {path}");
        string[] steps = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (steps.Contains("..")) throw new VolumeException($"invalid path: must not contain '..': {path}");
        steps = [.. steps.Where(s => s != ".")];
        if (steps.Length == 0 || steps[0].StartsWith("..", StringComparison.Ordinal)) throw new VolumeException($"invalid path: must not start with '..': {path}");
        if (steps.FirstOrDefault(s => s.Length > 255) is { } longest)
            throw new VolumeException($"invalid path: filenames must be less than or equal to 255 characters: {longest}");
        return string.Join('/', steps);
    }
}
