using Hanbae.Cri.V1;
using Hanbae.Kubelet.Cgroups;

namespace Hanbae.Kubelet.Tests.Cgroups;

/// <summary>Where runtimes put a sandbox, and what the kubelet makes of it.</summary>
public sealed class SandboxPlaceTests
{
    const string Slices = "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podu_1.slice", Slice = "kubepods-besteffort-podu_1.slice";

    // kubelet's driver, /proc/PID/cgroup of the sandbox ("ID" is its id), whether that is a disagreement.
    public static TheoryData<bool, string, bool> Places => new()
    {
        { true, $"0::{Slices}/cri-containerd-ID.scope", false },
        { true, $"0::{Slices}/crio-ID.scope/container", false },
        // containerd on cgroupfs beneath v2: runc makes a folder of that name in containerd's own cgroup, or at the top.
        { true, $"0::/system.slice/containerd.service/{Slice}:cri-containerd:ID", true },
        { true, $"0::/{Slice}:cri-containerd:ID", true },
        { true, $"2:cpu,cpuacct:/{Slice}/ID\n1:name=systemd:/{Slice}/ID\n0::/", true },
        { true, $"2:memory:{Slices}/cri-containerd-ID.scope\n0::/init.scope", false },
        // The runtime of a virtual machine has a place of its own.
        { true, "0::/kata_overhead/ID", false },
        { false, "0::/kubepods/besteffort/podu-1/ID", false },
        { false, "2:memory:/kubepods/besteffort/podu-1/ID\n0::/", false },
        { false, "0::/system.slice/cri-containerd-ID.scope", true },
        { false, "0::/kata_overhead/ID", false },
        // Seen from a cgroup namespace of the kubelet's own.
        { true, $"0::/../..{Slices}/cri-containerd-ID.scope", false },
        { true, "", false },
    };

    [Theory, MemberData(nameof(Places))]
    public async Task A_sandbox_in_the_other_drivers_place_is_told_with_what_to_change(bool systemd, string cgroup, bool wrong)
    {
        using var bench = new PodBench(("app", new()));
        using var machine = new Folder();
        File.WriteAllText(machine.Path + "/cgroup.controllers", "");
        var pod = Make.Pod(Make.Container("app", "app")) with { Metadata = new() { Name = "p", Namespace = "default", Uid = "u-1" } };
        string id = await bench.Cri.RunPodSandboxAsync(new() { Metadata = new() { Name = "p", Uid = "u-1", Namespace = "default" } }, "", default);
        var status = (await bench.Cri.PodSandboxStatusAsync(id, true, default))!;
        int pid = SandboxPlace.Process(status) ?? throw new InvalidOperationException("the fake names no process");
        Directory.CreateDirectory($"{machine.Path}/proc/{pid}");
        File.WriteAllText($"{machine.Path}/proc/{pid}/cgroup", cgroup.Replace("ID", id));
        await using var cgroups = new PodCgroups(bench.Options with { CgroupMount = machine.Path, ProcMount = machine.Path + "/proc", SystemdCgroups = systemd });

        string? said = await cgroups.DisagreementAsync(pod, id, bench.Cri, "containerd://1.6.20", default);

        Assert.Equal(wrong ? $"the kubelet's cgroup driver is {(systemd ? "systemd" : "cgroupfs")}, that of containerd is {(systemd ? "cgroupfs" : "systemd")}" : null, said?.Split(':')[0]);
    }

    [Theory]
    [InlineData("{\"pid\":0}")] // CRI-O without an infra container
    [InlineData("{\"pid\":\"none\"}")]
    [InlineData("[]")]
    [InlineData("pid 12")]
    public void A_runtime_that_names_no_process_is_believed(string info) =>
        Assert.Null(SandboxPlace.Process(new PodSandboxStatusResponse { Info = { ["info"] = info } }));

    sealed class Folder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("hanbae-place-").FullName;
        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
