using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Volumes;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Tests.Volumes;

/// <summary>A kubelet folder of its own, with real mounts when the tests run as root; all of it is gone afterwards.</summary>
public abstract class VolumeTest : IDisposable
{
    internal static bool IsRoot { get; } = Environment.UserName == "root";
    internal string Root { get; } = Directory.CreateTempSubdirectory("hanbae-volumes-").FullName;
    internal FakeObjects Objects { get; } = new();
    internal PodVolumes Volumes { get; }
    internal PodFolders Folders { get; }

    protected VolumeTest()
    {
        Folders = new(Path.Combine(Root, "kubelet"), Path.Combine(Root, "logs"));
        Volumes = new(Folders, Objects, Objects, new FakeClock(Objects), canMount: IsRoot, events: Objects);
    }

    public void Dispose()
    {
        new KernelMounts().UnmountBeneathAsync(Root, default).GetAwaiter().GetResult();
        Tree.Delete(Root);
        GC.SuppressFinalize(this);
    }

    internal static Pod PodWith(params Volume[] volumes) => new()
    {
        Metadata = new() { Name = "web", Namespace = "default", Uid = "u-1", Labels = Map.Of(("app", "web"), ("tier", "a\"b")) },
        Spec = new()
        {
            Volumes = volumes,
            Containers = [new() { Name = "c", VolumeMounts = volumes.Select(v => new VolumeMount { Name = v.Name, MountPath = "/" + v.Name }).ToSeq() }],
        },
    };

    internal async Task<string> PrepareAsync(Pod pod) => (await Volumes.PrepareAsync(pod, default)).ByName[pod.Spec.Volumes[0].Name].HostPath;

    internal async Task<string> FailureAsync(Pod pod) => (await Assert.ThrowsAsync<VolumeException>(() => Volumes.PrepareAsync(pod, default))).Message;

    internal static uint ModeOf(string path) => Native.Status(path)!.Value.Permissions;
}

/// <summary>A fact about real mounts, owners and groups.</summary>
public sealed class RootFactAttribute : FactAttribute
{
    public RootFactAttribute() { if (Environment.UserName != "root") Skip = "needs root"; }
}
