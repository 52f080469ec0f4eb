using System.Text.Json;
using Hanbae.Kubelet.Nodes;

namespace Hanbae.Kubelet.Stats;

/// <summary><c>/stats/summary</c>: what a node and its Pods use, for autoscalers and for people.</summary>
static class StatsSummary
{
    public static byte[] Render(NodeUse use, KubeletOptions options, MachineInfo machine, (RuntimeDisk Images, RuntimeDisk Containers) runtime)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            string now = use.At.ToApi();
            json.WriteStartObject();
            Node(json, use, options, runtime, now);
            json.WriteStartArray("pods");
            var disks = new Disks(DiskOf(runtime.Containers.Or(options.Folders.Data)), DiskOf(options.Folders.Data));
            foreach (var pod in use.Pods) Pod(json, pod, disks, now);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }

    static void Node(Utf8JsonWriter json, NodeUse use, KubeletOptions options, (RuntimeDisk Images, RuntimeDisk Containers) runtime, string now)
    {
        json.WriteStartObject("node");
        json.WriteString("nodeName", options.NodeName);
        json.WriteString("startTime", NodeFigures.BootTime().ToApi());
        json.WriteStartObject("cpu");
        json.WriteString("time", now);
        if (use.CpuRate is { } rate) json.WriteNumber("usageNanoCores", rate);
        json.WriteNumber("usageCoreNanoSeconds", use.CpuNanoseconds);
        var pressure = Pressure.Read(kind => "/proc/pressure/" + kind);
        Psi(json, pressure, "cpu");
        json.WriteEndObject();
        json.WriteStartArray("systemContainers");
        foreach (var system in use.Systems)
        {
            json.WriteStartObject();
            json.WriteString("name", system.Name);
            json.WriteString("startTime", NodeFigures.BootTime().ToApi());
            Use(json, now, system.Figures, system.Rate);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        long total = MachineInfo.Memory("MemTotal"), available = MachineInfo.Memory("MemAvailable");
        json.WriteStartObject("memory");
        json.WriteString("time", now);
        json.WriteNumber("availableBytes", available);
        json.WriteNumber("usageBytes", total - MachineInfo.Memory("MemFree"));
        json.WriteNumber("workingSetBytes", total - available);
        json.WriteNumber("rssBytes", MachineInfo.Memory("AnonPages"));
        var (faults, major) = NodeFigures.PageFaults();
        json.WriteNumber("pageFaults", faults);
        json.WriteNumber("majorPageFaults", major);
        Psi(json, pressure, "memory");
        json.WriteEndObject();
        Io(json, pressure, now);
        json.WriteStartObject("swap");
        json.WriteString("time", now);
        json.WriteNumber("swapAvailableBytes", MachineInfo.Memory("SwapFree"));
        json.WriteNumber("swapUsageBytes", MachineInfo.Memory("SwapTotal") - MachineInfo.Memory("SwapFree"));
        json.WriteEndObject();
        Network(json, NetworkFigures.Of(Environment.ProcessId), now);
        FileSystem(json, "fs", options.Folders.Data, now, null);
        json.WriteStartObject("runtime");
        foreach (var (fs, disk) in (ReadOnlySpan<(string, RuntimeDisk)>)[("imageFs", runtime.Images), ("containerFs", runtime.Containers)])
            FileSystem(json, fs, disk.Or(options.Folders.Data), now, disk.Used);
        json.WriteEndObject();
        var (processes, most) = NodeFigures.Processes();
        json.WriteStartObject("rlimit");
        json.WriteString("time", now);
        json.WriteNumber("maxpid", most);
        json.WriteNumber("curproc", processes);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    static void Pod(Utf8JsonWriter json, PodUse pod, Disks disks, string now)
    {
        json.WriteStartObject();
        json.WriteStartObject("podRef");
        json.WriteString("name", pod.Pod.Metadata.Name);
        json.WriteString("namespace", pod.Pod.Metadata.Namespace);
        json.WriteString("uid", pod.Pod.Metadata.Uid);
        json.WriteEndObject();
        if (pod.Sandbox is { } sandbox) json.WriteString("startTime", sandbox.CreatedAt.ToApi());
        json.WriteStartArray("containers");
        foreach (var c in pod.Containers)
        {
            json.WriteStartObject();
            json.WriteString("name", c.Name);
            if (c.Container.StartedAt is { } start) json.WriteString("startTime", start.ToApi());
            Use(json, now, c.Figures, c.Rate);
            Disk(json, "rootfs", now, c.WritableBytes, c.WritableInodes, disks.Layers);
            Disk(json, "logs", now, c.LogBytes, null, disks.Node);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        if (pod.Figures is { } whole) Use(json, now, whole, pod.Rate);
        if (pod.Network.Count > 0) Network(json, pod.Network, now);
        json.WriteStartArray("volume");
        foreach (var (name, v) in pod.Volumes)
        {
            json.WriteStartObject();
            json.WriteString("time", now);
            json.WriteNumber("availableBytes", v.Available);
            json.WriteNumber("capacityBytes", v.Capacity);
            json.WriteNumber("usedBytes", v.Used);
            json.WriteNumber("inodesFree", v.InodesFree);
            json.WriteNumber("inodes", v.Inodes);
            json.WriteNumber("inodesUsed", v.InodesUsed);
            json.WriteString("name", name);
            if (pod.Pod.Spec.Volumes.Find(volume => volume.Name == name) is { } spec && VolumeSizes.ClaimOf(pod.Pod, spec) is { } claim)
            {
                json.WriteStartObject("pvcRef");
                json.WriteString("name", claim);
                json.WriteString("namespace", pod.Pod.Metadata.Namespace);
                json.WriteEndObject();
            }
            if (v.Abnormal is { } ill)
            {
                json.WriteStartObject("volumeHealthStats");
                json.WriteBoolean("abnormal", ill);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
        Disk(json, "ephemeral-storage", now, pod.DiskBytes, pod.Containers.Sum(c => c.WritableInodes) + pod.Volumes.Values.Where(v => v.OnNodeDisk).Sum(v => v.InodesUsed), disks.Node);
        json.WriteStartObject("process_stats");
        json.WriteNumber("process_count", pod.Figures?.Threads ?? pod.Containers.Sum(c => c.Figures.Threads));
        json.WriteEndObject();
        json.WriteEndObject();
    }

    static void Use(Utf8JsonWriter json, string now, CgroupFigures f, long? rate)
    {
        json.WriteStartObject("cpu");
        json.WriteString("time", now);
        if (rate is { } nano) json.WriteNumber("usageNanoCores", nano);
        json.WriteNumber("usageCoreNanoSeconds", f.CpuUsage);
        Psi(json, f.Pressure, "cpu");
        json.WriteEndObject();
        json.WriteStartObject("memory");
        json.WriteString("time", now);
        if (f.MemoryLimit > 0) json.WriteNumber("availableBytes", f.Available);
        json.WriteNumber("usageBytes", f.MemoryUsage);
        json.WriteNumber("workingSetBytes", f.WorkingSet);
        json.WriteNumber("rssBytes", f.Rss);
        json.WriteNumber("pageFaults", f.PageFaults);
        json.WriteNumber("majorPageFaults", f.MajorPageFaults);
        Psi(json, f.Pressure, "memory");
        json.WriteEndObject();
        Io(json, f.Pressure, now);
        json.WriteStartObject("swap");
        json.WriteString("time", now);
        if (f.SwapLimit > 0) json.WriteNumber("swapAvailableBytes", Math.Max(f.SwapLimit - f.Swap, 0));
        json.WriteNumber("swapUsageBytes", f.Swap);
        json.WriteEndObject();
    }

    static void Io(Utf8JsonWriter json, IReadOnlyDictionary<string, Pressure> pressure, string now)
    {
        if (!pressure.ContainsKey("io")) return;
        json.WriteStartObject("io");
        json.WriteString("time", now);
        Psi(json, pressure, "io");
        json.WriteEndObject();
    }

    static void Psi(Utf8JsonWriter json, IReadOnlyDictionary<string, Pressure> pressure, string kind)
    {
        if (!pressure.TryGetValue(kind, out var found)) return;
        json.WriteStartObject("psi");
        foreach (var (name, stall) in (ReadOnlySpan<(string, Stall)>)[("full", found.Full), ("some", found.Some)])
        {
            json.WriteStartObject(name);
            json.WriteNumber("total", stall.Total);
            json.WriteNumber("avg10", stall.Last10);
            json.WriteNumber("avg60", stall.Last60);
            json.WriteNumber("avg300", stall.Last300);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    /// <param name="inodes">Null for what the whole disk has in use.</param>
    /// <param name="disk">Where it lies: all its users share that.</param>
    static void Disk(Utf8JsonWriter json, string name, string now, long used, long? inodes, (long Total, long Available, long Inodes, long InodesFree) disk)
    {
        json.WriteStartObject(name);
        json.WriteString("time", now);
        json.WriteNumber("availableBytes", disk.Available);
        json.WriteNumber("capacityBytes", disk.Total);
        json.WriteNumber("usedBytes", used);
        json.WriteNumber("inodesFree", disk.InodesFree);
        json.WriteNumber("inodes", disk.Inodes);
        json.WriteNumber("inodesUsed", inodes ?? disk.Inodes - disk.InodesFree);
        json.WriteEndObject();
    }

    static void Network(Utf8JsonWriter json, IReadOnlyList<NetworkFigures> all, string now)
    {
        if (all.Count == 0) return;
        json.WriteStartObject("network");
        json.WriteString("time", now);
        // The one that carries the address: in a Pod always the first.
        Interface(json, all.FirstOrDefault(n => n.Interface == "eth0") ?? all[0]);
        json.WriteStartArray("interfaces");
        foreach (var one in all)
        {
            json.WriteStartObject();
            Interface(json, one);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    static void Interface(Utf8JsonWriter json, NetworkFigures n)
    {
        json.WriteString("name", n.Interface);
        json.WriteNumber("rxBytes", n.ReceivedBytes);
        json.WriteNumber("rxErrors", n.ReceiveErrors);
        json.WriteNumber("txBytes", n.SentBytes);
        json.WriteNumber("txErrors", n.SendErrors);
    }

    static void FileSystem(Utf8JsonWriter json, string name, string path, string now, long? used)
    {
        var (total, available, inodes, inodesFree) = DiskOf(path);
        json.WriteStartObject(name);
        json.WriteString("time", now);
        json.WriteNumber("availableBytes", available);
        json.WriteNumber("capacityBytes", total);
        json.WriteNumber("usedBytes", used ?? total - available);
        json.WriteNumber("inodesFree", inodesFree);
        json.WriteNumber("inodes", inodes);
        json.WriteNumber("inodesUsed", inodes - inodesFree);
        json.WriteEndObject();
    }

    readonly record struct Disks((long, long, long, long) Layers, (long, long, long, long) Node);

    static (long, long, long, long) DiskOf(string path)
    {
        try { return Volumes.Disk.Native.FileSystem(path); }
        catch (IOException) { return default; } // not there yet
    }
}

/// <summary>Where the runtime keeps images, or what containers write, and how much it says that takes.</summary>
readonly record struct RuntimeDisk(string Path, long Used)
{
    /// <param name="folder">Where it said nothing.</param>
    public string Or(string folder) => string.IsNullOrEmpty(Path) ? folder : Path;
}
