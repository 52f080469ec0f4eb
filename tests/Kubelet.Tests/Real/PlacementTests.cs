using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Placement;

namespace Hanbae.Kubelet.Tests.Real;

/// <summary>CPUs for one Pod alone, seen in the kernel.</summary>
public sealed class PlacementTests(KubeletNode node) : RealKubeletTest(node)
{
    static string Cpus => File.ReadAllText("/sys/devices/system/cpu/online").Trim();

    string Of(string name, string file = "cpuset.cpus")
    {
        var pod = _api.Pod(name)!;
        string id = pod.Status.ContainerStatuses[0].ContainerID["containerd://".Length..];
        string folder = CgroupFolders(pod.Metadata.Uid).Select(f => Path.Combine(f, id)).First(Directory.Exists);
        return File.ReadAllText(Path.Combine(folder, file)).Trim();
    }

    IEnumerable<string> CgroupFolders(string uid) =>
        from mount in (string[])["/sys/fs/cgroup/cpuset", "/sys/fs/cgroup"] from qos in (string[])["", "/burstable", "/besteffort"] select $"{mount}{Node.CgroupRoot}{qos}/pod{uid}";

    [RealFact]
    public async Task A_Guaranteed_Pod_has_its_CPU_alone_and_everybody_else_is_moved_to_the_rest()
    {
        var all = CpuSet.Parse(Cpus);
        if (all.Count < 2) return; // one is the system's
        Start(o => o with
        {
            CpuManagerPolicy = "static", ReservedSystemCpus = $"{all.First()}", CpuManagerReconcilePeriod = TimeSpan.FromSeconds(1), TopologyManagerPolicy = "single-numa-node",
            MemoryManagerPolicy = "Static", ReservedMemory = [(0, Map.Of(("memory", Quantity.Parse("100Mi"))))], // what eviction holds back by default
        });
        _api.Put(Pod("beside", Shell("app", "sleep 1000")));
        await Until("beside", s => s.Phase == "Running", "running");
        Assert.Equal(all, CpuSet.Parse(Of("beside")));

        var whole = Map.Of(("cpu", new Quantity(1)), ("memory", Quantity.Parse("32Mi")));
        _api.Put(Pod("alone", Shell("app", "sleep 1000") with { Resources = new() { Requests = whole, Limits = whole } }));
        await Until("alone", s => s.Phase == "Running", "running");
        var own = CpuSet.Parse(Of("alone"));
        Assert.Single(own);
        Assert.DoesNotContain(all.First(), own);
        Assert.Matches("^[0-9]+$", Of("alone", "cpuset.mems"));
        await LookAsync("the other one moved away", () => Task.FromResult(CpuSet.Parse(Of("beside")).Equals(all.Except(own))));

        _api.MarkDeleted("alone", 1);
        await LookAsync("the CPU is everybody's again", () => Task.FromResult(CpuSet.Parse(Of("beside")).Equals(all)));
    }
}
