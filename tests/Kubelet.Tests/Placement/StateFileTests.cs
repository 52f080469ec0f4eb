using Hanbae.Api;
using Hanbae.Kubelet.Placement;
using Hanbae.Kubelet.Placement.Cpus;
using Hanbae.Kubelet.Placement.Memory;

namespace Hanbae.Kubelet.Tests.Placement;

/// <summary>What is on disk is what upstream's kubelet would have written, down to the checksum.</summary>
public sealed class StateFileTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hanbae-state-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    string Cpus { get => File.ReadAllText(Path.Combine(_folder, "cpu_manager_state")); set => File.WriteAllText(Path.Combine(_folder, "cpu_manager_state"), value); }
    string Memory { get => File.ReadAllText(Path.Combine(_folder, "memory_manager_state")); set => File.WriteAllText(Path.Combine(_folder, "memory_manager_state"), value); }

    [Fact]
    public void CPUs_of_nobody_have_upstreams_checksum()
    {
        new CpuStateFile(_folder, "none").Save(CpuState.Empty);
        Assert.Equal("""{"policyName":"none","defaultCpuSet":"","checksum":1353318690}""", Cpus);
        Assert.Empty(new CpuStateFile(_folder, "none").Load()!.Entries);
    }

    [Fact]
    public void CPUs_of_containers_have_upstreams_checksum()
    {
        const string written = """{"policyName":"static","defaultCpuSet":"0,50-127,178-255","entries":{"b200f08b-399a-4079-bfce-e415cb5344b8":{"gengwg-test":"2-49,130-177"},"d633f2d8-f174-43b3-8713-0b80d38d9259":{"node-exporter":"129"},"d6a85864-cf3f-45a3-baee-a9b3d5c2c4bc":{"driver":"128","registrar":"1"}},"checksum":1279870076}""";
        Cpus = written;
        var state = new CpuStateFile(_folder, "static").Load()!;
        Assert.Equal("2-49,130-177", state.Find("b200f08b-399a-4079-bfce-e415cb5344b8", "gengwg-test")!.ToString());
        Assert.Equal("1,128", state.Of("d6a85864-cf3f-45a3-baee-a9b3d5c2c4bc").ToString());
        new CpuStateFile(_folder, "static").Save(state);
        Assert.Equal(written, Cpus);
    }

    [Theory]
    [InlineData("""{"policyName":"none","defaultCpuSet":"","checksum":1353318691}""", "none", "checkpoint is corrupted")]
    [InlineData("""{"policyName":"none","defaultCpuSet":"","checksum":1353318690}""", "static", "configured policy \"static\" differs from state checkpoint policy \"none\"")]
    [InlineData("""{"policyName":"static","defaultCpuSet":"a","checksum":0}""", "static", "could not parse default cpu set: strconv.Atoi: parsing \"a\": invalid syntax")]
    [InlineData("""{"policyName":"static","defaultCpuSet":"1","entries":{"p":{"c":"x"}},"checksum":0}""", "static", "could not parse cpuset \"x\" for container \"c\" in pod \"p\": strconv.Atoi: parsing \"x\": invalid syntax")]
    [InlineData("{", "none", "")]
    public void A_state_that_is_damaged_or_of_another_policy_stops_the_kubelet(string written, string policy, string why)
    {
        Cpus = written;
        string message = Assert.Throws<PlacementSettingsException>(() => new CpuStateFile(_folder, policy).Load()).Message;
        Assert.StartsWith("could not restore state from checkpoint: " + why, message);
        Assert.EndsWith($", please drain this node and delete the CPU manager checkpoint file \"{_folder}/cpu_manager_state\" before restarting Kubelet", message);
    }

    [Fact]
    public void Memory_has_upstreams_checksum()
    {
        const string written = """{"policyName":"static","machineState":{"0":{"numberOfAssignments":0,"memoryMap":{"memory":{"total":2048,"systemReserved":512,"allocatable":1536,"reserved":512,"free":1024}},"cells":[]}},"entries":{"pod":{"container1":[{"numaAffinity":[0],"type":"memory","size":512}]}},"checksum":4215593881}""";
        Memory = written;
        var state = new MemoryStateFile(_folder, "static").Load()!;
        Assert.Equal(512, Assert.Single(state.Find("pod", "container1")!.Value).Size);
        new MemoryStateFile(_folder, "static").Save(state);
        Assert.Equal(written, Memory);
        Assert.Contains("[memorymanager] configured policy \"None\" differs from state checkpoint policy \"static\"", Assert.Throws<PlacementSettingsException>(() => new MemoryStateFile(_folder, "None").Load()).Message);
        Memory = written.Replace("1024", "1025");
        Assert.Contains("checkpoint is corrupted", Assert.Throws<PlacementSettingsException>(() => new MemoryStateFile(_folder, "static").Load()).Message);
    }

    [Fact]
    public void No_file_is_a_fresh_start()
    {
        Assert.Null(new CpuStateFile(_folder, "static").Load());
        Assert.Null(new MemoryStateFile(_folder, "Static").Load());
    }
}
