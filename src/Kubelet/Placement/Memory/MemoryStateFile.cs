using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Hanbae.Kubelet.Placement.Memory;

/// <summary>Keeps the memory's state on disk, in upstream's place and form (<c>memory_manager_state</c>), with upstream's checksum.</summary>
sealed class MemoryStateFile(string folder, string policy)
{
    public const string FileName = "memory_manager_state";

    string FilePath => Path.Combine(folder, FileName);

    /// <returns>Null when there is none.</returns>
    /// <exception cref="PlacementSettingsException">It is damaged, or another policy's.</exception>
    public MemoryState? Load()
    {
        if (!File.Exists(FilePath)) return null;
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(FilePath));
            var root = json.RootElement;
            string written = root.GetProperty("policyName").GetString() ?? "";
            var state = new MemoryState(
                root.TryGetProperty("machineState", out var nodes) && nodes.ValueKind == JsonValueKind.Object
                    ? nodes.EnumerateObject().ToImmutableSortedDictionary(n => int.Parse(n.Name, CultureInfo.InvariantCulture), n => ReadNode(n.Value)) : MemoryState.Empty.Nodes,
                root.TryGetProperty("entries", out var entries)
                    ? entries.EnumerateObject().ToImmutableSortedDictionary(p => p.Name, p => p.Value.EnumerateObject().ToImmutableSortedDictionary(
                        c => c.Name, c => c.Value.EnumerateArray().Select(ReadBlock).ToImmutableArray(), StringComparer.Ordinal), StringComparer.Ordinal) : MemoryState.Empty.Entries);
            if (root.GetProperty("checksum").GetUInt64() is not 0 and var sum && sum != Sum(written, state)) throw new FormatException("checkpoint is corrupted");
            return written == policy ? state : throw new FormatException($"[memorymanager] configured policy \"{policy}\" differs from state checkpoint policy \"{written}\"");
        }
        catch (Exception e) when (e is FormatException or JsonException or KeyNotFoundException or InvalidOperationException and not PlacementSettingsException)
        {
            throw new PlacementSettingsException($"could not restore state from checkpoint: {e.Message}, please drain this node and delete the memory manager checkpoint file \"{FilePath}\" before restarting Kubelet");
        }
    }

    static NodeMemory ReadNode(JsonElement node)
    {
        var tables = node.GetProperty("memoryMap").EnumerateObject().ToImmutableSortedDictionary(t => t.Name, t => new MemoryTable(
            Number(t.Value, "total"), Number(t.Value, "systemReserved"), Number(t.Value, "allocatable"), Number(t.Value, "reserved"), Number(t.Value, "free")), StringComparer.Ordinal);
        return new((int)Number(node, "numberOfAssignments"), tables, Numbers(node.GetProperty("cells")));
    }

    static MemoryBlock ReadBlock(JsonElement block) => new(Numbers(block.GetProperty("numaAffinity")), block.GetProperty("type").GetString() ?? "", Number(block, "size"));

    static ImmutableArray<int> Numbers(JsonElement list) => [.. list.EnumerateArray().Select(n => n.GetInt32())];

    static long Number(JsonElement of, string name) => of.GetProperty(name).GetInt64();

    /// <exception cref="IOException"/>
    public void Save(MemoryState state) => Checkpoint.Write(FilePath, json =>
    {
        json.WriteString("policyName", policy);
        json.WriteStartObject("machineState");
        foreach (var (id, node) in state.Nodes)
        {
            json.WriteStartObject(id.ToString(CultureInfo.InvariantCulture));
            json.WriteNumber("numberOfAssignments", node.Assignments);
            json.WriteStartObject("memoryMap");
            foreach (var (type, table) in node.Tables)
            {
                json.WriteStartObject(type);
                json.WriteNumber("total", table.Total);
                json.WriteNumber("systemReserved", table.SystemReserved);
                json.WriteNumber("allocatable", table.Allocatable);
                json.WriteNumber("reserved", table.Reserved);
                json.WriteNumber("free", table.Free);
                json.WriteEndObject();
            }
            json.WriteEndObject();
            WriteNumbers(json, "cells", node.Group);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        if (!state.Entries.IsEmpty)
        {
            json.WriteStartObject("entries");
            foreach (var (uid, pod) in state.Entries)
            {
                json.WriteStartObject(uid);
                foreach (var (name, blocks) in pod)
                {
                    json.WriteStartArray(name);
                    foreach (var block in blocks)
                    {
                        json.WriteStartObject();
                        WriteNumbers(json, "numaAffinity", block.Nodes);
                        json.WriteString("type", block.Type);
                        json.WriteNumber("size", block.Size);
                        json.WriteEndObject();
                    }
                    json.WriteEndArray();
                }
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        json.WriteNumber("checksum", Sum(policy, state));
    });

    static void WriteNumbers(Utf8JsonWriter json, string name, ImmutableArray<int> numbers)
    {
        json.WriteStartArray(name);
        foreach (int number in numbers) json.WriteNumberValue(number);
        json.WriteEndArray();
    }

    /// <summary>Over the value as go-spew prints it.</summary>
    static uint Sum(string policy, MemoryState state)
    {
        var text = new StringBuilder($"(*state.MemoryManagerCheckpoint){{PolicyName:(string){policy} MachineState:(state.NUMANodeMap)map[");
        text.AppendJoin(' ', state.Nodes.Select(n => $"{n.Key}:<*>{{NumberOfAssignments:(int){n.Value.Assignments} MemoryMap:(map[v1.ResourceName]*state.MemoryTable)map["
            + string.Join(' ', n.Value.Tables.Select(t => $"{t.Key}:<*>{{TotalMemSize:(uint64){t.Value.Total} SystemReserved:(uint64){t.Value.SystemReserved} "
                + $"Allocatable:(uint64){t.Value.Allocatable} Reserved:(uint64){t.Value.Reserved} Free:(uint64){t.Value.Free}}}"))
            + $"] Cells:([]int)[{string.Join(' ', n.Value.Group)}]}}"));
        text.Append("] Entries:(state.ContainerMemoryAssignments)map[");
        text.AppendJoin(' ', state.Entries.Select(p => $"{p.Key}:map[{string.Join(' ', p.Value.Select(c => $"{c.Key}:["
            + string.Join(' ', c.Value.Select(b => $"{{NUMAAffinity:([]int)[{string.Join(' ', b.Nodes)}] Type:(v1.ResourceName){b.Type} Size:(uint64){b.Size}}}")) + "]"))}]"));
        return Checkpoint.Sum(text.Append("] Checksum:(checksum.Checksum)0}").ToString());
    }
}
