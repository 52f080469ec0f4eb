using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace Hanbae.Kubelet.Placement.Cpus;

/// <summary>Keeps the CPUs' state on disk, in upstream's place and form (<c>cpu_manager_state</c>), with upstream's checksum: tools of the node read it.</summary>
sealed class CpuStateFile(string folder, string policy)
{
    public const string FileName = "cpu_manager_state";

    string FilePath => Path.Combine(folder, FileName);

    /// <returns>Null when there is none.</returns>
    /// <exception cref="PlacementSettingsException">It is damaged, or another policy's.</exception>
    public CpuState? Load()
    {
        if (!File.Exists(FilePath)) return null;
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(FilePath));
            var root = json.RootElement;
            string written = Text(root, "policyName"), shared = Text(root, "defaultCpuSet");
            var texts = ImmutableSortedDictionary.CreateBuilder<string, ImmutableSortedDictionary<string, string>>(StringComparer.Ordinal);
            if (root.TryGetProperty("entries", out var entries))
                foreach (var pod in entries.EnumerateObject()) texts[pod.Name] = pod.Value.EnumerateObject().ToImmutableSortedDictionary(c => c.Name, c => c.Value.GetString() ?? "", StringComparer.Ordinal);
            // Zero is taken as it is, as upstream.
            if (root.GetProperty("checksum").GetUInt64() is not 0 and var sum && sum != Sum(written, shared, texts.ToImmutable())) throw new FormatException("checkpoint is corrupted");
            if (written != policy) throw new FormatException($"configured policy \"{policy}\" differs from state checkpoint policy \"{written}\"");
            return new(Parsed(shared, () => "could not parse default cpu set"), texts.ToImmutableSortedDictionary(
                p => p.Key, p => p.Value.ToImmutableSortedDictionary(
                    c => c.Key, c => Parsed(c.Value, () => $"could not parse cpuset \"{c.Value}\" for container \"{c.Key}\" in pod \"{p.Key}\""), StringComparer.Ordinal),
                StringComparer.Ordinal));
        }
        catch (Exception e) when (e is FormatException or JsonException or KeyNotFoundException or InvalidOperationException and not PlacementSettingsException)
        {
            throw new PlacementSettingsException($"could not restore state from checkpoint: {e.Message}, please drain this node and delete the CPU manager checkpoint file \"{FilePath}\" before restarting Kubelet");
        }
    }

    /// <exception cref="IOException"/>
    public void Save(CpuState state)
    {
        var texts = state.Entries.ToImmutableSortedDictionary(p => p.Key, p => p.Value.ToImmutableSortedDictionary(c => c.Key, c => c.Value.ToString(), StringComparer.Ordinal), StringComparer.Ordinal);
        string shared = state.Shared.ToString();
        Checkpoint.Write(FilePath, json =>
        {
            json.WriteString("policyName", policy);
            json.WriteString("defaultCpuSet", shared);
            if (texts.Count > 0)
            {
                json.WriteStartObject("entries");
                foreach (var (uid, pod) in texts)
                {
                    json.WriteStartObject(uid);
                    foreach (var (name, cpus) in pod) json.WriteString(name, cpus);
                    json.WriteEndObject();
                }
                json.WriteEndObject();
            }
            json.WriteNumber("checksum", Sum(policy, shared, texts));
        });
    }

    static CpuSet Parsed(string text, Func<string> what)
    {
        try { return CpuSet.Parse(text); }
        catch (FormatException e) { throw new FormatException($"{what()}: {e.Message}"); }
    }

    static string Text(JsonElement root, string name) => root.TryGetProperty(name, out var value) ? value.GetString() ?? "" : "";

    /// <summary>Over the value as go-spew prints it.</summary>
    static uint Sum(string policy, string shared, ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> entries)
    {
        var text = new StringBuilder($"(*state.CPUManagerCheckpoint){{PolicyName:(string){policy} DefaultCPUSet:(string){shared} Entries:(map[string]map[string]string)map[");
        text.AppendJoin(' ', entries.Select(p => $"{p.Key}:map[{string.Join(' ', p.Value.Select(c => $"{c.Key}:{c.Value}"))}]"));
        return Checkpoint.Sum(text.Append("] Checksum:(checksum.Checksum)0}").ToString());
    }
}
