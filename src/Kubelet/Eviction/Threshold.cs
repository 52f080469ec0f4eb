using System.Globalization;
using Hanbae.Api;

namespace Hanbae.Kubelet.Eviction;

/// <summary>A bound beneath which a resource of the node is short.</summary>
/// <param name="Signal">Upstream's name: <c>memory.available</c>, <c>nodefs.available</c>, <c>nodefs.inodesFree</c>, <c>imagefs.available</c>, <c>imagefs.inodesFree</c>, <c>pid.available</c>.</param>
/// <param name="Text">An amount, or a share of all there is: <c>100Mi</c>, <c>10%</c>.</param>
public sealed record Threshold(string Signal, string Text)
{
    /// <summary>What all Pods together have left of what they may have: not set by itself, it follows from the hard <c>memory.available</c>.</summary>
    public const string AllocatableMemory = "allocatableMemory.available";

    /// <summary>Null for a hard threshold: Pods go at once. Otherwise it must be short for so long first.</summary>
    public TimeSpan? Grace { get; init; }
    /// <summary>So much more than the bound is to be won back at least, once somebody has to go.</summary>
    public string MinimumReclaim { get; init; } = "";

    /// <summary>Upstream's hard thresholds on Linux.</summary>
    public static Seq<Threshold> Defaults { get; } =
        [new("memory.available", "100Mi"), new("nodefs.available", "10%"), new("nodefs.inodesFree", "5%"), new("imagefs.available", "15%"), new("imagefs.inodesFree", "5%")];

    /// <summary>With what follows from them where Pods are held to what the node has for them.</summary>
    public static Threshold[] Watched(KubeletOptions options) =>
        options.EnforceNodeAllocatable.Contains("pods")
            ? [.. options.Eviction, .. options.Eviction.Where(t => t is { Signal: "memory.available", Grace: null }).Select(t => t with { Signal = AllocatableMemory })] : [.. options.Eviction];

    public long Of(long capacity) => Amount(Text, capacity);

    public long Reclaim(long capacity) => MinimumReclaim.Length == 0 ? 0 : Amount(MinimumReclaim, capacity);

    /// <summary>The condition of the node that it stands for.</summary>
    public string Condition => Signal switch { "memory.available" or AllocatableMemory => "MemoryPressure", "pid.available" => "PIDPressure", _ => "DiskPressure" };

    static long Amount(string text, long capacity) =>
        text.EndsWith('%') ? (long)(capacity * double.Parse(text.AsSpan(0, text.Length - 1), CultureInfo.InvariantCulture) / 100) : Quantity.Parse(text).Value();
}
