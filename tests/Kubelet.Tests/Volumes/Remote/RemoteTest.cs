using System.Diagnostics;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Volumes;
using Hanbae.Kubelet.Volumes.Disk;
using Hanbae.Kubelet.Volumes.Remote;

namespace Hanbae.Kubelet.Tests.Volumes.Remote;

/// <summary>A kubelet whose helpers are scripts in a folder of the test: each writes down how it was called, and does what the test says.</summary>
/// <remarks>What <c>mount</c> shows of a server is a folder <c>export</c>, bound; disks are mounted in earnest.</remarks>
public abstract class RemoteTest : VolumeTest
{
    protected RemoteTest()
    {
        foreach (string folder in (string[])["bin", "export", "dev/disk/by-path", "dev/disk/by-id", "sys/block"]) Directory.CreateDirectory(Path.Combine(Root, folder));
        Script("mount", $$"""
            eval "target=\${$#}"
            case "$2" in ext[34]) exec mount "$@";; esac
            [ ! -e {{Root}}/mount-fails ] || { echo 'mount.nfs: access denied by server'; exit 32; }
            [ ! -e {{Root}}/mount-hangs ] || { echo $$ > {{Root}}/mount-pid; exec sleep 1000; }
            exec mount --bind {{Root}}/export "$target"
            """);
    }

    internal ProgramOptions Options => new()
    {
        Folders = [Path.Combine(Root, "bin"), "/usr/sbin", "/sbin", "/usr/bin", "/bin"], Dev = Path.Combine(Root, "dev"), Sys = Path.Combine(Root, "sys"), DevicePatience = TimeSpan.Zero,
    };

    /// <summary>What a kubelet that was killed and started anew has.</summary>
    internal PodVolumes Kubelet(ProgramOptions? options = null) => new(Folders, Objects, Objects, new FakeClock(Objects), events: Objects, helpers: options ?? Options);

    internal string Export => Path.Combine(Root, "export");

    /// <summary>How helpers were called, each in a line.</summary>
    internal string[] Calls => File.Exists(Log) ? [.. File.ReadAllLines(Log).Select(l => l.Replace(Root, "", StringComparison.Ordinal))] : [];

    string Log => Path.Combine(Root, "calls");

    internal void Script(string name, string text = "")
    {
        string path = Path.Combine(Root, "bin", name);
        File.WriteAllText(path, $"#!/bin/sh\necho \"{name} $*\" >> {Log}\nPATH=/usr/sbin:/sbin:/usr/bin:/bin\n{text}\n");
        Native.SetMode(path, 0x1C0);
    }

    internal void Write(string path, string text)
    {
        path = Path.Combine(Root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    internal string TargetOf(string plugin, string volume, string uid = "u-1") => Path.Combine(Folders.Data, "pods", uid, "volumes", plugin, volume);

    internal static Pod Pod(Volume volume, string uid = "u-1") => PodWith(volume) is var pod ? pod with { Metadata = pod.Metadata with { Uid = uid, Name = "pod-" + uid } } : null!;

    /// <summary>A Pod whose claim is bound to a volume.</summary>
    internal Pod Claiming(PersistentVolumeSpec spec, string uid = "u-1", bool readOnly = false)
    {
        if (Objects.Claims.Count == 0)
        {
            Objects.Persistent.Add(new() { Metadata = new() { Name = "pv", Uid = "pv" }, Spec = spec with { ClaimRef = new() { Namespace = "default", Name = "claim", Uid = "claim" } } });
            Objects.Claims.Add(new() { Metadata = new() { Name = "claim", Namespace = "default", Uid = "claim" }, Spec = new() { VolumeName = "pv", VolumeMode = Objects.Persistent[^1].Spec.VolumeMode }, Status = new() { Phase = "Bound" } });
        }
        return Pod(new() { Name = "data", PersistentVolumeClaim = new() { ClaimName = "claim", ReadOnly = readOnly } }, uid);
    }

    internal static async Task<PreparedVolume> PrepareAsync(PodVolumes kubelet, Pod pod) => (await kubelet.PrepareAsync(pod, default)).ByName["data"];

    internal static async Task<string> FailureAsync(PodVolumes kubelet, Pod pod) => (await Assert.ThrowsAsync<VolumeException>(() => kubelet.PrepareAsync(pod, default))).Message;

    /// <summary>For what other processes and the kernel do, who tell nobody.</summary>
    internal static async Task LookAsync(string what, Func<Task<bool>> enough)
    {
        for (int i = 0; i < 3000; i++)
        {
            if (await enough()) return;
            await Task.Delay(20);
        }
        Assert.Fail("not within a minute: " + what);
    }

    internal string[] Mounted => [.. MountTable.Read().Beneath(Native.RealPath(Root)).Select(m => m.Path)];

    internal void AssertNothingLeft(string uid = "u-1")
    {
        Assert.Empty(Mounted);
        Assert.False(Directory.Exists(Folders.Volumes(uid)));
        string plugins = Path.Combine(Folders.Data, "plugins");
        Assert.Empty(Directory.Exists(plugins) ? Directory.EnumerateFiles(plugins, "disk.json", SearchOption.AllDirectories) : []);
    }
}

/// <summary>A real block device that is a file; it is let go of with the test.</summary>
sealed class LoopDisk : IDisposable
{
    public LoopDisk(string file)
    {
        using (var stream = File.Create(file)) stream.SetLength(24 << 20);
        Device = Run("losetup", "-f", "--show", file).Trim();
    }

    public string Device { get; }
    public string Name => Path.GetFileName(Device);

    public void Dispose() => Run("losetup", "-d", Device);

    public static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? said : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}");
    }
}

/// <summary>A fact about real disks.</summary>
public sealed class DiskFactAttribute : FactAttribute
{
    public DiskFactAttribute() => Skip = Environment.UserName != "root" ? "needs root"
        : !File.Exists("/dev/loop-control") ? "needs loop devices" : ((string[])["/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4"]).Any(File.Exists) ? null : "needs mkfs.ext4";
}
